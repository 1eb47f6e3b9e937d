/** CAPABILITY (RFC 3501 6.1.1). */
import { capabilitiesAfterLogin } from '../capability.ts';
import { defineCommand, nothing } from '../command.ts';
import { untagged } from '../wire/print.ts';

export const capability = defineCommand({
  name: 'CAPABILITY',
  parse: nothing,
  run: (session) => {
    session.out.text(untagged('CAPABILITY', capabilitiesAfterLogin));
    return {};
  },
});
