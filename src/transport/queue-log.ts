/**
 * Opens the log of a queue. It has no second copy, and the hub has answered for what is in it: so a damaged one does not
 * keep the hub from starting, and no more is lost of it than cannot be read. Its files are put aside, a new log is
 * begun, and every message that is whole in the old files and was not confirmed there comes into it; a confirmation that
 * was lost costs a delivery that the store recognises by its id.
 *
 *   damaged ──files one by one──► aside-N/ ──messages──► new log ──► aside-N/rescued
 *
 * Each step may be repeated: whoever finds a folder without that last note begins with its messages again. The files stay
 * there for people to look at.
 */
import { isProblem } from '../base/problem.ts';
import { LogDamaged } from '../log/damage.ts';
import { joinName, type LogDevice } from '../log/disk.ts';
import {
  closedGeneration,
  decodeHeader,
  isPreparedName,
  LOG_HEADER_BYTES,
  type LogFileHeader,
  OPEN_NAME,
} from '../log/log-file.ts';
import { numberOf } from '../log/lsn.ts';
import { type LogRecord, saltOf } from '../log/record.ts';
import { type LogOptions, TransactionLog } from '../log/transaction-log.ts';
import { wholeRecords } from '../log/whole-records.ts';
import { deliveryIdOf } from '../mail/delivery.ts';
import { decodeConfirmation, queueRecordKinds } from './queue-records.ts';

export interface QueueLogOptions extends Omit<LogOptions, 'device' | 'ifMissing'> {
  /** Another one for each attempt: what a failed one has seen of a damaged log is over. */
  readonly openDevice: () => LogDevice;
}

export interface OpenedQueueLog {
  readonly log: TransactionLog;
  /** To be closed behind the log. */
  readonly device: LogDevice;
}

const ASIDE = /^aside-\d+$/;
const RESCUED = 'rescued';
/** Bytes of rescued messages that are on their way to the disk at a time. */
const RESCUED_AT_ONCE_BYTES = 8 * 1024 * 1024;

export async function openQueueLog(options: QueueLogOptions): Promise<OpenedQueueLog> {
  const opened = (await openWhole(options)) ?? (await openAnew(options));
  try {
    for (const aside of await unfinished(options)) await rescue(options, aside, opened.log);
    return opened;
  } catch (error) {
    await opened.log.close();
    await opened.device.close();
    throw error;
  }
}

/** Undefined when it is damaged: then its files are aside. */
async function openWhole(options: QueueLogOptions): Promise<OpenedQueueLog | undefined> {
  const device = options.openDevice();
  try {
    const { log } = await TransactionLog.open({ ...options, device, ifMissing: 'empty' });
    return { log, device };
  } catch (error) {
    await device.close();
    const damage = damageOf(error);
    if (damage === undefined) throw error;
    const aside = await putAside(options);
    options.logger.error({ ...damage, aside }, 'queue: the log is damaged and was put aside');
    return undefined;
  }
}

/** Undefined: something else is wrong. What the disk does not give is damaged, too; one that takes nothing stops the rest. */
function damageOf(error: unknown): object | undefined {
  if (error instanceof LogDamaged) {
    const { file, fromByte, toByte, evidence } = error.damage;
    return { file, fromByte, toByte, evidence };
  }
  return isProblem(error, 'DiskFailed') ? { reason: error.message } : undefined;
}

async function openAnew(options: QueueLogOptions): Promise<OpenedQueueLog> {
  const device = options.openDevice();
  const { log } = await TransactionLog.open({ ...options, device, ifMissing: 'empty' });
  return { log, device };
}

/** Oldest first: what is left while it lasts is a log that begins later. */
async function putAside({ disk, folder }: QueueLogOptions): Promise<string> {
  const names = await disk.list(folder);
  const number = 1 + Math.max(0, ...names.filter((name) => ASIDE.test(name)).map((name) => Number(name.slice(6))));
  const aside = joinName(folder, `aside-${number}`);
  await disk.makeFolder(aside);
  for (const name of names.filter((each) => /^E00.*\.log$/.test(each)).sort(closedFirst)) {
    await disk.rename(joinName(folder, name), joinName(aside, name));
    await disk.syncFolder(aside);
    await disk.syncFolder(folder);
  }
  return aside;
}

function isLogName(name: string): boolean {
  return name === OPEN_NAME || closedGeneration(name) !== undefined;
}

/** `E0000000001.log` before `E00.log` and what stands ready. */
function closedFirst(one: string, other: string): number {
  return other.length - one.length || (one < other ? -1 : 1);
}

async function unfinished({ disk, folder }: QueueLogOptions): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of (await disk.list(folder)).filter((each) => ASIDE.test(each)).sort()) {
    const aside = joinName(folder, name);
    if ((await disk.size(joinName(aside, RESCUED))) === undefined) found.push(aside);
  }
  return found;
}

