/**
 * The transaction log by itself, as a copy uses it: writers that append a record and wait until it is durable, the
 * thread that writes, the real disk. Compared with two things that the same disk does with nothing of ours in between: a
 * sequential write, which leaves it to the system when the bytes are durable; and a plain loop that writes batches as
 * large as the log's were and waits for each, as a log must.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger } from '../src/base/logger.ts';
import { FileSystemDisk } from '../src/host/disk.ts';
import { ThreadLogDevice } from '../src/host/log-device.ts';
import { machineClock, machineRandom } from '../src/host/machine.ts';
import { TransactionLog } from '../src/log/transaction-log.ts';
import { type DiskFigures, diskLine, measureBatches, measureDisk } from './machine.ts';
import type { PartOptions } from './part.ts';
import { PERCENTILES, percentiles } from './percentiles.ts';
import { type Cell, KIB, MIB, milliseconds, oneDecimal, printTable, sizeName, twoDecimals, whole } from './table.ts';
import { atLeast, printTargets } from './targets.ts';

interface Setting {
  readonly recordBytes: number;
  readonly writers: number;
  /** Old files go as they do with circular logging, and are written again. */
  readonly isCircular?: boolean;
}

interface Measured extends Setting {
  readonly records: number;
  /** Of one write with its fdatasync. */
  readonly batchBytes: number;
  readonly plainBytesPerSecond: number;
  readonly seconds: number;
  readonly latencyMs: readonly number[];
}

/** New files come last: gigabytes of them keep the system busy long after they are durable. */
const SETTINGS: readonly Setting[] = [
  { recordBytes: 50_000, writers: 64, isCircular: true },
  { recordBytes: 50_000, writers: 256, isCircular: true },
  { recordBytes: 5_000, writers: 1 },
  { recordBytes: 5_000, writers: 16 },
  { recordBytes: 5_000, writers: 64 },
  { recordBytes: 5_000, writers: 256 },
  { recordBytes: 50_000, writers: 64 },
  { recordBytes: 50_000, writers: 256 },
  { recordBytes: 1_000_000, writers: 16 },
];
const KIND = 1;
/** So often that old files do not run out: no more than 32 are kept to be written again. */
const TRUNCATION_INTERVAL_MS = 20;
const KEPT_RECORDS = 200;

export interface OpenLog {
  readonly log: TransactionLog;
  readonly device: CountingDevice;
  readonly close: () => Promise<void>;
}

class CountingDevice extends ThreadLogDevice {
  writes = 0;
  bytes = 0;

  override append(name: string, position: number, chunks: Uint8Array[]): Promise<void> {
    this.writes += 1;
    for (const { length } of chunks) this.bytes += length;
    return super.append(name, position, chunks);
  }
}

export async function openLog(root: string): Promise<OpenLog> {
  mkdirSync(root, { recursive: true });
  const device = new CountingDevice(root);
  const { log } = await TransactionLog.open({
    disk: new FileSystemDisk(root),
    device,
    folder: '',
    clock: machineClock,
    random: machineRandom,
    logger: silentLogger,
    ifMissing: 'empty',
  });
  return {
    log,
    device,
    close: async () => {
      await log.close();
      await device.close();
    },
  };
}

export async function benchLog({ folder, isQuick }: PartOptions): Promise<void> {
  const disk = measureDisk(folder);
  process.stdout.write(`${diskLine(folder, disk)}\n`);
  const root = join(folder, 'log');
  const [warmUpMs, measureMs] = isQuick ? [500, 1_000] : [2_000, 4_000];
  const [open, circular] = [await begin(root), await begin(join(folder, 'circular'))];
  const measured: Measured[] = [];
  for (const setting of SETTINGS) {
    const isCircular = setting.isCircular === true;
    const target = isCircular ? circular : open;
    const stop = isCircular ? keepShort(circular.log) : () => Promise.resolve();
    await commit(target.log, setting, warmUpMs);
    const [writes, bytes] = [target.device.writes, target.device.bytes];
    const figures = await commit(target.log, setting, measureMs);
    await stop();
    const batchBytes = Math.ceil((target.device.bytes - bytes) / (target.device.writes - writes));
    measured.push({ ...setting, ...figures, batchBytes, plainBytesPerSecond: measureBatches(folder, batchBytes) });
  }
  const read = measured.filter(({ isCircular }) => isCircular !== true);
  const writtenBytes = read.reduce((sum, { records, recordBytes }) => sum + records * recordBytes, 0);
  await circular.close();
  await open.close();
  printCommits(measured, disk);
  await readBack(root, writtenBytes, disk);
  const large = measured.filter(({ recordBytes }) => recordBytes === 50_000);
  const best = (of: (setting: Measured) => number): number =>
    Math.max(...large.map((setting) => (100 * bytesPerSecond(setting)) / of(setting)));
  printTargets([
    atLeast(
      'group commit of 50 KB records',
      70,
      best(() => disk.sequentialBytesPerSecond),
      '% of a sequential write',
    ),
    atLeast(
      'the same',
      70,
      best((setting) => setting.plainBytesPerSecond),
      '% of a plain loop with the same batches',
    ),
  ]);
}

