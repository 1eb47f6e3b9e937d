/** GETQUOTAROOT (RFC 9208 4.1.3): which limits hold in a folder, and how near they are. */
import { defineCommand } from '../command.ts';
import { existingFolder, printFolderName, readFolderName } from '../folder-name.ts';
import { printQuota, quotaRootOf } from '../quota-lines.ts';
import { astring, line } from '../wire/print.ts';

export const getQuotaRoot = defineCommand({
  name: 'GETQUOTAROOT',
  parse: readFolderName,
  run: (session, name) => {
    const { mailboxId } = existingFolder(session, name, { needs: 'r' });
    const root = quotaRootOf(session, mailboxId);
    const roots = root === undefined ? '' : ` ${astring(root)}`;
    session.out.text(line(`* QUOTAROOT ${printFolderName(name)}${roots}`));
    if (root !== undefined) session.out.text(printQuota(session, mailboxId, root));
    return {};
  },
});
