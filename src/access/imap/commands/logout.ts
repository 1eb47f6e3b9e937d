/** LOGOUT (RFC 3501 6.1.3). */
import { defineCommand, nothing } from '../command.ts';
import { untagged } from '../wire/print.ts';

export const logout = defineCommand({
  name: 'LOGOUT',
  announcement: 'nothing',
  parse: nothing,
  run: (session) => {
    session.out.text(untagged('BYE', 'Logging out'));
    return { next: 'logout' };
  },
});
