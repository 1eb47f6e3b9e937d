/** The hub's inner parts over two copies in memory and a log in memory: what the stories about delivery are told with. */
import { silentLogger } from '../../base/logger.ts';
import { SeededRandom } from '../../base/random.ts';
import { ManualClock, settle } from '../../base/testing/manual-clock.ts';
import type { CopyFinder } from '../../directory/copy-finder.ts';
import { Copies, STORAGE_GROUP } from '../../directory/testing/copies.ts';
import { MemoryStore } from '../../directory/testing/memory-store.ts';
import { MemoryDisk, type MemoryLogDevice } from '../../log/testing/memory-disk.ts';
import { TransactionLog } from '../../log/transaction-log.ts';
import { Acceptance, type IncomingMessage, type Verdict } from '../acceptance.ts';
import { DeliveryClient } from '../delivery-client.ts';
import { Occurrences } from '../delivery-id.ts';
import { deliveryClientLimits, queueLimits } from '../limits.ts';
import { type CommitMode, DeliveryQueue } from '../queue.ts';
import { Redelivery } from '../redelivery.ts';
import { Route } from '../route.ts';

export const ANNA = 'anna@example.com';
export const BERND = 'bernd@example.com';

export class HubStory {
  readonly clock = new ManualClock();
  readonly copies = new Copies(this.clock);
  readonly store = new MemoryStore([ANNA, BERND]);
  mode: CommitMode;
  limits = { ...queueLimits };
  disk = new MemoryDisk();
  /** What the queue's owner was told. */
  readonly logFailures: Error[] = [];
  #running:
    | {
        log: TransactionLog;
        queue: DeliveryQueue;
        redelivery: Redelivery;
        finder: CopyFinder;
        acceptance: Acceptance;
        device: MemoryLogDevice;
      }
    | undefined;

  constructor(mode: CommitMode = 'sync') {
    this.mode = mode;
  }

  get queue(): DeliveryQueue {
    return this.#parts.queue;
  }

  get log(): TransactionLog {
    return this.#parts.log;
  }

  get device(): MemoryLogDevice {
    return this.#parts.device;
  }

  get #parts() {
    if (this.#running === undefined) throw new Error('The hub is not running');
    return this.#running;
  }

  async start(): Promise<this> {
    await this.disk.makeFolder();
    const device = this.disk.device();
    const { log } = await TransactionLog.open({
      disk: this.disk,
      device,
      folder: 'queue',
      clock: this.clock,
      random: new SeededRandom(5),
      logger: silentLogger,
      fileSizeBytes: 64 * 1024,
      ifMissing: 'empty',
    });
    const { clock } = this;
    const logger = silentLogger;
    const mode = () => this.mode;
    const onLogFailed = (failure: Error) => void this.logFailures.push(failure);
    const queue = await DeliveryQueue.open({ log, clock, logger, mode, limits: this.limits, onLogFailed });
    const finder = this.copies.finder();
    const redelivery = new Redelivery({ queue, finder, clock, logger });
    const client = new DeliveryClient({ finder, clock, limits: deliveryClientLimits });
    const route = new Route({ storageGroup: STORAGE_GROUP, client, queue, mode, logger });
    const acceptance = new Acceptance({ routes: [route], occurrences: new Occurrences(clock), clock, logger });
    this.#running = { log, queue, redelivery, finder, acceptance, device };
    await settle();
    return this;
  }

  async stop(): Promise<void> {
    const { log, queue, redelivery, finder } = this.#parts;
    await redelivery.close();
    await queue.close();
    finder.close();
    await log.close();
    this.#running = undefined;
  }

  /** The machine goes down without a word; what was not synced may be gone. */
  crash(seed: number): void {
    const { finder } = this.#parts;
    this.disk.stopBefore(this.disk.steps);
    finder.close();
    this.disk = this.disk.afterCrash(new SeededRandom(seed), 'some');
    this.#running = undefined;
  }

  /** Lets everything come to rest that waits for nothing but other parts; no timer of interest falls due. */
  async calm(): Promise<void> {
    for (let round = 0; round < 20; round++) await this.clock.advance(0.1);
  }

  /** Codes of the replies, one for each recipient; `no-answer` when the connection would end without a word. */
  async send(text: string, recipients: readonly string[] = [ANNA]): Promise<string> {
    return this.codes(await this.accept(text, recipients));
  }

  accept(text: string, recipients: readonly string[] = [ANNA]): Promise<Verdict> {
    const message: IncomingMessage = {
      sender: 'sender@example.org',
      recipients: recipients.map((address) => ({ address, storageGroup: STORAGE_GROUP })),
      bytes: Buffer.from(`Subject: story\r\n\r\n${text}\r\n`),
      trace: '',
    };
    return this.#parts.acceptance.accept(message);
  }

  codes(verdict: Verdict): string {
    return verdict.kind === 'answer' ? verdict.replies.map((reply) => reply.code).join(' ') : 'no-answer';
  }

  /** The bodies that a mailbox has got, in order. */
  bodies(address = ANNA): readonly string[] {
    return this.store.messagesOf(address).map((text) => text.split('\r\n')[2] ?? '');
  }
}
