/**
 * Moves message bodies out of packs in which little is referred to any more, while the copy is in use, so that those
 * packs become empty and go. A body moves with its row, in the database's open transaction, and its old bytes stay until
 * that was committed and carried over: whichever commit a crash brings back, every place that it names holds its body.
 *
 * Moved bodies have a pack of their own: the order of the ids in it stays ascending, as a walk without a database wants
 * it, and a long body can be written in pieces, with other work in between, without a hole in the pack that grows with
 * the log. Nothing else changes: it is no record, other copies do not hear of it, and the digest leaves places out.
 */
import type { StatementSync } from 'node:sqlite';
import { assert } from '../../base/assert.ts';
import { crc32 } from '../../base/checksum.ts';
import type { Database } from '../database.ts';
import { type BodyPlace, headOf, type Packs } from '../packs.ts';
import { MOVED_AT_ONCE_BYTES } from './limits.ts';
import { ENTRY_HEAD_BYTES } from './pack-name.ts';

/** A body of which a part has been written behind the mark. */
interface Partial {
  readonly place: BodyPlace;
  doneBytes: number;
  /** Of the body's bytes so far. */
  checksum: number;
}

/** Counted by whoever moves, over all steps. */
export interface MoveCount {
  bodies: number;
  bytes: number;
  /** Bodies that stay where they are until they are mended. */
  damaged: number;
}

export class BodyMover {
  readonly #database: Database;
  readonly #packs: Packs;
  readonly #place: StatementSync;
  readonly #move: StatementSync;
  #partial: Partial | undefined;
  /** Of the last body in the pack that is written to. */
  #lastBodyId = 0;
  /** As the packs counted them when the last step ended. */
  #cuts = -1;
  readonly #count: MoveCount;

  constructor({ database, packs }: { database: Database; packs: Packs }, count: MoveCount) {
    this.#count = count;
    this.#database = database;
    this.#packs = packs;
    this.#place = database.prepare('SELECT pack, position, size_bytes, crc32 FROM body WHERE id = ?');
    this.#move = database.prepare('UPDATE body SET pack = ?, position = ? WHERE id = ?');
  }

  /**
   * Moves bodies that lie in `fromPack`, from `bodyIds[start]` on, until `isOver`; returns the index of the next one.
   * `bodyIds` are ascending, and one at least is done or begun. In the turn of a change: no commit is under way. Throws what the packs' device throws.
   */
  step(fromPack: number, bodyIds: ArrayLike<number>, start: number, isOver: () => boolean): number {
    assert(fromPack < this.#database.tally.pack, 'A pack that grows is not emptied');
    if (this.#cuts !== this.#packs.cuts) this.#beginPack();
    let index = start;
    do if (this.#moveOn(fromPack, bodyIds[index] ?? 0)) index += 1;
    while (index < bodyIds.length && !isOver());
    return index;
  }

  /** The pack that was written to is one like every other. */
  finish(): void {
    const { tally } = this.#database;
    if (tally.movePack === 0) return;
    this.#database.begin();
    this.#packs.truncate(tally.movePack, tally.moveEnd);
    this.#partial = undefined;
    tally.movePack = 0;
    tally.moveEnd = 0;
  }

  /** Its number is below that of the pack that grows with the log, so it is kept by every rule about older packs. */
  #beginPack(): void {
    this.finish();
    this.#database.begin();
    const { tally } = this.#database;
    tally.movePack = tally.packEnd === 0 ? tally.pack : tally.pack + 1;
    tally.moveEnd = 0;
    tally.pack = tally.movePack + 1;
    tally.packEnd = 0;
    this.#lastBodyId = 0;
    this.#cuts = this.#packs.cuts;
  }

  /** One body, or the next piece of a long one. True when nothing is left to do for it. */
  #moveOn(fromPack: number, bodyId: number): boolean {
    const place = this.#placeOf(bodyId);
    if (place?.pack !== fromPack) return true; // gone meanwhile, or moved before an interruption
    const { tally } = this.#database;
    const isStarted = this.#partial?.place.bodyId === bodyId;
    if (!isStarted && (tally.moveEnd >= this.#packs.packBytes || bodyId <= this.#lastBodyId)) this.#beginPack();
    const partial = isStarted && this.#partial !== undefined ? this.#partial : { place, doneBytes: 0, checksum: 0 };
    this.#partial = partial;
    if (!this.#copyPiece(partial)) return this.#leave(bodyId);
    if (partial.doneBytes < ENTRY_HEAD_BYTES + place.sizeBytes) return false;
    if (partial.checksum !== place.crc32) return this.#leave(bodyId);
    this.#partial = undefined;
    this.#settle(place);
    return true;
  }

  #placeOf(bodyId: number): BodyPlace | undefined {
    const row = this.#place.get(bodyId) as unknown as readonly [number, number, number, number] | undefined;
    if (row === undefined) return undefined;
    const [pack, position, sizeBytes, checksum] = row;
    return { bodyId, pack, position, sizeBytes, crc32: checksum };
  }

  /** False when the piece is not what it ought to be. */
  #copyPiece(partial: Partial): boolean {
    const { place, doneBytes } = partial;
    const { movePack, moveEnd } = this.#database.tally;
    const length = Math.min(MOVED_AT_ONCE_BYTES, ENTRY_HEAD_BYTES + place.sizeBytes - doneBytes);
    const piece = this.#packs.readUnchecked(place, doneBytes, length);
    if (piece.length !== length) return false;
    if (doneBytes === 0 && !piece.subarray(0, ENTRY_HEAD_BYTES).equals(headOf(place))) return false;
    partial.checksum = crc32(doneBytes === 0 ? piece.subarray(ENTRY_HEAD_BYTES) : piece, partial.checksum);
    this.#packs.write(movePack, moveEnd + doneBytes, piece);
    partial.doneBytes += length;
    this.#count.bytes += length;
    return true;
  }

  /** A damaged body stays where it is: it is mended there, and its pack goes another time. */
  #leave(bodyId: number): true {
    this.#partial = undefined;
    this.#count.damaged += 1;
    this.#packs.damageFound(bodyId);
    return true;
  }

  #settle({ bodyId, pack, sizeBytes }: BodyPlace): void {
    const { tally } = this.#database;
    this.#database.begin();
    this.#move.run(tally.movePack, tally.moveEnd, bodyId);
    this.#database.countBodies(pack, -1);
    this.#database.countBodies(tally.movePack, 1);
    tally.moveEnd += ENTRY_HEAD_BYTES + sizeBytes;
    this.#lastBodyId = bodyId;
    this.#count.bodies += 1;
  }
}
