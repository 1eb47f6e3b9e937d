/** NOOP (RFC 3501 6.1.2): the client asks what is new; the announcement before its OK is the answer. */
import { defineCommand, nothing } from '../command.ts';

export const noop = defineCommand({ name: 'NOOP', parse: nothing, run: () => ({}) });
