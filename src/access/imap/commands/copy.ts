/** COPY and UID COPY (RFC 3501 6.4.7), with COPYUID (RFC 4315 3). */
import { UidSet } from '../../../mail/uid-set.ts';
import { type CommandDefinition, defineCommand } from '../command.ts';
import { copyUid } from '../copy-uid.ts';
import { existingFolder, orTryCreate, readFolderName } from '../folder-name.ts';
import { demandSelected, rightsIn, settableFlags } from '../folder-rights.ts';
import { type Numbering, readMessageSet, resolveMessages } from '../message-set.ts';

function define(name: string, numbering: Numbering): CommandDefinition {
  return defineCommand({
    name,
    needsSelected: true,
    parse: (args) => ({ set: readMessageSet(args, numbering), target: readFolderName(args) }),
    run: async (session, { set, target }) => {
      const folder = demandSelected(session, session.selectedFolder(), 'r');
      const uids = resolveMessages(folder, set);
      const targetFolder = existingFolder(session, target, { needs: 'i', orElse: 'TRYCREATE' });
      if (uids.length === 0) return {};
      const keeps = settableFlags(rightsIn(session, targetFolder));
      return copyUid(await orTryCreate(session.store.copy(folder.folderId, UidSet.of(uids), targetFolder.id, keeps)));
    },
  });
}

export const copy = define('COPY', 'sequence');
export const uidCopy = define('UID COPY', 'uid');
