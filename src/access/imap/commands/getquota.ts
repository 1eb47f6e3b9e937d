/** GETQUOTA (RFC 9208 4.1.2), of one's own mailbox. Limits are set by administrators, so there is no SETQUOTA. */
import { defineCommand } from '../command.ts';
import { CommandRefused } from '../errors.ts';
import { printQuota, quotaRootOf } from '../quota-lines.ts';

export const getQuota = defineCommand({
  name: 'GETQUOTA',
  parse: (args) => args.astring(),
  run: (session, root) => {
    if (root !== quotaRootOf(session, session.mailboxId)) throw new CommandRefused('NONEXISTENT', 'No such quota');
    session.out.text(printQuota(session, session.mailboxId, root));
    return {};
  },
});
