/**
 * Seeding: a copy's baseline made anew. The source takes a consistent snapshot (the database as of one commit, and how
 * much of each pack belongs to it) and keeps serving; the target asks for it piece by piece, so that nothing is pushed
 * faster than it is written, puts the whole in place in one step that may be repeated, and follows the log from there.
 *
 *   target: manifest? -> read file 0 at 0? -> ... -> installed -> follow from the manifest's LSN
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { crc32 } from '../base/checksum.ts';
import type { Clock } from '../base/clock.ts';
import type { Channel, Network } from '../base/network.ts';
import { Problem } from '../base/problem.ts';
import { Rpc, type RpcHandler } from '../base/rpc.ts';
import { replicationLimits } from './limits.ts';

export interface SeedFile {
  /** `database.sqlite`, or `packs/00000001.pack`. */
  readonly name: string;
  readonly sizeBytes: number;
}

/** What a seed consists of, and from where the log goes on. */
export interface SeedManifest {
  readonly lsn: number;
  /** Of the log stream, hex. */
  readonly signature: string;
  readonly files: readonly SeedFile[];
}

/** A snapshot that stays as it is until it is released. */
export interface SeedSnapshot {
  readonly manifest: SeedManifest;
  /** Exactly `length` bytes; the range lies inside the file. */
  read(name: string, position: number, length: number): Promise<Buffer>;
  release(): Promise<void>;
}

/** Where a seed is gathered before it takes the old files' place. */
export interface SeedPlace {
  /** Forgets what an earlier, unfinished seed left. */
  begin(manifest: SeedManifest): Promise<void>;
  write(name: string, position: number, bytes: Uint8Array): Promise<void>;
  /** Everything is there: makes it durable, then replaces log, database and packs of this copy. Finished by the next opening if it is interrupted. */
  install(): Promise<void>;
}

const MANIFEST = 'manifest';
const READ = 'read';
const ASK_TIMEOUT_MS = 60_000;
/** Taking the snapshot copies the database file. */
const MANIFEST_TIMEOUT_MS = 30 * 60_000;

/** The source's end: one snapshot for the life of the channel. */
export function serveSeed(channel: Channel, clock: Clock, takeSnapshot: () => Promise<SeedSnapshot>): void {
  let snapshot: Promise<SeedSnapshot> | undefined;
  const handlers: Record<string, RpcHandler> = {
    [MANIFEST]: async () => {
      snapshot ??= takeSnapshot();
      return Buffer.from(JSON.stringify((await snapshot).manifest));
    },
    [READ]: async (body) => {
      if (snapshot === undefined) throw new Problem('Malformed', 'Cannot read a seed: the manifest comes first');
      const reader = new ByteReader(body);
      const chunk = await readChunk(await snapshot, reader.string(), reader.u64(), reader.u32());
      return new ByteWriter(chunk.length + 8).u32(crc32(chunk)).raw(chunk).finish();
    },
  };
  new Rpc(channel, {
    clock,
    handlers,
    onClose: () => {
      snapshot?.then((taken) => taken.release()).catch(() => undefined); // a snapshot that was not taken holds nothing
    },
  });
}

function readChunk(snapshot: SeedSnapshot, name: string, position: number, length: number): Promise<Buffer> {
  const file = snapshot.manifest.files.find((each) => each.name === name);
  if (file === undefined || position + length > file.sizeBytes || length > replicationLimits.seedChunkBytes) {
    throw new Problem('Malformed', 'Cannot read a seed: there is no such range');
  }
  return snapshot.read(name, position, length);
}

export interface SeedOptions {
  readonly endpoint: string;
  readonly storageGroup: string;
  readonly network: Network;
  readonly clock: Clock;
  readonly place: SeedPlace;
  readonly onProgress: (line: string) => void;
}

