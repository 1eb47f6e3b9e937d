/** STATUS (RFC 3501 6.3.10). */
import { defineCommand } from '../command.ts';
import { existingFolder, readFolderName } from '../folder-name.ts';
import { printStatus, readStatusItems } from '../status-items.ts';

export const status = defineCommand({
  name: 'STATUS',
  parse: (args) => ({ name: readFolderName(args), items: readStatusItems(args) }),
  run: (session, { name, items }) => {
    session.out.text(printStatus(session, existingFolder(session, name, { needs: 'r' }), items));
    return {};
  },
});
