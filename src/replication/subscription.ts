/**
 * One copy that follows the active one: the source's end of a replication channel. It answers the hello with the last
 * common point, then streams the log from there, from the files while the copy is behind and from memory when it is
 * caught up, never more than a window ahead of what the copy has applied.
 */
import type { Logger } from '../base/logger.ts';
import type { Channel } from '../base/network.ts';
import { isProblem, messageOf, Problem } from '../base/problem.ts';
import { Signal } from '../base/signal.ts';
import type { LogItem, TransactionLog } from '../log/transaction-log.ts';
import { lastCommonLsn } from './common-point.ts';
import { replicationLimits } from './limits.ts';
import { decodeTargetFrame, encodeSourceFrame, type ReplicationHello, type SourceProgress } from './protocol.ts';
import type { RecentItems } from './recent-items.ts';

export interface SubscriptionOptions {
  readonly channel: Channel;
  readonly hello: ReplicationHello;
  readonly epoch: number;
  readonly log: TransactionLog;
  readonly recent: RecentItems;
  readonly progress: (host: string) => SourceProgress;
  readonly onAcknowledged: (subscription: Subscription) => void;
  /** The other side has seen a higher epoch than ours. */
  readonly onHigherEpoch: (epoch: number) => void;
  readonly onClosed: (subscription: Subscription, reason: string) => void;
  readonly logger: Logger;
}

/** Of our own files: until they are mended, a seed is what brings the other copy on. */
const LOG_UNREADABLE = new Set(['LogDamaged', 'DiskFailed', 'FileMissing']);

