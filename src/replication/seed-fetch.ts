/**
 * The receiving end of a seed. It asks for everything piece by piece, so that nothing is pushed faster than it is
 * written, and no faster than an administrator allows; checks each block against the source's checksum before it is
 * written; reads the whole back; and only then puts it in place of the old files.
 *
 *   manifest? -> (sums? -> read? read? ...) for each file -> read back -> exchanged -> follow from the manifest's LSN
 *
 * A connection that breaks costs what was under way: the next attempt finds the rest by its checksums (seed-place.ts).
 */
import { ByteWriter } from '../base/bytes.ts';
import { type Clock, sleep } from '../base/clock.ts';
import type { Network } from '../base/network.ts';
import { isProblem, Problem } from '../base/problem.ts';
import { Rpc } from '../base/rpc.ts';
import type { Disk } from '../log/disk.ts';
import { replicationLimits } from './limits.ts';
import {
  MANIFEST,
  parseManifest,
  READ,
  SEED_BLOCK_BYTES,
  SEED_SERVICE,
  type SeedFile,
  type SeedManifest,
  SUM_BYTES,
  SUMS,
  sumsOf,
  WAITING,
} from './seed-manifest.ts';
import { type MissingRange, type OldLog, SeedPlace } from './seed-place.ts';
import { mebibytes, SeedProgress, type SeedReport } from './seed-progress.ts';

export interface SeedOptions {
  readonly endpoint: string;
  readonly storageGroup: string;
  /** Where the connection is made: an administrator's choice of a network is a `Network` of its own. */
  readonly network: Network;
  readonly clock: Clock;
  /** Of the copy to be made anew; the copy is closed. */
  readonly disk: Disk;
  /** Not faster than this; null for as fast as it goes. */
  readonly maxBytesPerSecond: number | null;
  /** What becomes of the log that the copy has; asked right before the exchange. */
  readonly oldLog: (manifest: SeedManifest) => Promise<OldLog>;
  readonly onProgress: (line: string) => void;
}

const ASK_TIMEOUT_MS = 60_000;
/** Taking the snapshot copies the database file; others may be before us. */
const MANIFEST_TIMEOUT_MS = 24 * 60 * 60_000;

export class SeedFetch {
  readonly #options: SeedOptions;
  readonly #place: SeedPlace;
  readonly #progress: SeedProgress;
  #isStopped = false;
  #stopAttempt: () => void = () => undefined;
  /** When the next piece may be asked for. */
  #nextMs = 0;

  constructor(options: SeedOptions) {
    this.#options = options;
    this.#place = new SeedPlace(options.disk);
    this.#progress = new SeedProgress(options.clock, options.onProgress);
  }

  get report(): SeedReport {
    return this.#progress.report;
  }

  /** `run` rejects soon; what came so far is kept. */
  stop(): void {
    this.#isStopped = true;
    this.#stopAttempt();
  }

  /** Resolves when the seed is in place. Problem('Unreachable' | 'SeedDamaged' | …): nothing was replaced. */
  async run(): Promise<void> {
    for (let failures = 0; ; ) {
      const before = this.report.fetchedBytes;
      try {
        return await this.#attempt();
      } catch (error) {
        failures = this.report.fetchedBytes > before ? 1 : failures + 1;
        const mayGoOn = isProblem(error) && error.temporary && failures < replicationLimits.seedAttempts;
        if (!mayGoOn || this.#isStopped) throw error;
        this.#options.onProgress(`interrupted: ${error.message}`);
        await sleep(this.#options.clock, replicationLimits.seedRetryMs);
      }
    }
  }

  async #attempt(): Promise<void> {
    const { endpoint, network, clock, storageGroup, onProgress } = this.#options;
    const channel = await network.connect(endpoint, replicationLimits.connectTimeoutMs);
    const onWaiting = (body: Buffer): void => onProgress(`waiting: ${body.toString('utf8')}`);
    const rpc = new Rpc(channel, { clock, notices: { [WAITING]: onWaiting } });
    this.#stopAttempt = () => channel.close('the seed is stopped');
    channel.send(Buffer.from(JSON.stringify({ service: SEED_SERVICE, storageGroup })));
    try {
      onProgress('taking a snapshot of the active copy');
      const answer = await rpc.ask(MANIFEST, Buffer.alloc(0), MANIFEST_TIMEOUT_MS);
      const manifest = parseManifest(answer.toString('utf8'));
      await this.#place.begin(manifest);
      this.#progress.begin(manifest.files.reduce((sum, file) => sum + file.sizeBytes, 0));
      for (const file of manifest.files) await this.#fetchFile(rpc, file);
      await this.#install(manifest);
    } finally {
      channel.close('done');
    }
  }

  async #install(manifest: SeedManifest): Promise<void> {
    const { onProgress, oldLog } = this.#options;
    onProgress(`${mebibytes(this.report.fetchedBytes)} MiB came over the network; reading everything back`);
    await this.#place.verify(manifest.files, () => this.#checkStopped());
    onProgress('putting the seed in place');
    const decided = await oldLog(manifest);
    const aside = await this.#place.install(manifest, decided);
    if (aside === undefined) return;
    onProgress(
      `put aside, because the active copy does not have their records: ${decided.surplus.join(', ')} in ${aside}`,
    );
  }

