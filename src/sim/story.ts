/** What happened in a simulated world, in words and in order: for whoever has to understand a failing seed. */

import { crc32 } from '../base/checksum.ts';
import type { Logger } from '../base/logger.ts';
import type { SimulatedTime } from './simulated-time.ts';

/** A story longer than this keeps its beginning and its end. */
const MAX_LINES = 60_000;

export class Story {
  readonly #time: SimulatedTime;
  #lines: string[] = [];
  #droppedLines = 0;
  #checksum = 0;

  constructor(time: SimulatedTime) {
    this.#time = time;
  }

  tell(who: string, what: string): void {
    const line = `${this.#time.nowMs.toFixed(3).padStart(12)}  ${who.padEnd(8)}  ${what}`;
    this.#checksum = crc32(Buffer.from(`${line}\n`), this.#checksum);
    this.#lines.push(line);
    if (this.#lines.length <= MAX_LINES) return;
    this.#droppedLines += MAX_LINES / 2;
    this.#lines.splice(MAX_LINES / 4, MAX_LINES / 2);
  }

  /** Equal for two runs exactly if they told the same. */
  get checksum(): number {
    return this.#checksum;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  get droppedLines(): number {
    return this.#droppedLines;
  }

  logger(who: string): Logger {
    const write = (level: string, fields: object, event: string): void => {
      const shown = Object.entries(fields).filter(
        ([name]) => name !== 'host' || !('host' in fields && fields.host === who),
      );
      const details = shown.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(' ');
      this.tell(who, `${level === 'info' ? '' : `${level}: `}${event}${details === '' ? '' : `  (${details})`}`);
    };
    const make = (common: object): Logger => ({
      info: (fields, event) => write('info', { ...common, ...fields }, event),
      warn: (fields, event) => write('warning', { ...common, ...fields }, event),
      error: (fields, event) => write('error', { ...common, ...fields }, event),
      child: (fields) => make({ ...common, ...fields }),
    });
    return make({});
  }
}