function bytesPerSecond({ records, recordBytes, seconds }: Measured): number {
  return (records * recordBytes) / seconds;
}

async function begin(root: string): Promise<OpenLog> {
  const open = await openLog(root);
  open.log.startEpoch(1, KIND, Buffer.alloc(64));
  return open;
}

/** Until it is stopped. */
function keepShort(log: TransactionLog): () => Promise<void> {
  let isOver = false;
  const work = (async (): Promise<void> => {
    while (!isOver) {
      await new Promise((resolve) => setTimeout(resolve, TRUNCATION_INTERVAL_MS));
      await log.removeBelow(log.durableLsn - KEPT_RECORDS);
    }
  })();
  return () => {
    isOver = true;
    return work;
  };
}

async function commit(
  log: TransactionLog,
  setting: Setting,
  measureMs: number,
): Promise<Pick<Measured, 'records' | 'seconds' | 'latencyMs'>> {
  const payload = Buffer.alloc(setting.recordBytes, 'record ');
  const latencies: number[] = [];
  const started = performance.now();
  const write = async (): Promise<void> => {
    while (performance.now() - started < measureMs) {
      const begun = performance.now();
      await log.durable(log.append(KIND, payload).lsn);
      latencies.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: setting.writers }, write));
  const seconds = (performance.now() - started) / 1_000;
  return { records: latencies.length, seconds, latencyMs: percentiles(latencies, PERCENTILES) };
}

function printCommits(measured: readonly Measured[], disk: DiskFigures): void {
  const head = ['record', 'writers', 'files', 'records/s', 'MiB/s', 'p50 ms', 'p99 ms', 'KiB a write', 'plain MiB/s'];
  const shares = ['of plain %', 'of disk %'];
  const rows = measured.map((setting): Cell[] => {
    const { recordBytes, writers, isCircular, records, seconds, latencyMs, batchBytes, plainBytesPerSecond } = setting;
    const rate = bytesPerSecond(setting);
    return [
      sizeName(recordBytes),
      writers,
      isCircular === true ? 'again' : 'new',
      whole(records / seconds),
      oneDecimal(rate / MIB),
      ...latencyMs.map(milliseconds),
      whole(batchBytes / KIB),
      whole(plainBytesPerSecond / MIB),
      oneDecimal((100 * rate) / plainBytesPerSecond),
      oneDecimal((100 * rate) / disk.sequentialBytesPerSecond),
    ];
  });
  printTable('log: records committed (one synced copy)', [...head, ...shares], rows);
}

/** What a restart and a copy that is behind cost. The files are in the system's memory: this is the cost of checking. */
async function readBack(root: string, writtenBytes: number, disk: DiskFigures): Promise<void> {
  const opening = performance.now();
  const { log, close } = await openLog(root);
  const openSeconds = (performance.now() - opening) / 1_000;
  const reading = performance.now();
  let records = 0;
  for await (const item of log.reader.readFile(log.firstGeneration)) if (item.type === 'record') records += 1;
  const readSeconds = (performance.now() - reading) / 1_000;
  await close();
  const row = (what: string, seconds: number): Cell[] => [
    what,
    whole(records),
    oneDecimal(writtenBytes / MIB),
    twoDecimals(seconds),
    whole(writtenBytes / MIB / seconds),
    oneDecimal((100 * writtenBytes) / seconds / disk.sequentialBytesPerSecond),
  ];
  const head = ['step', 'records', 'MiB', 'seconds', 'MiB/s', 'of disk %'];
  const rows = [row('recovery, every record checked', openSeconds), row('reading for a copy or replay', readSeconds)];
  printTable('log: read back', head, rows);
}
