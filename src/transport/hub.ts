/**
 * The hub put together: ports that mail comes in by, one way to each storage group, and behind every way the queue that
 * stands in while no copy can answer.
 */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { CopyFinder } from '../directory/copy-finder.ts';
import { type DirectoryCache, RecipientDirectory } from '../directory/recipients.ts';
import type { TransactionLog } from '../log/transaction-log.ts';
import { Acceptance } from './acceptance.ts';
import { DeliveryClient } from './delivery-client.ts';
import { Occurrences } from './delivery-id.ts';
import { deliveryClientLimits, queueLimits, receptionLimits } from './limits.ts';
import { type CommitMode, DeliveryQueue, type QueueStatus } from './queue.ts';
import { ReceivingMemory } from './receiving-memory.ts';
import { Redelivery } from './redelivery.ts';
import { Route } from './route.ts';
import { type ReceptionKind, type ReceptionPorts, type ServerCertificate, SmtpListener } from './smtp-listener.ts';

export interface HubStorageGroup {
  /** Finder, log and disk stay the caller's: he closes them after the hub. */
  readonly finder: CopyFinder;
  readonly log: TransactionLog;
  readonly mode: () => CommitMode;
}

export interface HubOptions {
  readonly storageGroups: readonly HubStorageGroup[];
  readonly acceptedDomains: readonly string[];
  readonly directoryCache: DirectoryCache;
  readonly listeners: readonly { readonly kind: ReceptionKind; readonly address: string; readonly port: number }[];
  /** As it greets, and as it calls itself in traces. */
  readonly hostName: string;
  readonly certificate: ServerCertificate;
  readonly allowPlaintextLogin: boolean;
  readonly login: ReceptionPorts['login'];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where they differ from limits.ts. */
  readonly limits?: Partial<typeof receptionLimits & typeof deliveryClientLimits & typeof queueLimits>;
}

export interface HubStatus {
  readonly mailboxes: number;
  readonly queues: readonly ({ readonly storageGroup: string } & QueueStatus)[];
}

export interface Hub {
  /** Ports as bound, in the order of `listeners`. */
  readonly ports: readonly number[];
  status(): HubStatus;
  /** New clients are refused, messages that are being accepted get their answers, queues stay for the next start. */
  close(): Promise<void>;
}

interface Way {
  readonly storageGroup: string;
  readonly queue: DeliveryQueue;
  readonly redelivery: Redelivery;
  readonly route: Route;
}

/** Rejects when a queue cannot be read or a port cannot be bound; nothing is left behind then. */
export async function startHub(options: HubOptions): Promise<Hub> {
  const { clock, logger, acceptedDomains, storageGroups } = options;
  const finders = storageGroups.map((group) => group.finder);
  const directory = new RecipientDirectory({ acceptedDomains, finders, cache: options.directoryCache, clock, logger });
  const ways = await Promise.all(storageGroups.map((group) => openWay(group, options)));
  const acceptance = new Acceptance({
    routes: ways.map((way) => way.route),
    occurrences: new Occurrences(clock),
    clock,
    logger,
  });
  await directory.start();
  const listeners = makeListeners(options, directory, acceptance);
  const close = async () => {
    await Promise.all(listeners.map((listener) => listener.stop()));
    await Promise.all(ways.map(closeWay));
    await directory.close();
  };
  try {
    const ports: number[] = [];
    for (const [index, { address, port }] of options.listeners.entries()) {
      ports.push((await listeners[index]?.start(address, port)) ?? port);
    }
    return { ports, close, status: () => statusOf(directory, ways) };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openWay(group: HubStorageGroup, options: HubOptions): Promise<Way> {
  const { clock } = options;
  const { finder, log, mode } = group;
  const { storageGroup } = finder;
  const logger = options.logger.child({ storageGroup });
  const queue = await DeliveryQueue.open({ log, clock, logger, mode, limits: { ...queueLimits, ...options.limits } });
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

function makeListeners(options: HubOptions, directory: RecipientDirectory, acceptance: Acceptance): SmtpListener[] {
  const { hostName, certificate, allowPlaintextLogin, login, clock, logger } = options;
  const limits = { ...receptionLimits, ...options.limits };
  const memory = new ReceivingMemory(limits.maxReceivingBytes);
  return options.listeners.map(
    ({ kind }) =>
      new SmtpListener({
        kind,
        hostName,
        certificate,
        allowPlaintextLogin,
        limits,
        memory,
        clock,
        logger,
        login,
        resolve: (recipient) => directory.resolve(recipient),
        accept: (message) => acceptance.accept(message),
      }),
  );
}

function statusOf(directory: RecipientDirectory, ways: readonly Way[]): HubStatus {
  return {
    mailboxes: directory.mailboxCount,
    queues: ways.map(({ storageGroup, queue }) => ({ storageGroup, ...queue.status })),
  };
}
