/** RENAME (RFC 3501 6.3.5). */
import { INBOX } from '../../../mail/mailbox-name.ts';
import { defineCommand } from '../command.ts';
import { CommandRefused } from '../errors.ts';
import { existingFolder, newFolderPlace, readFolderName } from '../folder-name.ts';
import { notPermitted } from '../folder-rights.ts';

export const rename = defineCommand({
  name: 'RENAME',
  parse: (args) => ({ from: readFolderName(args), to: readFolderName(args) }),
  run: async (session, { from, to }) => {
    const folder = existingFolder(session, from, { needs: 'x' });
    const place = newFolderPlace(session, to);
    if (place.mailboxId !== folder.mailboxId) throw new CommandRefused('CANNOT', 'A folder stays in its mailbox');
    // What is in another one's INBOX is not moved away by renaming it.
    if (folder.name === INBOX && folder.mailboxId !== session.mailboxId) throw notPermitted();
    await session.store.renameFolder(folder.mailboxId, folder.name, place.name);
    return {};
  },
});
