/**
 * What a seed consists of, in words that both ends share. Its files are compared in blocks: a block whose checksum the
 * target finds at its place already, in what an earlier attempt left or in its own old file, is not sent again.
 */
import { sha256 } from '../base/checksum.ts';
import { Problem } from '../base/problem.ts';

export interface SeedFile {
  /** `database.sqlite`, or `packs/00000001.pack`. */
  readonly name: string;
  readonly sizeBytes: number;
}

/** The database as of one commit, with its packs. */
export interface SnapshotManifest {
  /** From where the log goes on. */
  readonly lsn: number;
  /** Of the log stream, hex. */
  readonly signature: string;
  readonly files: readonly SeedFile[];
}

export interface SeedManifest extends SnapshotManifest {
  /** For each epoch in the source's log its last record. */
  readonly ends: readonly { readonly epoch: number; readonly lastLsn: number }[];
}

/** A snapshot that stays as it is until it is released. */
export interface SeedSnapshot {
  readonly manifest: SnapshotManifest;
  /** Exactly `length` bytes; the range lies inside the file. */
  read(name: string, position: number, length: number): Promise<Buffer>;
  release(): Promise<void>;
}

/** First frame on a channel for a seed. */
export const SEED_SERVICE = 'seed';
/** Questions to the source, and its notice while others are before this one. */
export const MANIFEST = 'manifest';
export const SUMS = 'sums';
export const READ = 'read';
export const WAITING = 'waiting';

export const DATABASE_FILE = 'database.sqlite';
export const SEED_BLOCK_BYTES = 64 * 1024;
export const SUM_BYTES = 16;

/** One after the other the checksums of the blocks that `bytes` consists of; the last one may be short. */
export function sumsOf(bytes: Uint8Array): Buffer {
  const sums: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += SEED_BLOCK_BYTES) {
    sums.push(sha256(bytes.subarray(at, at + SEED_BLOCK_BYTES)).subarray(0, SUM_BYTES));
  }
  return Buffer.concat(sums);
}

export function sumOfBlock(sums: Buffer, block: number): Buffer {
  return sums.subarray(block * SUM_BYTES, (block + 1) * SUM_BYTES);
}

const FILE_NAME = /^(database\.sqlite|packs\/\d{8,16}\.pack)$/;
const MAX_FILES = 100_000;
const MAX_EPOCHS = 1_000_000;

/** Names become paths, so they are exactly those that a copy has. Problem('Malformed') */
export function parseManifest(text: string): SeedManifest {
  const malformed = (): Problem => new Problem('Malformed', 'Cannot seed this copy: the manifest is not one');
  const { lsn, signature, files, ends } = (parseJson(text) ?? {}) as Record<string, unknown>;
  if (!isSize(lsn) || typeof signature !== 'string' || !/^[0-9a-f]{32}$/.test(signature)) throw malformed();
  if (!Array.isArray(files) || files.length > MAX_FILES) throw malformed();
  if (!Array.isArray(ends) || ends.length > MAX_EPOCHS) throw malformed();
  const checkedEnds = (ends as unknown[]).map((end) => {
    const { epoch, lastLsn } = (end ?? {}) as Record<string, unknown>;
    if (!isSize(epoch) || !isSize(lastLsn)) throw malformed();
    return { epoch, lastLsn };
  });
  const checkedFiles = (files as unknown[]).map((file) => {
    const { name, sizeBytes } = (file ?? {}) as Record<string, unknown>;
    if (typeof name !== 'string' || !FILE_NAME.test(name) || !isSize(sizeBytes)) throw malformed();
    return { name, sizeBytes };
  });
  return { lsn, signature, files: checkedFiles, ends: checkedEnds };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
