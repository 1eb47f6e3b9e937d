/** IDLE (RFC 2177). What has happened up to now is told before the `+`; session.ts does the rest. */
import { defineCommand, nothing } from '../command.ts';

export const idle = defineCommand({ name: 'IDLE', parse: nothing, run: () => ({ next: 'idle' }) });
