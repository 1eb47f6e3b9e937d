/** The log of a host's processes: JSON lines on standard output, written at once, so that a killed process loses none. */
import { pino } from 'pino';
import type { Logger } from '../base/logger.ts';

export function pinoLogger(fields: object): Logger {
  return pino(
    { base: { pid: process.pid, ...fields }, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 1, sync: true }),
  );
}
