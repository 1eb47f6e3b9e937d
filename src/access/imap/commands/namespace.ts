/** NAMESPACE (RFC 2342): one's own folders, and those of other users. */
import { defineCommand, nothing } from '../command.ts';
import { OTHER_USERS } from '../other-users.ts';
import { untagged } from '../wire/print.ts';

export const namespace = defineCommand({
  name: 'NAMESPACE',
  parse: nothing,
  run: (session) => {
    session.out.text(untagged('NAMESPACE', `(("" "/")) (("${OTHER_USERS}/" "/")) NIL`));
    return {};
  },
});