export class Subscription {
  readonly host: string;
  readonly #options: SubscriptionOptions;
  readonly #more = new Signal();
  #sentLsn = 0;
  #sentGeneration = 0;
  #sentBytes = 0;
  /** For each batch under way: its last LSN and the stream position behind it. */
  readonly #underWay: { lsn: number; position: number }[] = [];
  #appliedPosition = 0;
  #sentProgress = '';
  #closed = false;
  /** True while the copy is fed from memory: it has everything but what was appended just now. */
  caughtUp = false;
  durableLsn = 0;
  appliedLsn = 0;
  generation = 0;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    this.host = options.channel.remoteHost;
    options.channel.onFrame((frame) => this.#onFrame(frame));
    options.channel.onClose((reason) => this.#onClose(reason));
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** New records, a new commit point, a changed in-sync set: there may be something to send. */
  poke(): void {
    this.#more.raise();
  }

  close(reason: string): void {
    this.#options.channel.close(reason);
    this.#onClose(reason);
  }

  /** Runs until the channel closes; never rejects. */
  async run(): Promise<void> {
    try {
      if (!(await this.#start())) return;
      while (!this.#closed) {
        await this.#step();
      }
    } catch (error) {
      const fields = { peer: this.host, reason: messageOf(error) };
      if (isProblem(error)) this.#options.logger.warn(fields, 'replication to a copy stopped');
      else this.#options.logger.error(fields, 'replication to a copy failed');
      const isUnreadable =
        isProblem(error) && LOG_UNREADABLE.has(error.code) && this.#options.log.failure === undefined;
      if (isUnreadable) this.#sendSeedNeeded('a log file that it needs cannot be read on the active copy');
      this.close(messageOf(error));
    }
  }

  async #start(): Promise<boolean> {
    const { hello, log, epoch, channel } = this.#options;
    const isFresh = hello.ends.length === 0;
    const common = isFresh ? hello.seededLsn : lastCommonLsn(log.epochEnds, hello.ends);
    // The copy may have been quicker than this disk: what it has is not lost here, only not durable yet.
    if (common > log.durableLsn && common <= log.endLsn) await log.durable(common);
    const place = common === 0 ? undefined : await log.reader.find(common);
    const reason = this.#whyNotFromLog(common, place !== undefined);
    if (reason !== undefined) {
      this.#sendSeedNeeded(reason);
      return false;
    }
    this.#sentLsn = common;
    this.#sentGeneration = place?.generation ?? log.firstGeneration;
    channel.send(encodeSourceFrame({ type: 'start', epoch, commonLsn: common, chain: place?.chain ?? 0 }));
    if (isFresh) await this.#sendFirstFile();
    return true;
  }

  #sendSeedNeeded(reason: string): void {
    const { channel, epoch } = this.#options;
    channel.send(encodeSourceFrame({ type: 'seed-needed', epoch, reason }));
  }

  /** A copy without a log begins with a whole file: its files are byte for byte the active copy's, or they are not. */
  async #sendFirstFile(): Promise<void> {
    const items: LogItem[] = [];
    for await (const item of this.#options.log.reader.readFile(this.#sentGeneration)) {
      if (item.type === 'file' && item.generation > this.#sentGeneration) break;
      items.push(item);
    }
    if (!this.#closed) this.#send(items);
  }

  #whyNotFromLog(common: number, isHere: boolean): string | undefined {
    const { hello, log } = this.#options;
    const signature = log.signature?.toString('hex') ?? '';
    if (hello.logSignature !== '' && hello.logSignature !== signature) {
      return 'its log is of another stream than the active copy';
    }
    if (hello.ends.length > 0 && common === 0) return 'its log has no epoch in common with the active copy';
    if (common === 0 ? log.firstReadableLsn > 0 : !isHere) {
      return 'the active copy no longer has the log files that follow its own';
    }
    return undefined;
  }

  async #step(): Promise<void> {
    const { channel } = this.#options;
    if (this.#windowRoom() <= 0) {
      // The copy applies only what it knows to be committed: without this it would wait for us, and we for it.
      this.#sendProgress();
      return this.#more.wait();
    }
    if (channel.unsentBytes > replicationLimits.windowBytes) await channel.drained();
    const room = Math.min(replicationLimits.fileBatchBytes, this.#windowRoom());
    const items = this.#options.recent.following(this.#sentLsn, this.#sentGeneration, room);
    if (items !== undefined) {
      this.caughtUp = true;
      this.#send(items);
      this.#sendProgress();
      if (items.length === 0) await this.#more.wait();
      return;
    }
    this.caughtUp = false;
    await this.#sendFromFiles(room);
  }

  async #sendFromFiles(room: number): Promise<void> {
    const { log } = this.#options;
    const items: LogItem[] = [];
    let bytes = 0;
    for await (const item of log.reader.readFrom(this.#sentLsn, this.#sentGeneration)) {
      items.push(item);
      bytes += item.type === 'file' ? item.header.length : item.frame.length;
      if (bytes >= room || this.#closed) break;
    }
    if (this.#closed) return;
    this.#send(items);
    this.#sendProgress();
    if (items.length === 0) await this.#more.wait();
  }

  /** Runs of records go out as one frame; a file header between them as its own. */
  #send(items: readonly LogItem[]): void {
    let frames: Buffer[] = [];
    const flush = (): void => {
      if (frames.length > 0) this.#sendRecords(frames);
      frames = [];
    };
    for (const item of items) {
      if (item.type === 'record') {
        frames.push(item.frame);
        this.#sentLsn = item.lsn;
        continue;
      }
      flush();
      this.#sentGeneration = item.generation;
      this.#options.channel.send(encodeSourceFrame({ type: 'file', epoch: this.#options.epoch, header: item.header }));
    }
    flush();
  }

  #sendRecords(frames: readonly Buffer[]): void {
    const { channel, epoch } = this.#options;
    const committedLsn = this.#options.progress(this.host).committedLsn;
    const bytes = Buffer.concat(frames);
    this.#sentBytes += bytes.length;
    this.#underWay.push({ lsn: this.#sentLsn, position: this.#sentBytes });
    channel.send(encodeSourceFrame({ type: 'records', epoch, committedLsn, frames: bytes }));
  }

  #sendProgress(): void {
    const { channel, epoch } = this.#options;
    const progress = this.#options.progress(this.host);
    const text = `${progress.committedLsn} ${progress.endLsn} ${progress.generation} ${progress.inSync}`;
    if (text === this.#sentProgress || this.#closed) return;
    this.#sentProgress = text;
    channel.send(encodeSourceFrame({ type: 'progress', epoch, progress }));
  }

  #windowRoom(): number {
    return replicationLimits.windowBytes - (this.#sentBytes - this.#appliedPosition);
  }

  #onFrame(bytes: Buffer): void {
    if (this.#closed) return;
    try {
      const frame = decodeTargetFrame(bytes);
      if (frame.type === 'refuse') return this.#options.onHigherEpoch(frame.epoch);
      if (frame.epoch !== this.#options.epoch) return;
      this.#acknowledge(frame.durableLsn, frame.appliedLsn, frame.generation);
    } catch (error) {
      this.close(messageOf(error));
    }
  }

  #acknowledge(durableLsn: number, appliedLsn: number, generation: number): void {
    if (durableLsn > this.#sentLsn || appliedLsn > this.#sentLsn) {
      throw new Problem('Malformed', 'Cannot accept an acknowledgement: nothing so new was sent');
    }
    this.durableLsn = Math.max(this.durableLsn, durableLsn);
    this.appliedLsn = Math.max(this.appliedLsn, appliedLsn);
    this.generation = generation;
    for (
      let batch = this.#underWay[0];
      batch !== undefined && batch.lsn <= this.appliedLsn;
      batch = this.#underWay[0]
    ) {
      this.#appliedPosition = batch.position;
      this.#underWay.shift();
    }
    this.#options.onAcknowledged(this);
    this.#more.raise();
  }

  #onClose(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#more.raise();
    this.#options.onClosed(this, reason);
  }
}
