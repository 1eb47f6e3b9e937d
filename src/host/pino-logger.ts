/**
 * The log of a host's processes: JSON lines on standard output, written at once, so that a killed process loses none. A
 * log that cannot be written (its disk is full) ends nobody: a hub that says 452 and a copy that is read are worth more.
 * Lines wait then, up to a bound, and go out with the first one for which there is room.
 */
import { type DestinationStream, pino } from 'pino';
import type { Logger } from '../base/logger.ts';

/** Beyond this much that could not be written, lines are dropped and counted. */
const MAX_UNWRITTEN_BYTES = 1024 * 1024;

export function pinoLogger(fields: object): Logger {
  return loggerTo(pino.destination({ dest: 1, sync: true, maxLength: MAX_UNWRITTEN_BYTES }), fields);
}

/** What `pino.destination` gives: what it cannot write it keeps, and tries again with the next line. */
export interface LogDestination extends DestinationStream {
  on(event: 'error' | 'drop' | 'drain', listener: () => void): unknown;
}

export function loggerTo(destination: LogDestination, fields: object): Logger {
  const logger = pino({ base: { pid: process.pid, ...fields }, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  let droppedLines = 0;
  // There is no other place to tell it in.
  destination.on('error', () => undefined);
  destination.on('drop', () => {
    droppedLines += 1;
    // A line that is dropped does not make the stream try again what waits, and then none ever would. Its own flushSync
    // tries until there is room, and the process stands still.
    destination.write('');
  });
  destination.on('drain', () => {
    if (droppedLines === 0) return;
    const lines = droppedLines;
    droppedLines = 0;
    logger.warn({ droppedLines: lines }, 'lines are missing here: the log could not be written');
  });
  return logger;
}
