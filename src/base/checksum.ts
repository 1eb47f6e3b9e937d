/** Checksums in one place: crc32 for frames on disk (found by accident of hardware), sha256 for whole things. */
import { createHash, hash as hashOnce } from 'node:crypto';
import { crc32 as zlibCrc32 } from 'node:zlib';

/** CRC-32 (IEEE 802.3) of `bytes`, or of a text's UTF-8, continued from `seed`; an unsigned 32-bit number. */
export function crc32(bytes: Uint8Array | string, seed = 0): number {
  return zlibCrc32(bytes, seed);
}

export function sha256(...parts: Uint8Array[]): Buffer {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return hashOnce('sha256', only, 'buffer');
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
