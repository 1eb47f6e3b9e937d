/** SETACL and DELETEACL (RFC 4314 3.1, 3.2). The owner's rights stay as they are: all of them. */
import type { Folder } from '../../../store/mail-store.ts';
import { type Completion, defineCommand, type SessionContext } from '../command.ts';
import { CommandRefused } from '../errors.ts';
import { existingFolder, readFolderName } from '../folder-name.ts';
import { changedRights, granteeOf, parseRights, type RightsChange } from '../rights-words.ts';

async function change(
  session: SessionContext,
  folder: Folder,
  identifier: string,
  wanted: RightsChange,
): Promise<Completion> {
  const granteeId = granteeOf(session, identifier);
  if (granteeId === folder.mailboxId) throw new CommandRefused('CANNOT', 'The owner has all rights');
  const known = session.store.settings.rights(folder.id).find((each) => each.granteeId === granteeId);
  const rights = changedRights(known?.rights ?? '', wanted);
  await session.store.settings.setRights(folder.id, { granteeId, rights });
  return {};
}

export const setAcl = defineCommand({
  name: 'SETACL',
  parse: (args) => ({ name: readFolderName(args), identifier: args.astring(), wanted: parseRights(args.astring()) }),
  run: (session, { name, identifier, wanted }) =>
    change(session, existingFolder(session, name, { needs: 'a' }), identifier, wanted),
});

export const deleteAcl = defineCommand({
  name: 'DELETEACL',
  parse: (args) => ({ name: readFolderName(args), identifier: args.astring() }),
  run: (session, { name, identifier }) =>
    change(session, existingFolder(session, name, { needs: 'a' }), identifier, { operation: 'replace', rights: '' }),
});
