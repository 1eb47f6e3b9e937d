/** Both ends of a seed in memory: a source with a few files, a target's disk, and a network that can be cut at any frame. */
import { setImmediate } from 'node:timers';
import { present } from '../../base/assert.ts';
import type { Cancel, Clock } from '../../base/clock.ts';
import type { Channel, Network } from '../../base/network.ts';
import { SeededRandom } from '../../base/random.ts';
import { MemoryNetwork } from '../../base/testing/memory-network.ts';
import { MemoryDisk } from '../../log/testing/memory-disk.ts';
import { SeedFetch, type SeedOptions } from '../seed-fetch.ts';
import type { SeedManifest } from '../seed-manifest.ts';
import { SeedSource } from '../seed-source.ts';

export const SIGNATURE = 'ab'.repeat(16);
const ENDPOINT = 'node1/copy/g';
/** Longer waits are for answers that come in these stories, or for those that never do. */
const LONGEST_WAIT_MS = 30_000;

/** Every short wait is over in the next turn, and time has passed. */
class QuickClock implements Clock {
  nowMs = 0;

  monotonicMs(): number {
    return this.nowMs;
  }

  wallMs(): number {
    return this.nowMs;
  }

  after(delayMs: number, fire: () => void): Cancel {
    let isCancelled = delayMs > LONGEST_WAIT_MS;
    setImmediate(() => {
      if (isCancelled) return;
      this.nowMs += delayMs;
      fire();
    });
    return () => {
      isCancelled = true;
    };
  }
}

export type Files = Map<string, Buffer>;

/** Bytes of no pattern, the same for the same number. */
export function bytesOf(number: number, length: number): Buffer {
  return new SeededRandom(number).bytes(length);
}

export class SeedWorld {
  readonly clock = new QuickClock();
  readonly disk: MemoryDisk;
  readonly lines: string[] = [];
  /** What the source has now; a snapshot keeps what it had. */
  files: Files;
  /** The connection breaks instead of this frame, counted over all connections; each such break happens once. */
  cutAtFrame = Number.POSITIVE_INFINITY;
  /** Changes a frame on its way to the target. */
  disturb: (frame: Buffer, number: number) => Buffer = (frame) => frame;
  frames = 0;
  snapshots = 0;
  releases = 0;
  readonly network = new MemoryNetwork();
  readonly source: SeedSource;

  constructor(files: Files, disk = new MemoryDisk()) {
    this.files = files;
    this.disk = disk;
    this.source = new SeedSource(this.clock, () => this.#takeSnapshot());
    this.network.host('node1').listen(ENDPOINT, (channel) => channel.onFrame(() => this.source.serve(channel)));
  }

  #takeSnapshot(): ReturnType<ConstructorParameters<typeof SeedSource>[1]> {
    this.snapshots += 1;
    const held = new Map(this.files);
    const files = [...held].map(([name, bytes]) => ({ name, sizeBytes: bytes.length }));
    const manifest: SeedManifest = { lsn: 7, signature: SIGNATURE, ends: [], files };
    return Promise.resolve({
      manifest,
      read: (name: string, position: number, length: number) =>
        Promise.resolve(Buffer.from(present(held.get(name), 'a file').subarray(position, position + length))),
      release: () => {
        this.releases += 1;
        return Promise.resolve();
      },
    });
  }

  fetch(options: Partial<SeedOptions> = {}): SeedFetch {
    return new SeedFetch({
      endpoint: ENDPOINT,
      storageGroup: 'g',
      network: this.#disturbedNetwork(),
      clock: this.clock,
      disk: this.disk,
      maxBytesPerSecond: null,
      oldLog: () => Promise.resolve({ keep: false, surplus: [] }),
      onProgress: (line) => this.lines.push(line),
      ...options,
    });
  }

  #disturbedNetwork(): Network {
    const network = this.network.host('node2');
    return { ...network, connect: async (...args) => this.#disturbed(await network.connect(...args)) };
  }

  #disturbed(channel: Channel): Channel {
    const onFrame = (handler: (frame: Buffer) => void): void =>
      channel.onFrame((frame) => {
        this.frames += 1;
        if (this.frames === this.cutAtFrame) channel.close('cut');
        else handler(this.disturb(frame, this.frames));
      });
    return new Proxy(channel, {
      get: (target, name) => {
        if (name === 'onFrame') return onFrame;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }
}
