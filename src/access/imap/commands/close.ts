/** CLOSE (RFC 3501 6.4.2): removes what is \Deleted, without telling, and leaves the folder. */
import { defineCommand, nothing } from '../command.ts';

export const close = defineCommand({
  name: 'CLOSE',
  needsSelected: true,
  announcement: 'nothing',
  parse: nothing,
  run: async (session) => {
    const folder = session.selectedFolder();
    session.select(undefined);
    if (!folder.readOnly) await session.store.expunge(folder.folderId);
    return {};
  },
});
