/** RENAME (RFC 3501 6.3.5). */
import { defineCommand } from '../command.ts';
import { existingFolder, newFolderName, readFolderName } from '../folder-name.ts';

export const rename = defineCommand({
  name: 'RENAME',
  parse: (args) => ({ from: readFolderName(args), to: readFolderName(args) }),
  run: async (session, { from, to }) => {
    const folder = existingFolder(session, from);
    await session.store.renameFolder(session.mailboxId, folder.name, newFolderName(to));
    return {};
  },
});
