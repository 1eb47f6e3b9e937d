/**
 * The giving end of a seed: a consistent snapshot (the database as of one commit, and how much of each pack belongs to
 * it), taken when it is asked for and held for the life of the channel, while the copy serves on. Only so many are given
 * at once, because each one is another full read of the disk that the mail needs; who comes later is told that it waits.
 */
import { ByteReader } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import type { Channel } from '../base/network.ts';
import { Problem } from '../base/problem.ts';
import { Rpc } from '../base/rpc.ts';
import { replicationLimits } from './limits.ts';
import { MANIFEST, READ, type SeedManifest, type SeedSnapshot, SUMS, sumsOf, WAITING } from './seed-manifest.ts';

export interface OfferedSeed extends SeedSnapshot {
  readonly manifest: SeedManifest;
}

export class SeedSource {
  readonly #clock: Clock;
  readonly #takeSnapshot: () => Promise<OfferedSeed>;
  #given = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(clock: Clock, takeSnapshot: () => Promise<OfferedSeed>) {
    this.#clock = clock;
    this.#takeSnapshot = takeSnapshot;
  }

  serve(channel: Channel): void {
    let snapshot: Promise<OfferedSeed> | undefined;
    let isClosed = false;
    const rpc = new Rpc(channel, {
      clock: this.#clock,
      handlers: {
        [MANIFEST]: async () => {
          snapshot ??= this.#inTurn(rpc, () => isClosed);
          return Buffer.from(JSON.stringify((await snapshot).manifest));
        },
        [SUMS]: async (body) => sumsOf(await readRange(await snapshot, body, replicationLimits.seedSumsBytes)),
        [READ]: async (body) => readRange(await snapshot, body, replicationLimits.seedChunkBytes),
      },
      onClose: () => {
        isClosed = true;
        for (const wake of this.#waiting.splice(0)) wake();
        snapshot?.then((taken) => taken.release().finally(() => this.#leave())).catch(() => undefined); // one that was not taken holds nothing
      },
    });
  }

  /** Problem('ChannelClosed') when whoever waits has gone. */
  async #inTurn(rpc: Rpc, isClosed: () => boolean): Promise<OfferedSeed> {
    while (this.#given >= replicationLimits.seedsAtOnce && !isClosed()) {
      rpc.notify(WAITING, Buffer.from(`${this.#given} other seeds are being given`));
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    if (isClosed()) throw new Problem('ChannelClosed', 'Cannot give a seed: nobody waits for it any more');
    this.#given += 1;
    try {
      return await this.#takeSnapshot();
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  #leave(): void {
    this.#given -= 1;
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

function readRange(snapshot: OfferedSeed | undefined, body: Buffer, mostBytes: number): Promise<Buffer> {
  const reader = new ByteReader(body);
  const [name, position, length] = [reader.string(), reader.u64(), reader.u32()];
  const file = snapshot?.manifest.files.find((each) => each.name === name);
  if (snapshot === undefined || file === undefined || position + length > file.sizeBytes || length > mostBytes) {
    throw new Problem('Malformed', 'Cannot read a seed: there is no such range');
  }
  return snapshot.read(name, position, length);
}
