/**
 * Content-Transfer-Encodings (RFC 2045 6) read the tolerant way: bytes that have no meaning are passed over or kept,
 * nothing throws, the output is never longer than the input.
 */

const EQUALS = 0x3d;
const CR = 0x0d;
const LF = 0x0a;
const UNDERSCORE = 0x5f;

/** `encoding` in lower case, as in a Part; unknown ones are taken for the identity. */
export function decodeTransferEncoding(bytes: Buffer, encoding: string): Buffer {
  if (encoding === 'base64') return decodeBase64(bytes);
  if (encoding === 'quoted-printable') return decodeQuotedPrintable(bytes);
  return bytes;
}

/**
 * Node's decoder passes over what is outside the alphabet but ends at the first padding. Padding in the middle (parts
 * that were encoded one by one and then joined) is a group's end here.
 */
export function decodeBase64(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1', 0, bytes.length);
  const padding = text.indexOf('=');
  if (padding === -1 || isPaddingOnly(text, padding)) return Buffer.from(text, 'base64');
  return decodeBase64Groups(bytes);
}

/** Six bits a character; padding drops the bits that do not fill a byte. */
function decodeBase64Groups(bytes: Buffer): Buffer {
  const output = Buffer.allocUnsafe(Math.ceil((bytes.length * 3) / 4));
  let length = 0;
  let bits = 0;
  let bitCount = 0;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] as number;
    const value = BASE64_VALUES[byte] as number;
    if (byte === EQUALS) bitCount = 0;
    if (value < 0) continue;
    bits = ((bits << 6) | value) & 0xffff;
    bitCount += 6;
    if (bitCount < 8) continue;
    bitCount -= 8;
    output[length++] = (bits >>> bitCount) & 0xff;
  }
  return output.subarray(0, length);
}

/** By byte: the value of a base64 letter, -1 for everything else. The URL alphabet counts, as it does for Node. */
const BASE64_VALUES = new Int8Array(256).fill(-1);
const BASE64_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
for (let value = 0; value < 64; value++) BASE64_VALUES[BASE64_LETTERS.charCodeAt(value)] = value;
BASE64_VALUES['-'.charCodeAt(0)] = 62;
BASE64_VALUES['_'.charCodeAt(0)] = 63;

function isPaddingOnly(text: string, start: number): boolean {
  for (let index = start; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code !== EQUALS && code > 0x20) return false;
  }
  return true;
}

export function decodeQuotedPrintable(bytes: Buffer): Buffer {
  if (!bytes.includes(EQUALS)) return bytes;
  const output = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] as number;
    const value = byte === EQUALS ? hexPair(bytes, index + 1) : byte;
    if (value >= 0) {
      output[length++] = value;
      if (byte === EQUALS) index += 2;
      continue;
    }
    const lineEnd = softBreakEnd(bytes, index + 1);
    if (lineEnd === -1) output[length++] = byte;
    else index = lineEnd - 1;
  }
  return output.subarray(0, length);
}

/** The Q of encoded words: quoted-printable with _ for the blank (RFC 2047 4.2). */
export function decodeQ(bytes: Buffer): Buffer {
  const output = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] as number;
    const value = byte === EQUALS ? hexPair(bytes, index + 1) : -1;
    if (value >= 0) {
      output[length++] = value;
      index += 2;
    } else output[length++] = byte === UNDERSCORE ? 0x20 : byte;
  }
  return output.subarray(0, length);
}

/** Offset behind a soft line break whose `=` stands before `start`; -1 when it is none. */
function softBreakEnd(bytes: Buffer, start: number): number {
  let index = start;
  // Blanks may have been added on the way. A long run of them is no transport padding, and would be walked again.
  const blanksEnd = Math.min(bytes.length, start + 16);
  while (index < blanksEnd && (bytes[index] === 0x20 || bytes[index] === 0x09)) index += 1;
  if (index === bytes.length) return index;
  if (bytes[index] === LF) return index + 1;
  return bytes[index] === CR && bytes[index + 1] === LF ? index + 2 : -1;
}

function hexPair(bytes: Buffer, start: number): number {
  if (start + 1 >= bytes.length) return -1;
  const high = hexDigit(bytes[start] as number);
  const low = hexDigit(bytes[start + 1] as number);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

export function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
