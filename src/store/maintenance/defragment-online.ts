/**
 * Defragmentation of a copy that is in use, active or passive: packs in which little is referred to are emptied and go,
 * free pages of the database are given back. It works in steps of a few milliseconds, in turn with the changes, and
 * rests longer than it works. Every step is whole in itself: it may be stopped, or killed, anywhere, and what was done
 * by then stays done.
 *
 * The bytes of a pack go when the database's next complete checkpoint has made the new places safe (commit.ts).
 */
import type { Database } from '../database.ts';
import type { Packs } from '../packs.ts';
import { BodyMover, type MoveCount } from './body-mover.ts';
import {
  DEFRAGMENT_REST_FACTOR,
  DEFRAGMENT_STEP_MS,
  EMPTIED_BELOW_SHARE,
  FREE_PAGES_SHARE,
  VACUUMED_PAGES,
  WARMED_BYTES,
} from './limits.ts';

/** How full a pack is. */
export interface PackFill {
  readonly pack: number;
  readonly sizeBytes: number;
  readonly liveBytes: number;
}

/** Bodies of one pack, ascending by id; both have the same length. */
export interface BodiesOfPack {
  readonly ids: Float64Array;
  readonly positions: Float64Array;
}

export interface OnlineStore {
  readonly database: Database;
  readonly packs: Packs;
}

/** The copy that is in use, and what is looked up beside it as of its last commit. */
export interface OnlineCopy {
  fills(): Promise<readonly PackFill[]>;
  bodiesOf(pack: number): Promise<BodiesOfPack>;
  /** Reads bytes of a pack away from the serving thread, so that they are in memory. */
  warm(pack: number, position: number, length: number): Promise<void>;
  /** `step` runs when no commit is under way. Rejects when the copy is not open any more. */
  inTurn<T>(step: (store: OnlineStore) => T): Promise<T>;
  monotonicMs(): number;
  rest(ms: number): Promise<void>;
  onProgress(line: string): void;
}

export interface OnlineDefragmentation {
  readonly emptiedPacks: number;
  readonly movedBodies: number;
  readonly movedBytes: number;
  /** Bodies that could not be moved before they are mended. */
  readonly damagedBodies: number;
  readonly freedPages: number;
  /** The longest time for which it held up the serving thread. */
  readonly longestStepMs: number;
}

/** False: the database was made by a version whose free pages only `eseutil /d` gives back. */
export function canVacuum({ connection }: Database): boolean {
  return pragma(connection, 'auto_vacuum') === 2;
}

export async function defragmentOnline(copy: OnlineCopy): Promise<OnlineDefragmentation> {
  const run = new Run(copy);
  await run.emptyPacks();
  await run.giveBackPages();
  return run.result();
}

class Run {
  readonly #copy: OnlineCopy;
  #mover: BodyMover | undefined;
  #store: OnlineStore | undefined;
  readonly #moved: MoveCount = { bodies: 0, bytes: 0, damaged: 0 };
  #emptiedPacks = 0;
  #freedPages = 0;
  #longestStepMs = 0;

  constructor(copy: OnlineCopy) {
    this.#copy = copy;
  }

  result(): OnlineDefragmentation {
    return {
      emptiedPacks: this.#emptiedPacks,
      movedBodies: this.#moved.bodies,
      movedBytes: this.#moved.bytes,
      damagedBodies: this.#moved.damaged,
      freedPages: this.#freedPages,
      longestStepMs: this.#longestStepMs,
    };
  }

  async emptyPacks(): Promise<void> {
    const growing = await this.#step(({ database }) => database.tally.pack);
    const fills = (await this.#copy.fills()).filter(
      ({ pack, sizeBytes, liveBytes }) => pack < growing && liveBytes < sizeBytes * EMPTIED_BELOW_SHARE,
    );
    const deadBytes = fills.reduce((sum, { sizeBytes, liveBytes }) => sum + sizeBytes - liveBytes, 0);
    this.#copy.onProgress(`${fills.length} packs are to be emptied; ${deadBytes} bytes in them are of no use any more`);
    for (const [index, { pack }] of fills.entries()) {
      await this.#empty(pack);
      this.#copy.onProgress(`${index + 1} of ${fills.length} packs emptied, ${this.#moved.bytes} bytes moved`);
    }
    await this.#step(() => this.#mover?.finish());
  }

  async #empty(pack: number): Promise<void> {
    const { ids, positions } = await this.#copy.bodiesOf(pack);
    const damagedBefore = this.#moved.damaged;
    let warmed = 0;
    for (let index = 0; index < ids.length; ) {
      const position = positions[index] ?? 0;
      if (position + WARMED_BYTES / 2 > warmed || position < warmed - WARMED_BYTES) {
        await this.#copy.warm(pack, position, WARMED_BYTES);
        warmed = position + WARMED_BYTES;
      }
      index = await this.#step((store, isOver) => this.#moverOf(store).step(pack, ids, index, isOver));
    }
    if (this.#moved.damaged === damagedBefore) this.#emptiedPacks += 1;
  }

  /** A copy that was opened anew meanwhile has another database. */
  #moverOf(store: OnlineStore): BodyMover {
    if (this.#store !== store || this.#mover === undefined) this.#mover = new BodyMover(store, this.#moved);
    this.#store = store;
    return this.#mover;
  }

  async giveBackPages(): Promise<void> {
    for (;;) {
      const freed = await this.#step(({ database }) => vacuumSome(database));
      if (freed === 0) break;
      this.#freedPages += freed;
    }
    if (this.#freedPages > 0) this.#copy.onProgress(`${this.#freedPages} free pages of the database were given back`);
  }

  async #step<T>(work: (store: OnlineStore, isOver: () => boolean) => T): Promise<T> {
    let tookMs = 0;
    const result = await this.#copy.inTurn((store) => {
      const startedMs = this.#copy.monotonicMs();
      const done = work(store, () => this.#copy.monotonicMs() - startedMs >= DEFRAGMENT_STEP_MS);
      tookMs = this.#copy.monotonicMs() - startedMs;
      return done;
    });
    this.#longestStepMs = Math.max(this.#longestStepMs, tookMs);
    await this.#copy.rest(tookMs * DEFRAGMENT_REST_FACTOR);
    return result;
  }
}

/** Returns how many pages the file became shorter by. */
function vacuumSome(database: Database): number {
  const { connection } = database;
  const [pages, free] = [pragma(connection, 'page_count'), pragma(connection, 'freelist_count')];
  if (!canVacuum(database) || free <= Math.max(VACUUMED_PAGES, pages * FREE_PAGES_SHARE)) return 0;
  database.begin();
  connection.exec(`PRAGMA incremental_vacuum(${VACUUMED_PAGES})`);
  return pages - pragma(connection, 'page_count');
}

function pragma(connection: Database['connection'], name: string): number {
  return Number(connection.prepare(`PRAGMA ${name}`).get()?.[name]);
}
