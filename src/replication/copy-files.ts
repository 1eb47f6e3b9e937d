/**
 * What one copy has on its disk: the log, the database, the packs and the highest epoch it has seen, kept in step with
 * each other. The log is the truth; the database is built from it and never holds a record that is not committed.
 */
import { assert, present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { Problem } from '../base/problem.ts';
import type { Random } from '../base/random.ts';
import { LogDamaged } from '../log/damage.ts';
import type { LogDevice } from '../log/disk.ts';
import { removeEmptyLog, truncateAfter } from '../log/divergence.ts';
import type { UnreadableListener } from '../log/log-reader.ts';
import { formatLsn } from '../log/lsn.ts';
import { readFrame } from '../log/record.ts';
import { TransactionLog } from '../log/transaction-log.ts';
import type { ContentIndex } from '../store/content-index.ts';
import { Database } from '../store/database.ts';
import { Packs } from '../store/packs.ts';
import { type RecordFormats, recordFormats } from '../store/record-formats.ts';
import { Replayer } from '../store/replay.ts';
import type { StorageGroup } from '../store/storage-group.ts';
import { BackupNote } from './backup-note.ts';
import { databaseIsAhead, decideContinuation } from './continuation.ts';
import type { CopyStorage } from './copy-storage.ts';
import { DatabaseCheckpoints } from './database-checkpoints.ts';
import { noteTail, QUARANTINE } from './divergent-tails.ts';
import { EpochFile } from './epoch-file.ts';
import { checkIsKnown } from './format-gate.ts';
import { LackNote } from './lack-note.ts';
import { replicationLimits } from './limits.ts';
import { PendingRecords } from './pending-records.ts';
import { ReplaySlice } from './replay-slice.ts';
import type { SeedSnapshot } from './seed-manifest.ts';
import { finishSeed } from './seed-place.ts';
import { seededSignature } from './seeded-note.ts';
import { splitFrames } from './split-frames.ts';

export interface CopyFilesOptions {
  /** Log files go as soon as no copy needs them; otherwise they stay until a backup holds them. */
  readonly circularLogging: boolean;
  /** Size of a log file; 1 MiB unless it is given. */
  readonly fileSizeBytes?: number;
  readonly storage: CopyStorage;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Absent: what this version knows. */
  readonly formats?: RecordFormats;
  readonly yieldTurn: () => Promise<void>;
  /** The last LSN that may have been answered; 0 while this copy is not active. */
  readonly committedLsn: () => number;
  readonly onDatabaseUnreadable?: (what: string) => void;
  readonly onUnreadableFile?: UnreadableListener;
  readonly onLogFailed?: (failure: Error) => void;
  /** Records that the active copy does not have are in quarantine now. */
  readonly onPutAside?: () => void;
}

const LOG_FOLDER = 'log';

export interface Store {
  readonly database: Database;
  readonly packs: Packs;
  readonly contentIndex?: ContentIndex | undefined;
}

export class CopyFiles {
  readonly epochs: EpochFile;
  readonly backups: BackupNote;
  /** May change while the copy lives. */
  circularLogging: boolean;
  readonly #options: CopyFilesOptions;
  #log: TransactionLog | undefined;
  #device: LogDevice | undefined;
  #store: Store | undefined;
  /** Of a passive copy; an active one's database is written by its mounted storage group. */
  #replayer: Replayer | undefined;
  readonly #lack: LackNote;
  readonly #pending = new PendingRecords();
  #appliedGeneration = 0;
  readonly #checkpoints: DatabaseCheckpoints;
  #applying: Promise<void> = Promise.resolve();

  constructor(options: CopyFilesOptions) {
    this.#options = options;
    this.#lack = new LackNote(options.storage.disk);
    this.epochs = new EpochFile(options.storage.disk);
    this.backups = new BackupNote(options.storage.disk);
    this.circularLogging = options.circularLogging;
    const checkpoint = () => options.storage.checkpointDatabase();
    this.#checkpoints = new DatabaseCheckpoints(checkpoint, () => this.committedLsn);
  }

  /** Where the database file stands even after a loss of power. */
  get checkpointedLsn(): number {
    return this.#checkpoints.lsn;
  }

  /** Problem('LogDamaged' | 'LogFormat' | 'DatabaseUnusable' | ...): this copy cannot be used as it is. */
  async open(): Promise<void> {
    const { storage } = this.#options;
    await finishSeed(storage.disk);
    await storage.prepare();
    await storage.disk.makeFolder(LOG_FOLDER);
    // A file that a killed process put in place and did not live to sync is read, and a loss of power may take it back.
    await storage.disk.syncFolder('');
    await this.epochs.load();
    await this.backups.load();
    await this.#openLogOrRest();
    await this.#lack.load();
    this.#openStore(this.log.signature ?? (await seededSignature(storage.disk)));
    this.#checkDatabase();
  }

  async #openLog(): Promise<void> {
    const { storage, committedLsn } = this.#options;
    const device = storage.openDevice();
    this.#device = device;
    const opened = await TransactionLog.open({
      ...this.#options,
      disk: storage.disk,
      device,
      folder: LOG_FOLDER,
      ifMissing: 'empty',
      committedLsn,
      onFailed: this.#options.onLogFailed,
    });
    this.#log = opened.log;
    this.#appliedGeneration = this.#log.generation;
  }

  /**
   * A damaged log is opened up to its last good record. What follows goes to quarantine, and a note that outlives this
   * process keeps the copy from leading: the active copy has everything that was ever answered, this one has not.
   */
  async #openDamagedLog(damaged: LogDamaged): Promise<void> {
    const { storage, logger } = this.#options;
    const { lastGoodLsn: lsn, file, fromByte } = damaged.damage;
    await this.#closeLog();
    await this.#lack.write(lsn, damaged.message);
    const quarantineFolder = `${QUARANTINE}/damaged-behind-${lsn}`;
    await noteTail(storage.disk, quarantineFolder, { behindLsn: lsn, isDamaged: true, returns: true });
    await truncateAfter({ disk: storage.disk, folder: LOG_FOLDER, lsn, quarantineFolder });
    logger.error(
      { file, fromByte, lastGoodLsn: formatLsn(lsn), quarantineFolder },
      'the log is damaged: the rest was put aside and is fetched again',
    );
    await this.#openLog();
  }

  async #openLogOrRest(): Promise<void> {
    try {
      await this.#openLog();
    } catch (error) {
      if (!(error instanceof LogDamaged) || error.damage.lastGoodLsn === 0) throw error;
      await this.#openDamagedLog(error);
    }
  }

  /** The database belongs to a stream, so it begins when the stream is known. */
  #openStore(signature: Buffer | undefined): void {
    if (this.#store !== undefined || signature === undefined) return;
    const { storage, onDatabaseUnreadable: onUnreadable } = this.#options;
    const packs = new Packs(storage.openPacks());
    const options = { path: storage.databasePath, signature, onUnreadable };
    const database = storage.openDatabase?.(signature) ?? new Database(options);
    this.#store = { database, packs, contentIndex: storage.contentIndex };
    storage.contentIndex?.open(signature);
    this.#replayer = new Replayer(this.#store);
  }

  /** A database that is ahead of its log would serve what no log can prove. */
  #checkDatabase(): void {
    if (this.log.generation > 0 && this.appliedLsn > this.log.endLsn && !this.#lack.isThere) {
      throw new Problem(
        'DatabaseAhead',
        `Cannot open this copy: its database stands at ${formatLsn(this.appliedLsn)}, its log ends at ${formatLsn(this.log.endLsn)}. ` +
          'Seed this copy with Update-StorageGroupCopy.',
      );
    }
  }

  async close(): Promise<void> {
    await this.#applying;
    await this.#options.storage.contentIndex?.close();
    this.#store?.database.close();
    this.#store?.packs.close();
    this.#store = undefined;
    this.#replayer = undefined;
    await this.#closeLog();
  }

  async #closeLog(): Promise<void> {
    await this.#log?.close();
    this.#log = undefined;
    await this.#device?.close();
    this.#device = undefined;
  }

  get log(): TransactionLog {
    return present(this.#log, 'The copy is open');
  }

  get isOpen(): boolean {
    return this.#log !== undefined;
  }

  /**
   * Whether this copy could lead, as far as it can know: a log without a database is damage, no log at all is a copy
   * that is new. Whether a new one may lead is for the register, which knows where the log ended.
   */
  get isComplete(): boolean {
    return this.isOpen && this.lacksRecords === this.isRestored && (this.#store !== undefined || this.generation === 0);
  }

  /** Creation time of the log file that records go to; null without one. */
  get fileCreatedMs(): number | null {
    return this.#log?.fileCreatedMs ?? null;
  }

  /** A snapshot of an active copy for another one's seed. */
  takeSnapshot(): Promise<SeedSnapshot> {
    const { packs } = present(this.#store, 'A copy with a log has a database');
    return this.#options.storage.takeSnapshot(packs, this.signature);
  }

  get signature(): string {
    return this.#log?.signature?.toString('hex') ?? '';
  }

  get endLsn(): number {
    return this.#log?.endLsn ?? 0;
  }

  get durableLsn(): number {
    return this.#log?.durableLsn ?? 0;
  }

  get generation(): number {
    return this.#log?.generation ?? 0;
  }

  get appliedLsn(): number {
    return this.#store?.database.appliedLsn ?? 0;
  }

  /** Records that this copy once had were damaged: until an active copy has sent them again, it must not lead. */
  get lacksRecords(): boolean {
    return this.#lack.isThere;
  }

  /** It comes from a backup: whole, but only an administrator may let it lead. */
  get isRestored(): boolean {
    return this.#lack.isRestored;
  }

  rewriteLackNote(): Promise<void> {
    return this.#lack.rewrite(this.isRestored ? this.endLsn : 0);
  }

  /** Everything that was ever committed is here again. */
  recordsAreBack(): Promise<void> {
    return this.#lack.remove();
  }

  /** Where the database was last committed. */
  get committedLsn(): number {
    return this.#store?.database.committedLsn ?? 0;
  }

  get appliedGeneration(): number {
    return this.appliedLsn >= this.endLsn ? this.generation : this.#appliedGeneration;
  }

  get epochSeen(): number {
    return Math.max(this.epochs.floor, this.#log?.epoch ?? 0);
  }

  /** Hands the database over to a mounted storage group, until `returnToCommitted`. */
  mount(): Store {
    this.#replayer = undefined;
    return this.openStore;
  }

  get openStore(): Store {
    return present(this.#store, 'A copy with a log has a database');
  }

  #passive(): Replayer {
    return present(this.#replayer, 'Records are replayed on a passive copy with a database');
  }

  // ── following ────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Makes the log end at `commonLsn`, whose record has the crc `chain`; what lies behind goes to quarantine. An open
   * file without records goes with it: the active copy's file of that generation may have another header.
   */
  async continueFrom(commonLsn: number, chain: number, epoch: number): Promise<void> {
    if (this.log.generation > 0) await this.log.durable(this.log.endLsn);
    await this.#applying;
    const place = await this.log.reader.find(commonLsn);
    const { generation, endLsn, appliedLsn } = this;
    const continuation = decideContinuation({ commonLsn, chain, generation, endLsn, appliedLsn, place });
    if (continuation === 'as-it-is') return;
    if (continuation === 'cut') return this.#cutLog(commonLsn, epoch);
    if (continuation === 'empty') await this.#forgetEmptyLog();
    await this.#lack.write(commonLsn, 'its log is new');
  }

  async #forgetEmptyLog(): Promise<void> {
    const { storage, logger } = this.#options;
    await this.close();
    await removeEmptyLog(storage.disk, LOG_FOLDER);
    logger.warn({}, 'a log without any record was removed: it begins with that of the active copy');
    await this.#openLog();
  }

  async #cutLog(lsn: number, epoch: number): Promise<void> {
    const { storage, logger } = this.#options;
    if (this.appliedLsn > lsn) this.#passive().rollback();
    if (this.appliedLsn > lsn) throw databaseIsAhead(lsn);
    this.#pending.clear();
    await this.#closeLog();
    const quarantineFolder = `${QUARANTINE}/before-epoch-${epoch}`;
    await noteTail(storage.disk, quarantineFolder, { behindLsn: lsn, isDamaged: false, returns: true });
    const report = await truncateAfter({ disk: storage.disk, folder: LOG_FOLDER, lsn, quarantineFolder });
    logger.warn(
      { lsn: formatLsn(lsn), files: report.quarantined, quarantineFolder },
      'records that the active copy does not have were put aside',
    );
    await this.#openLog();
    this.#options.onPutAside?.();
  }

  /** The first record of an epoch under which this copy is active. `applyAll` follows. */
  startEpoch(epoch: number, kind: number, payload: Buffer): void {
    this.log.startEpoch(epoch, kind, payload);
  }

  startFile(header: Buffer): void {
    this.log.startFile(header);
    this.#openStore(this.log.signature);
  }

  /** `frames`: whole records, one behind the other. Returns the last LSN. Problem('LogMismatch' | 'Malformed' | 'UnknownRecordKind') */
  appendFrames(frames: Buffer): number {
    const { formats = recordFormats } = this.#options;
    let lsn = this.log.endLsn;
    for (const frame of splitFrames(frames)) {
      checkIsKnown(readFrame(frame).kind, formats);
      lsn = this.log.appendFrame(frame);
      this.#pending.push({ lsn, generation: this.log.generation, frame });
    }
    this.#pending.keepBound();
    return lsn;
  }

  // ── applying ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Everything that the log holds. A database begins behind its stream's durable first record: never of one that was not. */
  async applyAll(): Promise<void> {
    await this.log.durable(this.log.endLsn);
    this.#openStore(this.log.signature);
    await this.applyUpTo(this.log.endLsn);
    assert(this.appliedLsn >= this.log.endLsn, 'Everything that the log holds is applied');
  }

  /** What is durable here, up to `committedLsn`, in slices that let other work through. One at a time. */
  applyUpTo(committedLsn: number): Promise<void> {
    const run = this.#applying.then(() => this.#apply(committedLsn));
    this.#applying = run.catch(() => undefined);
    return run;
  }

  async #apply(committedLsn: number): Promise<void> {
    const limit = Math.min(committedLsn, this.log.durableLsn);
    if (this.appliedLsn >= limit || this.#store === undefined) return;
    this.#pending.dropUpTo(this.appliedLsn);
    const { first } = this.#pending;
    if (first === undefined || first.lsn > this.appliedLsn + 1) await this.#applyFromLog(limit);
    await this.#applyPending(limit);
  }

  async #applyPending(limit: number): Promise<void> {
    const slice = new ReplaySlice(this.#options);
    while (this.#pending.first !== undefined && this.#pending.first.lsn <= limit) {
      this.#pending.take(
        limit,
        () => slice.isOver(),
        ({ frame, generation }) => this.#applyFrame(frame, generation),
      );
      if (slice.isOver()) await slice.rest();
    }
  }

  async #applyFromLog(limit: number): Promise<void> {
    const slice = new ReplaySlice(this.#options);
    let generation = this.#appliedGeneration;
    const { reader, firstGeneration } = this.log;
    const items = this.appliedLsn === 0 ? reader.readFile(firstGeneration) : reader.readFrom(this.appliedLsn);
    for await (const item of items) {
      if (item.type === 'file') {
        generation = item.generation;
        continue;
      }
      if (item.lsn > limit) return;
      this.#applyFrame(item.frame, generation);
      if (slice.isOver()) await slice.rest();
    }
  }

  #applyFrame(frame: Buffer, generation: number): void {
    this.#passive().apply(readFrame(frame));
    this.#appliedGeneration = generation;
  }

  // ── the database and its log ─────────────────────────────────────────────────────────────────────────────────────

  /** Of a passive copy: what it has applied is committed by the mode's rule already. */
  async commitDatabase(): Promise<void> {
    await this.#applying;
    const replayer = this.#replayer;
    if (replayer === undefined || this.#isSettled) return;
    const run = replayer.commitDatabase(this.#checkpoints.due()).then(() => this.#store?.contentIndex?.committed());
    this.#applying = run.then(
      () => undefined,
      () => undefined,
    );
    await run;
  }

  /** Everything is committed and carried over: at rest nothing is written. */
  get #isSettled(): boolean {
    return this.#store === undefined || (!this.#store.database.hasNews && this.#checkpoints.isComplete);
  }

  /** Of an active copy, whose storage group commits the database. */
  async commitMounted(store: StorageGroup): Promise<void> {
    if (this.#isSettled) return;
    const checkpoint = this.#checkpoints.due();
    if (checkpoint !== undefined) await this.#options.storage.checkpointDatabase();
    const committedBefore = this.committedLsn;
    await store.commitDatabase(checkpoint);
    if (this.committedLsn !== committedBefore) this.#store?.contentIndex?.committed();
  }

  /** Of a passive copy: short work on its database between its records. Problem('NotPassive') */
  async inTurn<T>(work: (store: Store) => T): Promise<T> {
    const run = this.#applying.then(() => {
      if (this.#store !== undefined && this.#replayer !== undefined) return work(this.#store);
      throw new Problem('NotPassive', 'Cannot work on this copy: it is being opened or activated.', {
        temporary: true,
      });
    });
    this.#applying = run.then(
      () => undefined,
      () => undefined,
    );
    return await run;
  }

  /** The database as it was last committed, replayed from there on: what was applied behind it may be withdrawn. */
  async returnToCommitted(): Promise<void> {
    await this.#applying;
    this.#pending.clear();
    if (this.#store !== undefined) this.#replayer = new Replayer(this.#store);
  }

  /**
   * Deletes log files that neither this database, even after a loss of power, nor any copy (they have `neededLsn`) will
   * ask for again; without circular logging, only those that are in a backup.
   */
  async truncateLog(neededLsn: number): Promise<void> {
    if (this.log.generation - this.log.firstGeneration <= replicationLimits.keptLogFiles) return;
    const backedUpLsn = this.backups.floor(this.circularLogging);
    await this.log.removeBelow(Math.min(this.checkpointedLsn, neededLsn, backedUpLsn));
  }
}
