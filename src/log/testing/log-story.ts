/** What the tests of the log say over and over: a log in memory with small files, records with recognisable payloads. */
import { crc32 } from '../../base/checksum.ts';
import { silentLogger } from '../../base/logger.ts';
import { SeededRandom } from '../../base/random.ts';
import type { LogItem } from '../log-reader.ts';
import { readFrame } from '../record.ts';
import { type LogOptions, type RecoveryReport, TransactionLog } from '../transaction-log.ts';
import { MemoryDisk, type MemoryLogDevice } from './memory-disk.ts';

export const FOLDER = 'log';
export const KIND = 7;
/** Room for four kilobytes of records: rotation is never far away. */
export const SMALL_FILE_BYTES = 8192;

export interface LogWorld {
  disk: MemoryDisk;
  device: MemoryLogDevice;
  log: TransactionLog;
  recovered: RecoveryReport;
}

export async function openWorld(disk = new MemoryDisk(), options: Partial<LogOptions> = {}): Promise<LogWorld> {
  const device = disk.device();
  let now = 1_800_000_000_000;
  const { log, recovered } = await TransactionLog.open({
    disk,
    device,
    folder: FOLDER,
    clock: { wallMs: () => now++ },
    random: new SeededRandom(7),
    logger: silentLogger,
    fileSizeBytes: SMALL_FILE_BYTES,
    ifMissing: 'empty',
    ...options,
  });
  return { disk, device, log, recovered };
}

/** The payload of the `number`th record of a story: its length varies, its text tells which one it is. */
export function payloadOf(number: number, sizeBytes = 40 + ((number * 137) % 600)): Buffer {
  return Buffer.alloc(sizeBytes, `record ${number} `);
}

/** A closed world with `count` records of epoch 1, all durable. */
export async function writtenWorld(count: number, options: Partial<LogOptions> = {}): Promise<MemoryDisk> {
  const { disk, log } = await openWorld(new MemoryDisk(), options);
  log.startEpoch(1, KIND, payloadOf(1));
  for (let number = 2; number <= count; number++) {
    log.append(KIND, payloadOf(number));
    await log.durable(log.endLsn);
  }
  await log.close();
  return disk;
}

export async function collect(items: AsyncIterable<LogItem>): Promise<LogItem[]> {
  const all: LogItem[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export function recordsOf(items: LogItem[]): { lsn: number; payload: Buffer }[] {
  return items.flatMap((item) =>
    item.type === 'record' ? [{ lsn: item.lsn, payload: readFrame(item.frame).payload }] : [],
  );
}

/** All records of an open log. */
export async function contents(log: TransactionLog): Promise<{ lsn: number; payload: Buffer }[]> {
  return log.generation === 0 ? [] : recordsOf(await collect(log.reader.readFile(log.firstGeneration)));
}

/** Name, length and checksum of every log file: what two copies must have in common. (A diff of the bytes says no more.) */
export function fingerprints(disk: MemoryDisk): string[] {
  const files = [...disk.files()].filter(([name]) => /^log\/E00([0-9a-f]{8})?\.log$/.test(name));
  return files.map(([name, bytes]) => `${name} ${bytes.length} ${crc32(bytes)}`).sort();
}
