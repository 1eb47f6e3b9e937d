/** CLOSE (RFC 3501 6.4.2): removes what is \Deleted, without telling, and leaves the folder. */
import { defineCommand, nothing } from '../command.ts';
import { hasAll, rightsIn } from '../folder-rights.ts';

export const close = defineCommand({
  name: 'CLOSE',
  needsSelected: true,
  announcement: 'nothing',
  parse: nothing,
  run: async (session) => {
    const folder = session.selectedFolder();
    const mayExpunge = hasAll(rightsIn(session, { id: folder.folderId, mailboxId: folder.mailboxId }), 'e');
    session.select(undefined);
    if (!folder.readOnly && mayExpunge) await session.store.expunge(folder.folderId);
    return {};
  },
});
