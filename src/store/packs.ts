/**
 * Message bodies, one instance per message however many recipients, in append-only packs. Where a body lies is a copy's
 * own affair: new ones go behind each other in the order of the log, a defragmentation moves old ones (body-mover.ts).
 * What a pack holds beyond the committed database's mark is worth nothing and is written over.
 *
 *     0  magic   u32     4  body id  u64     12  length  u32     16  crc32 of the body  u32     20  body
 *
 * Nothing is given out before its checksum was found right. A body is checked whole once; short ones are then kept in
 * memory for a while, of long ones the checksums of their pieces, so that a range costs the pieces it touches.
 */
import { present } from '../base/assert.ts';
import { crc32 } from '../base/checksum.ts';
import { isProblem, Problem } from '../base/problem.ts';
import type { Tally } from './database.ts';
import { BODY_CACHE_BYTES, BODY_PIECE_BYTES, LONG_BODIES_REMEMBERED, PACK_BYTES } from './limits.ts';

/** Where packs lie: the host's disk, or a simulated one. Numbers of packs begin at 1. */
export interface PackDevice {
  /** Takes a copy of `bytes`; a read sees it at once. Throws when the device failed: that is final. */
  append(pack: number, position: number, bytes: Uint8Array): void;
  /** Fewer bytes than asked for only where the pack ends; none if there is no such pack. */
  read(pack: number, position: number, length: number): Buffer;
  /** Everything appended before the call is durable after. */
  sync(): Promise<void>;
  /** Forgets what lies beyond `length`; a pack that is not there, or is shorter, stays as it is. */
  truncate(pack: number, length: number): void;
  /** A pack that is not there is no error. */
  remove(pack: number): void;
  list(): readonly { readonly pack: number; readonly length: number }[];
  /** Lets go of all files. What was not synced may be gone; the log has it. */
  close(): void;
  /** Told when a read found this body damaged: whoever can mend it writes the same bytes to the same place. */
  bodyDamaged?(bodyId: number): void;
}

export interface BodyPlace {
  readonly bodyId: number;
  readonly pack: number;
  /** Of the entry's head. */
  readonly position: number;
  readonly sizeBytes: number;
  readonly crc32: number;
}

const MAGIC = 0x59_44_4f_42; // "BODY"
const HEAD_BYTES = 20;

export { HEAD_BYTES as PACK_HEAD_BYTES, MAGIC as PACK_MAGIC };

const LONGEST_KEPT_BYTES = BODY_CACHE_BYTES / 4;

export class Packs {
  readonly #device: PackDevice;
  /** Oldest use first. */
  readonly #kept = new Map<number, Buffer>();
  #keptBytes = 0;
  readonly #pieceChecksums = new Map<number, readonly number[]>();
  readonly packBytes: number;
  #cuts = 0;

  /** `packBytes`: for tests, so that packs end soon. Must be the same on every copy. */
  constructor(device: PackDevice, packBytes = PACK_BYTES) {
    this.#device = device;
    this.packBytes = packBytes;
  }

  /** Appends a body at the place that `tally` names and moves the mark on. */
  append(tally: Tally, bodyId: number, bytes: Buffer): BodyPlace {
    if (tally.packEnd >= this.packBytes) {
      tally.pack += 1;
      tally.packEnd = 0;
    }
    const place = { bodyId, pack: tally.pack, position: tally.packEnd, sizeBytes: bytes.length, crc32: crc32(bytes) };
    this.#device.append(place.pack, place.position, headOf(place));
    this.#device.append(place.pack, place.position + HEAD_BYTES, bytes);
    tally.packEnd += HEAD_BYTES + bytes.length;
    return place;
  }

  /** The bytes [start, end) of a body, cut to its length. Not to be changed by the caller. Problem('BodyDamaged') */
  read(place: BodyPlace, start = 0, end = place.sizeBytes): Buffer {
    try {
      return this.#read(place, start, end);
    } catch (error) {
      const isUnreadable = isProblem(error, 'DiskFailed');
      if (isUnreadable || isProblem(error, 'BodyDamaged')) this.damageFound(place.bodyId);
      throw isUnreadable ? unreadable(place, error) : error;
    }
  }

