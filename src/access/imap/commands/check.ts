/** CHECK (RFC 3501 6.4.1): everything answered is in the log anyway, so there is nothing left to do. */
import { defineCommand, nothing } from '../command.ts';

export const check = defineCommand({ name: 'CHECK', needsSelected: true, parse: nothing, run: () => ({}) });
