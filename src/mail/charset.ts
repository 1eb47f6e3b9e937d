/**
 * Bytes in a named charset, as text. TextDecoder knows most of the names in use (and the stateful ISO-2022-JP);
 * iconv-lite knows code pages that the web forgot (CP437, CP850, VISCII, UTF-7). Nothing here throws: what is invalid
 * becomes U+FFFD, and an unknown name is read as UTF-8 if that fits and as Windows-1252 if not.
 */
import { isUtf8 } from 'node:buffer';
import iconv from 'iconv-lite';

/** Distinct decoders that are kept. There are fewer real charsets; a name from a message must not grow a map for ever. */
const MAX_KEPT_DECODERS = 128;
const MAX_CHARSET_NAME_CHARACTERS = 64;

type Decode = (bytes: Uint8Array) => string;

const decoders = new Map<string, Decode>();
const windows1252 = new TextDecoder('windows-1252');

/** `charset` as a message names it; undefined, us-ascii and unknown ones are guessed between UTF-8 and Windows-1252. */
export function decodeCharset(bytes: Uint8Array, charset: string | undefined): string {
  const label = (charset ?? '').trim().toLowerCase();
  if (label === '' || label === 'us-ascii' || label === 'ascii' || label.length > MAX_CHARSET_NAME_CHARACTERS) {
    return decodeUnlabelled(bytes);
  }
  let decode = decoders.get(label);
  if (decode === undefined) {
    decode = findDecoder(label);
    if (decoders.size < MAX_KEPT_DECODERS) decoders.set(label, decode);
  }
  return decode(bytes);
}

/** Text whose charset nobody stated. */
export function decodeUnlabelled(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  return windows1252.decode(bytes);
}

/** A range of header bytes: ASCII nearly always, so the cheap way comes first. */
export function decodeHeaderBytes(bytes: Buffer, start: number, end: number): string {
  if (end <= start) return '';
  const latin1 = bytes.toString('latin1', start, end);
  for (let index = 0; index < latin1.length; index++) {
    if (latin1.charCodeAt(index) > 0x7f) return decodeUnlabelled(bytes.subarray(start, end));
  }
  return latin1;
}

function findDecoder(label: string): Decode {
  const decoder = textDecoder(label);
  if (decoder !== undefined) return (bytes) => decoder.decode(bytes);
  if (!NOT_CHARSETS.has(label) && iconv.encodingExists(label)) return (bytes) => iconv.decode(bytes, label);
  return decodeUnlabelled;
}

/** Names that iconv-lite answers to although they are no charsets: encodings of bytes, not of text. */
const NOT_CHARSETS = new Set(['base64', 'hex', 'binary', 'utf-7-imap', 'utf7imap']);

function textDecoder(label: string): InstanceType<typeof TextDecoder> | undefined {
  try {
    return new TextDecoder(label);
  } catch (error) {
    // RangeError is how TextDecoder says that it does not know the name; there is no way to ask.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
