/** ID (RFC 2971), the same before and after a login. What clients say of themselves is read and forgotten. */
import type { ArgumentReader } from './wire/arguments.ts';
import { list, string, untagged } from './wire/print.ts';
import { SyntaxFault } from './wire/token.ts';

/** RFC 2971 3.3. */
const MAX_FIELDS = 30;

export function parseId(args: ArgumentReader): void {
  if (!args.accepts('NIL')) {
    const values = args.list(() => args.nstring());
    if (values.length > 2 * MAX_FIELDS || values.length % 2 !== 0) throw new SyntaxFault('Wrong list of fields');
  }
  args.end();
}

/** Without a version: that would help an attacker more than a client. */
export function idResponse(): string {
  return untagged('ID', list([string('name'), string('Holdfast')]));
}
