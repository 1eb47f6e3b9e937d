/** Messages that exist once: an id of their own, and bodies in which a byte that moved or changed would show. */
import type { Random } from '../../src/base/random.ts';
import { idHeader } from './history.ts';

const LINE_BYTES = 76;
const SIZES_BYTES = [200, 1_500, 4_000, 20_000] as const;
/** One in so many is large enough to cross every buffer on its way. */
const LARGE_ONE_IN = 200;
const LARGE_BYTES = 700_000;

/** Wire format: CR LF, lines below 998 bytes, 8-bit bytes, lines that begin with dots. */
export function makeMessage(id: string, recipient: string, random: Random, sizeBytes?: number): Buffer {
  const size = sizeBytes ?? pickSize(random);
  const header = `From: sender@example.org\r\nTo: ${recipient}\r\nSubject: ${id}\r\n${idHeader(id)}MIME-Version: 1.0\r\n`;
  const kind = 'Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n';
  const noise = random.bytes(Math.ceil(size / 8)).toString('base64');
  const lines: string[] = [`.${id}`, '..', 'na\u00efve \u00ff', 'From the start of a line'];
  for (let at = 0, bytes = 0; bytes < size; at = (at + LINE_BYTES) % noise.length, bytes += LINE_BYTES) {
    lines.push(noise.slice(at, at + LINE_BYTES));
  }
  return Buffer.from(`${header}${kind}${lines.join('\r\n')}\r\n`, 'latin1');
}

function pickSize(random: Random): number {
  if (random.below(LARGE_ONE_IN) === 0) return LARGE_BYTES;
  return SIZES_BYTES[random.below(SIZES_BYTES.length)] ?? SIZES_BYTES[0];
}
