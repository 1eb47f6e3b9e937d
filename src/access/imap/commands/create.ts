/** CREATE (RFC 3501 6.3.3). */
import { defineCommand } from '../command.ts';
import { newFolderPlace, readFolderName } from '../folder-name.ts';

export const create = defineCommand({
  name: 'CREATE',
  parse: readFolderName,
  run: async (session, name) => {
    const place = newFolderPlace(session, name);
    await session.store.createFolder(place.mailboxId, place.name);
    return {};
  },
});
