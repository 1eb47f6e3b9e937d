/** NAMESPACE (RFC 2342): one's own folders and nobody else's. */
import { defineCommand, nothing } from '../command.ts';
import { untagged } from '../wire/print.ts';

export const namespace = defineCommand({
  name: 'NAMESPACE',
  parse: nothing,
  run: (session) => {
    session.out.text(untagged('NAMESPACE', '(("" "/")) NIL NIL'));
    return {};
  },
});
