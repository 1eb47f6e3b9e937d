/**
 * A small file of JSON that can tell whether it is whole: the text, a line feed, its CRC-32 in eight hex digits, a line
 * feed. Without it, one bit that turns over makes another number of a number, and nobody could see it.
 */
import { crc32 } from './checksum.ts';

const TAIL = /^(.*)\n([0-9a-f]{8})\n$/s;

export function encodeNote(value: Readonly<Record<string, unknown>>): Buffer {
  const text = JSON.stringify(value);
  return Buffer.from(`${text}\n${checksumOf(text)}\n`);
}

/** What was encoded; undefined when the bytes are not those that were written. */
export function decodeNote(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  const [, text, checksum] = TAIL.exec(bytes.toString('utf8')) ?? [];
  if (text === undefined || checksum !== checksumOf(text) || !Buffer.from(text).equals(bytes.subarray(0, -10))) {
    return undefined;
  }
  return JSON.parse(text) as Readonly<Record<string, unknown>>;
}

function checksumOf(text: string): string {
  return crc32(Buffer.from(text)).toString(16).padStart(8, '0');
}