  async #fetchFile(rpc: Rpc, file: SeedFile): Promise<void> {
    const { seedSumsBytes } = replicationLimits;
    for (let position = 0; position < file.sizeBytes; position += seedSumsBytes) {
      const length = Math.min(seedSumsBytes, file.sizeBytes - position);
      const sums = await rpc.ask(SUMS, question(file.name, position, length), ASK_TIMEOUT_MS);
      const ranges = await this.#place.missing(file.name, position, length, sums);
      const fetchedBytes = await this.#fetchRanges(rpc, file.name, ranges, (range) =>
        sums.subarray(sumAt(range.position - position), sumAt(range.position - position + range.length)),
      );
      this.#progress.add(length - fetchedBytes, 0);
      this.#checkStopped();
    }
    await this.#place.finish(file);
  }

  /** The next piece is fetched while this one is written. */
  async #fetchRanges(
    rpc: Rpc,
    name: string,
    ranges: readonly MissingRange[],
    sumsAt: (range: MissingRange) => Buffer,
  ): Promise<number> {
    let written: Promise<void> = Promise.resolve();
    let fetchedBytes = 0;
    for (const range of ranges) {
      const bytes = await this.#fetchRange(rpc, name, range, sumsAt(range));
      await written;
      written = this.#place.write(name, range.position, bytes);
      written.catch(() => undefined); // awaited below, or by the next round
      fetchedBytes += bytes.length;
      this.#progress.add(bytes.length, bytes.length);
    }
    await written;
    return fetchedBytes;
  }

  async #fetchRange(rpc: Rpc, name: string, range: MissingRange, sums: Buffer): Promise<Buffer> {
    await this.#throttle(range.length);
    const bytes = await rpc.ask(READ, question(name, range.position, range.length), ASK_TIMEOUT_MS);
    if (bytes.length === range.length && sumsOf(bytes).equals(sums)) return bytes;
    throw new Problem(
      'SeedDamaged',
      `Cannot seed this copy: ${name} arrived damaged at byte ${range.position}. Try again.`,
      {
        temporary: true,
      },
    );
  }

  async #throttle(bytes: number): Promise<void> {
    const { maxBytesPerSecond, clock } = this.#options;
    if (maxBytesPerSecond === null) return;
    const nowMs = clock.monotonicMs();
    if (this.#nextMs > nowMs) await sleep(clock, this.#nextMs - nowMs);
    this.#checkStopped();
    this.#nextMs = Math.max(nowMs, this.#nextMs) + (bytes * 1000) / maxBytesPerSecond;
  }

  #checkStopped(): void {
    if (this.#isStopped) {
      throw new Problem(
        'SeedStopped',
        'Cannot seed this copy: it is being stopped. Run the command again; it goes on from there.',
      );
    }
  }
}

function sumAt(position: number): number {
  return Math.ceil(position / SEED_BLOCK_BYTES) * SUM_BYTES;
}

function question(name: string, position: number, length: number): Buffer {
  return Buffer.from(new ByteWriter().string(name).u64(position).u32(length).finish());
}