async function rescue(options: QueueLogOptions, aside: string, log: TransactionLog): Promise<void> {
  const { disk, logger } = options;
  const reading = new DamagedLog(options, aside);
  const wanted = await reading.messages();
  if (log.generation === 0) log.startEpoch(1, queueRecordKinds.started, Buffer.alloc(0));
  let waitingBytes = 0;
  for await (const record of reading.records()) {
    if (!wanted.has(record.lsn)) continue;
    log.append(record.kind, record.payload);
    waitingBytes += record.payload.length;
    if (waitingBytes < RESCUED_AT_ONCE_BYTES) continue;
    await log.durable(log.endLsn);
    waitingBytes = 0;
  }
  await log.durable(log.endLsn);
  await disk.writeAtomically(joinName(aside, RESCUED), Buffer.alloc(0));
  const { unreadableRecords, unreadableFiles } = reading;
  const keptRecords = wanted.size;
  logger.error({ aside, keptRecords, unreadableRecords, unreadableFiles }, 'queue: what could be read is kept');
}

/** The files of one log, of which any part may be damaged. */
class DamagedLog {
  readonly #options: QueueLogOptions;
  readonly #folder: string;
  unreadableRecords = 0;
  unreadableFiles: string[] = [];

  constructor(options: QueueLogOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
  }

  /** The LSNs of what is to be kept: messages that are not confirmed, or that the dumpster has, with the word of that. */
  async messages(): Promise<ReadonlySet<number>> {
    const kept = new Map<string, readonly number[]>();
    for await (const { lsn, kind, payload } of this.records()) {
      if (kind === queueRecordKinds.messageQueued) {
        const key = deliveryIdOf(payload).toString('latin1');
        kept.set(key, [lsn, ...(kept.get(key) ?? []).slice(1)]);
      } else if (kind === queueRecordKinds.messageConfirmed) {
        const { deliveryId, retained } = decodeConfirmation(payload);
        const key = deliveryId.toString('latin1');
        const queued = kept.get(key)?.[0];
        if (!retained) kept.delete(key);
        else if (queued !== undefined) kept.set(key, [queued, lsn]);
      }
    }
    return new Set([...kept.values()].flat());
  }

  /** Every record that is whole, in order. */
  async *records(): AsyncGenerator<LogRecord, void, undefined> {
    this.unreadableFiles = [];
    this.unreadableRecords = 0;
    const { names, salt } = await this.#files();
    let last = 0;
    for (const name of names) {
      const bytes = await this.#bytesOf(name);
      if (bytes === undefined || salt === undefined) continue;
      for (const record of wholeRecords(bytes, salt, last)) {
        if (last > 0 && numberOf(record.lsn) > 1) this.unreadableRecords += record.lsn - last - 1;
        last = record.lsn;
        yield record;
      }
    }
  }

  /**
   * Oldest first, and the salt of the stream: any header that is whole has its signature. A file is written before it is named
   * (file-names.ts); those that only stood ready to be written again are of generations that were before all that are here.
   */
  async #files(): Promise<{ readonly names: readonly string[]; readonly salt: number | undefined }> {
    const found = await this.#options.disk.list(this.#folder);
    const headers = new Map<string, LogFileHeader>();
    for (const name of found.filter((each) => isLogName(each) || isPreparedName(each))) {
      const header = await this.#headerOf(name);
      if (header !== undefined) headers.set(name, header);
    }
    const generationOf = (name: string): number => closedGeneration(name) ?? headers.get(name)?.generation ?? 0;
    const named = found.filter(isLogName).sort(closedFirst);
    const newest = Math.max(0, ...named.map(generationOf));
    const unnamed = found.filter((name) => isPreparedName(name) && generationOf(name) > newest);
    unnamed.sort((one, other) => generationOf(one) - generationOf(other));
    const [header] = headers.values();
    return { names: [...named, ...unnamed], salt: header && saltOf(header.signature) };
  }

  async #headerOf(name: string): Promise<LogFileHeader | undefined> {
    const bytes = await this.#bytesOf(name, LOG_HEADER_BYTES);
    return bytes && decodeHeader(bytes);
  }

  async #bytesOf(name: string, mostBytes = Number.POSITIVE_INFINITY): Promise<Buffer | undefined> {
    const { disk, logger } = this.#options;
    const path = joinName(this.#folder, name);
    try {
      return await disk.read(path, 0, Math.min((await disk.size(path)) ?? 0, mostBytes));
    } catch (error) {
      if (!isProblem(error)) throw error;
      if (!this.unreadableFiles.includes(name)) this.unreadableFiles.push(name);
      logger.error({ file: path, reason: error.message }, 'queue: a file of the damaged log cannot be read');
      return undefined;
    }
  }
}
