/** UNSUBSCRIBE (RFC 3501 6.3.7): also from a folder that is gone. */
import { normaliseMailboxName } from '../../../mail/mailbox-name.ts';
import { defineCommand } from '../command.ts';
import { readFolderName } from '../folder-name.ts';

export const unsubscribe = defineCommand({
  name: 'UNSUBSCRIBE',
  parse: readFolderName,
  run: async (session, name) => {
    const normal = normaliseMailboxName(name);
    if (normal !== undefined) await session.store.setSubscribed(session.mailboxId, normal, false);
    return {};
  },
});
