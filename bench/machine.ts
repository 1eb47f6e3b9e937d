/**
 * What a figure has to be compared with: the machine, and what the same disk does in the same minute with nothing of
 * ours in between. Disks of hired machines change their speed within minutes, so every part measures them anew.
 */
import { closeSync, fdatasyncSync, fsyncSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { PERCENTILES, percentiles } from './percentiles.ts';
import { MIB, milliseconds, oneDecimal, whole } from './table.ts';

export interface DiskFigures {
  /** 4 KiB written into a file that has its length already, then fdatasync; one after the other. */
  readonly syncsPerSecond: number;
  readonly syncMs: readonly number[];
  /** 256 MiB in pieces of 1 MiB into a new file, with one fdatasync at the end. */
  readonly sequentialBytesPerSecond: number;
}

const SYNC_LOOP_MS = 1_500;
const SYNC_BYTES = 4_096;
const SYNC_FILE_BYTES = 8 * MIB;
const SEQUENTIAL_BYTES = 256 * MIB;
const BATCH_FILE_BYTES = 32 * MIB;
const BATCH_LOOP_MS = 700;

export function measureDisk(folder: string): DiskFigures {
  mkdirSync(folder, { recursive: true });
  return {
    ...measureSyncs(join(folder, 'syncs')),
    sequentialBytesPerSecond: measureSequential(join(folder, 'run')),
  };
}

function measureSyncs(path: string): Pick<DiskFigures, 'syncsPerSecond' | 'syncMs'> {
  return withFile(path, (file) => {
    writeSync(file, Buffer.alloc(SYNC_FILE_BYTES, 1));
    fsyncSync(file);
    const page = Buffer.alloc(SYNC_BYTES, 2);
    const timesMs: number[] = [];
    const started = performance.now();
    for (let at = 0, now = started; now - started < SYNC_LOOP_MS; at = (at + SYNC_BYTES) % SYNC_FILE_BYTES) {
      writeSync(file, page, 0, SYNC_BYTES, at);
      fdatasyncSync(file);
      const after = performance.now();
      timesMs.push(after - now);
      now = after;
    }
    const seconds = (performance.now() - started) / 1_000;
    return { syncsPerSecond: timesMs.length / seconds, syncMs: percentiles(timesMs, PERCENTILES) };
  });
}

function measureSequential(path: string): number {
  return withFile(path, (file) => {
    const piece = Buffer.alloc(MIB, 3);
    const started = performance.now();
    for (let written = 0; written < SEQUENTIAL_BYTES; written += MIB) writeSync(file, piece);
    fdatasyncSync(file);
    return SEQUENTIAL_BYTES / ((performance.now() - started) / 1_000);
  });
}

/**
 * Bytes a second of a plain loop: `batchBytes` over what the file has already, fdatasync, the next behind it. The best
 * that anybody can do who writes batches of that size and waits for each.
 */
export function measureBatches(folder: string, batchBytes: number): number {
  return withFile(join(folder, 'batches'), (file) => {
    const batch = Buffer.alloc(batchBytes, 4);
    const batches = Math.max(2, Math.ceil(BATCH_FILE_BYTES / batchBytes));
    for (let number = 0; number < batches; number++) writeSync(file, batch);
    fsyncSync(file);
    const started = performance.now();
    let written = 0;
    for (let number = 0; performance.now() - started < BATCH_LOOP_MS; number = (number + 1) % batches) {
      writeSync(file, batch, 0, batchBytes, number * batchBytes);
      fdatasyncSync(file);
      written += batchBytes;
    }
    return written / ((performance.now() - started) / 1_000);
  });
}

function withFile<T>(path: string, use: (file: number) => T): T {
  const file = openSync(path, 'w');
  try {
    return use(file);
  } finally {
    closeSync(file);
    rmSync(path);
  }
}

export function machineLine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  return `${availableParallelism()} cores (${model}), ${whole(totalmem() / MIB)} MiB, Node ${process.versions.node}, SQLite ${process.versions.sqlite ?? '?'}, Linux ${release()}`;
}

export function diskLine(folder: string, disk: DiskFigures): string {
  const [p50 = 0, p99 = 0] = disk.syncMs;
  const free = statfsSync(folder);
  return [
    `${folder}: fdatasync of 4 KiB ${whole(disk.syncsPerSecond)}/s (p50 ${milliseconds(p50)} ms, p99 ${milliseconds(p99)} ms)`,
    `sequential write ${whole(disk.sequentialBytesPerSecond / MIB)} MiB/s`,
    `${oneDecimal((free.bavail * free.bsize) / (1024 * MIB))} GiB free`,
  ].join(', ');
}
