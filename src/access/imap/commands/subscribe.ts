/** SUBSCRIBE (RFC 3501 6.3.6). A folder that is not there can be refused, and is: the name would be a mistake mostly. */
import { defineCommand } from '../command.ts';
import { existingFolder, readFolderName } from '../folder-name.ts';
import { nameInSession } from '../other-users.ts';

export const subscribe = defineCommand({
  name: 'SUBSCRIBE',
  parse: readFolderName,
  run: async (session, wanted) => {
    const name = nameInSession(session, existingFolder(session, wanted, { needs: 'l' }));
    await session.store.setSubscribed(session.mailboxId, name, true);
    return {};
  },
});
