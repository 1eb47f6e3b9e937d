/**
 * The hub behind its sockets: whose mail it takes, and for each storage group a way to the active copy with the queue
 * that stands in while no copy can answer. It runs unchanged in a simulated world; what speaks SMTP is in hub.ts.
 */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { CopyFinder } from '../directory/copy-finder.ts';
import { type DirectoryCache, type RecipientAnswer, RecipientDirectory } from '../directory/recipients.ts';
import type { TransactionLog } from '../log/transaction-log.ts';
import { Acceptance, type IncomingMessage, type Verdict } from './acceptance.ts';
import { DeliveryClient } from './delivery-client.ts';
import { Occurrences } from './delivery-id.ts';
import { deliveryClientLimits, queueLimits } from './limits.ts';
import { type CommitMode, DeliveryQueue, type QueueStatus } from './queue.ts';
import { Redelivery } from './redelivery.ts';
import { Route } from './route.ts';

export interface HubStorageGroup {
  /** Finder, log and disk stay the caller's: he closes them after the hub. */
  readonly finder: CopyFinder;
  readonly log: TransactionLog;
  readonly mode: () => CommitMode;
}

export interface HubCoreOptions {
  readonly storageGroups: readonly HubStorageGroup[];
  readonly acceptedDomains: readonly string[];
  readonly directoryCache: DirectoryCache;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The log of a queue has failed for good: only a new process can use that disk again. */
  readonly onFatal: (error: Error) => void;
  /** Where they differ from limits.ts. */
  readonly limits?: Partial<typeof deliveryClientLimits & typeof queueLimits>;
}

export interface HubStatus {
  readonly mailboxes: number;
  readonly queues: readonly ({ readonly storageGroup: string } & QueueStatus)[];
}

interface Way {
  readonly storageGroup: string;
  readonly queue: DeliveryQueue;
  readonly redelivery: Redelivery;
  readonly route: Route;
}

export class HubCore {
  readonly #directory: RecipientDirectory;
  readonly #ways: readonly Way[];
  readonly #acceptance: Acceptance;

  /** Rejects when a queue cannot be read. */
  static async open(options: HubCoreOptions): Promise<HubCore> {
    const core = new HubCore(options, await Promise.all(options.storageGroups.map((group) => openWay(group, options))));
    await core.#directory.start();
    return core;
  }

  private constructor(options: HubCoreOptions, ways: readonly Way[]) {
    const { clock, logger, acceptedDomains, storageGroups } = options;
    const finders = storageGroups.map((group) => group.finder);
    this.#ways = ways;
    this.#directory = new RecipientDirectory({
      acceptedDomains,
      finders,
      cache: options.directoryCache,
      clock,
      logger,
    });
    this.#acceptance = new Acceptance({
      routes: ways.map((way) => way.route),
      occurrences: new Occurrences(clock),
      clock,
      logger,
    });
  }

  resolve(recipient: string): Promise<RecipientAnswer> {
    return this.#directory.resolve(recipient);
  }

  accept(message: IncomingMessage): Promise<Verdict> {
    return this.#acceptance.accept(message);
  }

  status(): HubStatus {
    return {
      mailboxes: this.#directory.mailboxCount,
      queues: this.#ways.map(({ storageGroup, queue }) => ({ storageGroup, ...queue.status })),
    };
  }

  /** Queues stay for the next start. */
  async close(): Promise<void> {
    await Promise.all(this.#ways.map(closeWay));
    await this.#directory.close();
  }
}

async function openWay(group: HubStorageGroup, options: HubCoreOptions): Promise<Way> {
  const { clock, onFatal } = options;
  const { finder, log, mode } = group;
  const { storageGroup } = finder;
  const logger = options.logger.child({ storageGroup });
  const queue = await DeliveryQueue.open({
    log,
    clock,
    logger,
    mode,
    onLogFailed: onFatal,
    limits: { ...queueLimits, ...options.limits },
  });
  const client = new DeliveryClient({ finder, clock, limits: { ...deliveryClientLimits, ...options.limits } });
  return {
    storageGroup,
    queue,
    redelivery: new Redelivery({ queue, finder, clock, logger }),
    route: new Route({ storageGroup, client, queue, mode, logger }),
  };
}

async function closeWay(way: Way): Promise<void> {
  await way.redelivery.close();
  await way.queue.close();
}
