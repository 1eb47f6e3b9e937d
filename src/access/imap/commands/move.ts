/** MOVE and UID MOVE (RFC 6851): one record, so a message is never in both folders nor in none. */
import { UidSet } from '../../../mail/uid-set.ts';
import { type CommandDefinition, defineCommand } from '../command.ts';
import { copyUid } from '../copy-uid.ts';
import { existingFolder, orTryCreate, readFolderName } from '../folder-name.ts';
import { demandSelected, rightsIn, settableFlags } from '../folder-rights.ts';
import { type Numbering, readMessageSet, resolveMessages } from '../message-set.ts';
import { refuseReadOnly } from '../read-only.ts';
import { untagged } from '../wire/print.ts';

function define(name: string, numbering: Numbering): CommandDefinition {
  return defineCommand({
    name,
    needsSelected: true,
    parse: (args) => ({ set: readMessageSet(args, numbering), target: readFolderName(args) }),
    run: async (session, { set, target }) => {
      const folder = demandSelected(session, refuseReadOnly(session.selectedFolder()), 'rte');
      const uids = resolveMessages(folder, set);
      const targetFolder = existingFolder(session, target, { needs: 'i', orElse: 'TRYCREATE' });
      if (uids.length === 0) return {};
      const keeps = settableFlags(rightsIn(session, targetFolder));
      const moved = session.store.move(folder.folderId, UidSet.of(uids), targetFolder.id, keeps);
      const { code } = copyUid(await orTryCreate(moved));
      // Before the EXPUNGEs (RFC 6851 4.3), which the announcement then says.
      if (code !== undefined) session.out.text(untagged('OK', 'Moved', code));
      return {};
    },
  });
}

export const move = define('MOVE', 'sequence');
export const uidMove = define('UID MOVE', 'uid');
