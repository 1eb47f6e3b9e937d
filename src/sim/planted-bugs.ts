/**
 * Bugs that a simulation can be given, to prove that it would find them. Each stands between two parts, at a port, and
 * does what a careless author would have done; nothing of it is reachable in production. A harness that no longer finds
 * one of them within its budget has gone blind there.
 */
import { sha256 } from '../base/checksum.ts';
import type { Clock } from '../base/clock.ts';
import type { CopyControl, CopyRequests } from '../cluster/copy-control.ts';
import type { Decide, Register } from '../cluster/register.ts';
import type { RegisterDocument, ReplicationMode } from '../cluster/register-document.ts';
import { defaultTiming } from '../cluster/timing.ts';
import type { LogDevice } from '../log/disk.ts';
import type { MailStore } from '../store/mail-store.ts';
import type { FaultKind } from './nemesis.ts';
import type { DiskTraits } from './simulated-disk.ts';

/** Each wraps one port of every host's parts; what is absent is left as it is. */
export interface PlantedBug {
  readonly name: string;
  /** The bug in words. */
  readonly what: string;
  /** Seeds, from 1 on, within which it must be found. */
  readonly budgetSeeds: number;
  /** The faults that bring it out, and the mode; without them a plan by chance, as for every seed. */
  readonly faults?: readonly FaultKind[];
  readonly mode?: ReplicationMode;
  readonly disk?: Partial<DiskTraits>;
  readonly clockJumpMs?: number;
  readonly wrapDevice?: (device: LogDevice) => LogDevice;
  readonly wrapRegister?: (register: Register) => Register;
  readonly wrapRequests?: (requests: CopyRequests) => CopyRequests;
  readonly wrapControl?: (control: CopyControl, clock: Clock) => CopyControl;
  readonly wrapStore?: (store: MailStore) => MailStore;
}

/** `target` with some of its methods replaced. */
function altered<T extends object>(target: T, changes: Partial<T>): T {
  return new Proxy(target, {
    get: (_target, name) => {
      const value: unknown = Reflect.get(Object.hasOwn(changes, name) ? changes : target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

const ignoreFailure = (): undefined => undefined;

function everybodyInSync(document: RegisterDocument | undefined): RegisterDocument | undefined {
  if (document === undefined) return undefined;
  const storageGroups = Object.fromEntries(
    Object.entries(document.storageGroups).map(([name, group]) => [
      name,
      group.epoch === 0 ? group : { ...group, inSync: group.copies },
    ]),
  );
  return { ...document, storageGroups };
}

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'acknowledges before the sync',
    what: 'the log writer reports success when the write has begun',
    budgetSeeds: 40,
    faults: ['slow disk', 'power loss', 'power loss of all', 'link between nodes cut'],
    mode: 'sync',
    wrapDevice: (device) =>
      altered(device, {
        append: (name, position, chunks) => {
          device.append(name, position, chunks).catch(ignoreFailure);
          return Promise.resolve();
        },
      }),
  },
  {
    name: 'sync failure ignored',
    what: 'an error of fdatasync counts as success',
    budgetSeeds: 30,
    faults: ['failing disk', 'power loss of all'],
    mode: 'sync',
    wrapDevice: (device) => {
      let isBroken = false;
      const fails = (): void => {
        isBroken = true;
      };
      return altered(device, {
        append: (name, position, chunks) =>
          isBroken ? Promise.resolve() : device.append(name, position, chunks).catch(fails),
      });
    },
  },
  {
    name: 'folders never synced',
    what: 'files are synced and renamed, their names are not',
    budgetSeeds: 10,
    faults: ['power loss of all', 'power loss'],
    mode: 'sync',
    disk: { forgetsFolderSyncs: true },
  },
  {
    name: 'votes in memory',
    what: 'an acceptor answers before its promise is durable',
    budgetSeeds: 10,
    faults: ['power loss of all', 'power loss'],
    mode: 'sync',
    disk: { neverSynced: 'cluster' },
  },
  {
    name: 'answers at once',
    what: 'the store does not wait for the commit',
    budgetSeeds: 5,
    wrapStore: (store) => altered(store, { settled: () => Promise.resolve() }),
  },
  {
    name: 'deduplication off',
    what: 'every attempt to deliver counts as another message',
    budgetSeeds: 20,
    wrapStore: (store) => {
      let attempts = 0;
      return altered(store, {
        deliver: (delivery) => {
          attempts += 1;
          const deliveryId = sha256(delivery.deliveryId, Buffer.from(String(attempts))).subarray(0, 16);
          return store.deliver({ ...delivery, deliveryId });
        },
      });
    },
  },
  {
    name: 'shrinks alone',
    what: 'the active copy takes another one out of the in-sync set without the register',
    budgetSeeds: 20,
    wrapRequests: (requests) => altered(requests, { requestShrink: () => Promise.resolve('changed') }),
  },
  {
    name: 'stale copy mounts',
    what: 'whoever takes over does not ask who is in sync',
    budgetSeeds: 60,
    wrapRegister: (register) =>
      altered(register, {
        change: (decide: Decide, options: { timeoutMs: number }) =>
          register.change((document) => decide(everybodyInSync(document)), options),
        peek: async (options: { timeoutMs: number }) => {
          const peeked = await register.peek(options);
          const document = everybodyInSync(peeked?.document);
          return peeked === undefined || document === undefined ? undefined : { ...peeked, document };
        },
      }),
  },
  {
    name: 'lease for ever',
    what: 'the active copy never doubts its lease',
    budgetSeeds: 60,
    faults: ['node cut off', 'freeze', 'stop'],
    mode: 'sync',
    wrapControl: (control) =>
      altered(control, {
        leaseHeldUntil: (_untilMs, epoch, offsetMs) => control.leaseHeldUntil(Number.MAX_SAFE_INTEGER, epoch, offsetMs),
      }),
  },
  {
    name: 'lease from receipt',
    what: 'the lease counts from the moment when its renewal was confirmed, not from when it was sent',
    budgetSeeds: 200,
    faults: ['slow node', 'node cut off', 'one way cut'],
    mode: 'sync',
    wrapControl: (control, clock) =>
      altered(control, {
        leaseHeldUntil: (_untilMs, epoch) =>
          control.leaseHeldUntil(
            clock.monotonicMs() + defaultTiming.leaseMs,
            epoch,
            clock.wallMs() - clock.monotonicMs(),
          ),
      }),
  },
  {
    name: 'pause unnoticed',
    what: 'nobody compares the clocks after the machine was frozen',
    budgetSeeds: 40,
    faults: ['freeze'],
    mode: 'sync',
    clockJumpMs: Number.MAX_SAFE_INTEGER,
  },
  {
    name: 'does not step down',
    what: 'a copy that lost its place goes on until its lease ends',
    budgetSeeds: 80,
    faults: ['move', 'one way cut'],
    mode: 'sync',
    wrapControl: (control) => altered(control, { stepDown: () => Promise.resolve() }),
  },
  {
    name: 'no gap of UIDs',
    what: 'a takeover that may have lost records gives their UIDs out again',
    budgetSeeds: 40,
    faults: ['link between nodes cut', 'power loss', 'node cut off'],
    mode: 'async',
    wrapControl: (control) => altered(control, { activate: (grant) => control.activate({ ...grant, lossy: null }) }),
  },
];