  #read(place: BodyPlace, start: number, end: number): Buffer {
    const last = Math.min(end, place.sizeBytes);
    if (start >= last) return Buffer.alloc(0);
    const kept = this.#kept.get(place.bodyId);
    if (kept !== undefined) {
      this.#keep(place.bodyId, kept);
      return kept.subarray(start, last);
    }
    if (place.sizeBytes <= LONGEST_KEPT_BYTES) return this.#readWhole(place).subarray(start, last);
    return this.#readPieces(place, start, last);
  }

  /** A part of an entry, its head included, as it lies there: whoever takes all parts has to check them. */
  readUnchecked(place: BodyPlace, start: number, length: number): Buffer {
    return this.#device.read(place.pack, place.position + start, length);
  }

  /** Bytes for the place `position` of a pack, beyond everything that is referred to. */
  write(pack: number, position: number, bytes: Uint8Array): void {
    this.#device.append(pack, position, bytes);
  }

  truncate(pack: number, length: number): void {
    this.#device.truncate(pack, length);
  }

  damageFound(bodyId: number): void {
    this.#device.bodyDamaged?.(bodyId);
  }

  /** How often `returnTo` has cut bytes away: what was written and not referred to before, is gone after. */
  get cuts(): number {
    return this.#cuts;
  }

  sync(): Promise<void> {
    return this.#device.sync();
  }

  /** Cuts away what the committed database does not know. */
  returnTo(tally: Tally): void {
    this.#cuts += 1;
    this.#kept.clear();
    this.#keptBytes = 0;
    this.#pieceChecksums.clear();
    for (const { pack } of this.#device.list()) if (pack > tally.pack) this.#device.remove(pack);
    this.#device.truncate(tally.pack, tally.packEnd);
    if (tally.movePack > 0) this.#device.truncate(tally.movePack, tally.moveEnd);
  }

  list(): readonly { readonly pack: number; readonly length: number }[] {
    return this.#device.list();
  }

  close(): void {
    this.#device.close();
  }

  remove(pack: number): void {
    this.#device.remove(pack);
  }

  #readWhole(place: BodyPlace): Buffer {
    const entry = this.#device.read(place.pack, place.position, HEAD_BYTES + place.sizeBytes);
    checkHead(place, entry);
    const bytes = entry.subarray(HEAD_BYTES);
    if (bytes.length !== place.sizeBytes || crc32(bytes) !== place.crc32) throw damaged(place);
    this.#keep(place.bodyId, bytes);
    return bytes;
  }

  #keep(bodyId: number, bytes: Buffer): void {
    this.#forget(bodyId);
    this.#kept.set(bodyId, bytes);
    this.#keptBytes += bytes.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#keptBytes <= BODY_CACHE_BYTES) return;
      this.#forget(oldest);
    }
  }

  #forget(bodyId: number): void {
    this.#keptBytes -= this.#kept.get(bodyId)?.length ?? 0;
    this.#kept.delete(bodyId);
    this.#pieceChecksums.delete(bodyId);
  }

  #readPieces(place: BodyPlace, start: number, end: number): Buffer {
    const checksums = this.#pieceChecksums.get(place.bodyId) ?? this.#checkPieces(place);
    const first = Math.floor(start / BODY_PIECE_BYTES);
    const last = Math.floor((end - 1) / BODY_PIECE_BYTES);
    const bytes = this.#readPiece(place, first, last - first + 1);
    for (let piece = first; piece <= last; piece++) {
      const at = (piece - first) * BODY_PIECE_BYTES;
      const checksum = crc32(bytes.subarray(at, at + BODY_PIECE_BYTES));
      if (checksum !== present(checksums[piece], 'Every piece has a checksum')) throw damaged(place);
    }
    return bytes.subarray(start - first * BODY_PIECE_BYTES, end - first * BODY_PIECE_BYTES);
  }

  #checkPieces(place: BodyPlace): readonly number[] {
    checkHead(place, this.#device.read(place.pack, place.position, HEAD_BYTES));
    const checksums: number[] = [];
    let whole = 0;
    for (let piece = 0; piece * BODY_PIECE_BYTES < place.sizeBytes; piece++) {
      const bytes = this.#readPiece(place, piece, 1);
      whole = crc32(bytes, whole);
      checksums.push(crc32(bytes));
    }
    if (whole !== place.crc32) throw damaged(place);
    this.#pieceChecksums.set(place.bodyId, checksums);
    for (const oldest of this.#pieceChecksums.keys()) {
      if (this.#pieceChecksums.size <= LONG_BODIES_REMEMBERED) break;
      this.#pieceChecksums.delete(oldest);
    }
    return checksums;
  }

  #readPiece(place: BodyPlace, piece: number, count: number): Buffer {
    const start = piece * BODY_PIECE_BYTES;
    const length = Math.min(count * BODY_PIECE_BYTES, place.sizeBytes - start);
    const bytes = this.#device.read(place.pack, place.position + HEAD_BYTES + start, length);
    if (bytes.length !== length) throw damaged(place);
    return bytes;
  }
}

/** An entry's head as it lies in its pack. */
export function headOf(place: Omit<BodyPlace, 'pack' | 'position'>): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeUInt32LE(MAGIC, 0);
  head.writeUInt32LE(place.bodyId % 0x1_0000_0000, 4);
  head.writeUInt32LE(Math.floor(place.bodyId / 0x1_0000_0000), 8);
  head.writeUInt32LE(place.sizeBytes, 12);
  head.writeUInt32LE(place.crc32, 16);
  return head;
}

/** The head tells a misplaced write from a rotten one, and lets a pack be read without its database. */
function checkHead(place: BodyPlace, entry: Buffer): void {
  if (!entry.subarray(0, HEAD_BYTES).equals(headOf(place))) throw damaged(place);
}

function damaged(place: BodyPlace): Problem {
  return new Problem(
    'BodyDamaged',
    `Cannot read message body ${place.bodyId}: pack ${place.pack} is damaged at ${place.position}. Repair it from another copy.`,
  );
}

/** To whoever wants it, bytes that the disk does not give are as bad as wrong ones. */
function unreadable(place: BodyPlace, cause: Problem): Problem {
  return new Problem('BodyDamaged', `Cannot read message body ${place.bodyId}: ${cause.message}`, { cause });
}
