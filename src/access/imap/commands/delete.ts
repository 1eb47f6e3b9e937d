/** DELETE (RFC 3501 6.3.4). Who deletes the folder he is in leaves it first. */
import { defineCommand } from '../command.ts';
import { existingFolder, readFolderName } from '../folder-name.ts';

export const deleteFolder = defineCommand({
  name: 'DELETE',
  parse: readFolderName,
  run: async (session, name) => {
    const folder = existingFolder(session, name, { needs: 'x' });
    const { selected } = session;
    const isSelected = selected?.folderId === folder.id;
    await session.store.deleteFolder(folder.mailboxId, folder.name);
    if (isSelected) session.select(undefined);
    return {};
  },
});