/** The target's end. Resolves when the seed is in place. Problem('Unreachable' | 'SeedDamaged' | ...): nothing was replaced. */
export async function fetchSeed(options: SeedOptions): Promise<void> {
  const channel = await options.network.connect(options.endpoint, replicationLimits.connectTimeoutMs);
  const rpc = new Rpc(channel, { clock: options.clock });
  channel.send(Buffer.from(JSON.stringify({ service: 'seed', storageGroup: options.storageGroup })));
  try {
    options.onProgress('taking a snapshot of the active copy');
    const answer = await rpc.ask(MANIFEST, Buffer.alloc(0), MANIFEST_TIMEOUT_MS);
    const manifest = parseManifest(JSON.parse(answer.toString('utf8')));
    await options.place.begin(manifest);
    await fetchFiles(options, rpc, manifest);
    options.onProgress('putting the seed in place');
    await options.place.install();
  } finally {
    channel.close('done');
  }
}

async function fetchFiles(options: SeedOptions, rpc: Rpc, manifest: SeedManifest): Promise<void> {
  const progress = new SeedProgress(options, manifest);
  for (const { name, sizeBytes } of manifest.files) {
    let written: Promise<void> = Promise.resolve();
    for (let position = 0; position < sizeBytes; position += replicationLimits.seedChunkBytes) {
      const length = Math.min(replicationLimits.seedChunkBytes, sizeBytes - position);
      // The next piece is fetched while this one is written.
      const chunk = await fetchChunk(rpc, name, position, length);
      await written;
      written = options.place.write(name, position, chunk);
      progress.add(length);
    }
    await written;
  }
}

async function fetchChunk(rpc: Rpc, name: string, position: number, length: number): Promise<Buffer> {
  const question = new ByteWriter().string(name).u64(position).u32(length).finish();
  const reader = new ByteReader(await rpc.ask(READ, question, ASK_TIMEOUT_MS));
  const checksum = reader.u32();
  const chunk = reader.raw(reader.remaining);
  if (chunk.length !== length || crc32(chunk) !== checksum) {
    throw new Problem('SeedDamaged', `Cannot seed this copy: ${name} arrived damaged at byte ${position}. Try again.`, {
      temporary: true,
    });
  }
  return chunk;
}

/** A line for every tenth of the way, with the rate and the time left. */
class SeedProgress {
  readonly #options: SeedOptions;
  readonly #totalBytes: number;
  readonly #startedMs: number;
  #doneBytes = 0;
  #toldTenths = 0;

  constructor(options: SeedOptions, manifest: SeedManifest) {
    this.#options = options;
    this.#totalBytes = manifest.files.reduce((sum, file) => sum + file.sizeBytes, 0);
    this.#startedMs = options.clock.monotonicMs();
  }

  add(bytes: number): void {
    this.#doneBytes += bytes;
    const tenths = Math.floor((this.#doneBytes * 10) / Math.max(1, this.#totalBytes));
    if (tenths === this.#toldTenths) return;
    this.#toldTenths = tenths;
    const seconds = Math.max(0.001, (this.#options.clock.monotonicMs() - this.#startedMs) / 1000);
    const rate = this.#doneBytes / seconds;
    const left = Math.ceil((this.#totalBytes - this.#doneBytes) / rate);
    const mebibytes = (value: number): string => (value / 1024 / 1024).toFixed(1);
    this.#options.onProgress(
      `${tenths * 10} % of ${mebibytes(this.#totalBytes)} MiB, ${mebibytes(rate)} MiB/s, ${left} s left`,
    );
  }
}

const FILE_NAME = /^(database\.sqlite|packs\/\d{8,16}\.pack)$/;
const MAX_FILES = 100_000;

/** Names become paths, so they are exactly those that a copy has. Problem('Malformed') */
export function parseManifest(value: unknown): SeedManifest {
  const malformed = (): Problem => new Problem('Malformed', 'Cannot seed this copy: the manifest is not one');
  const { lsn, signature, files } = (value ?? {}) as Record<string, unknown>;
  if (!isSize(lsn) || typeof signature !== 'string' || !/^[0-9a-f]{32}$/.test(signature)) throw malformed();
  if (!Array.isArray(files) || files.length > MAX_FILES) throw malformed();
  const checked = (files as unknown[]).map((file) => {
    const { name, sizeBytes } = (file ?? {}) as Record<string, unknown>;
    if (typeof name !== 'string' || !FILE_NAME.test(name) || !isSize(sizeBytes)) throw malformed();
    return { name, sizeBytes };
  });
  return { lsn, signature, files: checked };
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
