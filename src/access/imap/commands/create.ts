/** CREATE (RFC 3501 6.3.3). */
import { defineCommand } from '../command.ts';
import { newFolderName, readFolderName } from '../folder-name.ts';

export const create = defineCommand({
  name: 'CREATE',
  parse: readFolderName,
  run: async (session, name) => {
    await session.store.createFolder(session.mailboxId, newFolderName(name));
    return {};
  },
});
