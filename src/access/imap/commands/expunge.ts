/** EXPUNGE (RFC 3501 6.4.3) and UID EXPUNGE (RFC 4315 2.1). The announcement before the OK tells what went. */
import { UidSet } from '../../../mail/uid-set.ts';
import { defineCommand, nothing } from '../command.ts';
import { demandSelected } from '../folder-rights.ts';
import { readMessageSet, resolveMessages } from '../message-set.ts';
import { refuseReadOnly } from '../read-only.ts';

export const expunge = defineCommand({
  name: 'EXPUNGE',
  needsSelected: true,
  parse: nothing,
  run: async (session) => {
    const folder = demandSelected(session, refuseReadOnly(session.selectedFolder()), 'e');
    await session.store.expunge(folder.folderId);
    return {};
  },
});

export const uidExpunge = defineCommand({
  name: 'UID EXPUNGE',
  needsSelected: true,
  parse: (args) => readMessageSet(args, 'uid'),
  run: async (session, set) => {
    const folder = demandSelected(session, refuseReadOnly(session.selectedFolder()), 'e');
    const uids = resolveMessages(folder, set);
    if (uids.length > 0) await session.store.expunge(folder.folderId, UidSet.of(uids));
    return {};
  },
});
