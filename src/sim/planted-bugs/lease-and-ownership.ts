/** Planted bugs of ownership: who may act, for how long, and who may take over with what. */
import type { Clock } from '../../base/clock.ts';
import type { Register } from '../../cluster/register.ts';
import type { AutoDatabaseMountDial, NodeRecord, RegisterDocument } from '../../cluster/register-document.ts';
import { defaultTiming } from '../../cluster/timing.ts';
import type { MailStore } from '../../store/mail-store.ts';
import { altered, type PlantedBug, type PortPlace } from './planted-bug.ts';
import { rewritten, rewrittenGroups, shown, shownGroups, withoutHint } from './register-changes.ts';

const DAY_MS = 86_400_000;

/** The renewals of other hosts look like the first one, however many there were. */
function withoutRenewals(register: Register, { host }: PortPlace): Register {
  const first = new Map<string, NodeRecord>();
  const still = (name: string, node: NodeRecord): NodeRecord => {
    const key = `${name}/${node.incarnation}`;
    const known = name === host ? node : (first.get(key) ?? node);
    if (name !== host) first.set(key, known);
    return known;
  };
  const show = (document: RegisterDocument): RegisterDocument => {
    const nodes = Object.entries(document.nodes).map(([name, node]) => [name, still(name, node)] as const);
    return { ...document, nodes: Object.fromEntries(nodes) };
  };
  const kept = rewritten(register, (before, after) => {
    const own = after.nodes[host];
    return { ...after, nodes: { ...before.nodes, ...(own === undefined ? {} : { [host]: own }) } };
  });
  return shown(kept, show);
}

/** Nobody who looks at the register learns what loss the administrators tolerate; what it holds stays. */
function withoutDial(register: Register): Register {
  const kept = rewritten(register, (before, after) => ({
    ...after,
    clusteredMailboxServers: before.clusteredMailboxServers,
  }));
  return shown(kept, (document) => {
    const servers = Object.entries(document.clusteredMailboxServers);
    const tolerant = servers.map(([name, record]) => [name, { ...record, autoDatabaseMountDial: TOLERANT }] as const);
    return { ...document, clusteredMailboxServers: Object.fromEntries(tolerant) };
  });
}

const TOLERANT: AutoDatabaseMountDial = 'BestAvailability';

/** Looks at the lease only when there is something to wait for anyhow. */
function readsWithoutLease(store: MailStore): MailStore {
  let open = 0;
  const counted =
    <A extends unknown[], R>(change: (...given: A) => Promise<R>) =>
    (...given: A): Promise<R> => {
      open += 1;
      return change(...given);
    };
  return altered(store, {
    deliver: counted((delivery) => store.deliver(delivery)),
    append: counted((folderId, messages) => store.append(folderId, messages)),
    changeFlags: counted((folderId, uids, change) => store.changeFlags(folderId, uids, change)),
    createMailbox: counted((request) => store.createMailbox(request)),
    settled: async () => {
      if (open === 0) return;
      await store.settled();
      open = 0;
    },
  });
}

export const leaseBugs: readonly PlantedBug[] = [
  {
    name: 'lease for ever',
    what: 'the active copy never doubts its lease',
    breaks: 'S5',
    budgetSeeds: 40,
    faults: ['node cut off', 'freeze', 'stop'],
    mode: 'sync',
    ports: {
      wrapControl: (control, { clock }) =>
        altered(control, {
          leaseHeldUntil: (_untilMs, epoch, offsetMs) =>
            control.leaseHeldUntil(clock.monotonicMs() + DAY_MS, epoch, offsetMs),
        }),
    },
  },
  {
    name: 'lease from receipt',
    what: 'the lease counts from the moment when its renewal was confirmed, not from when it was sent',
    breaks: 'C7',
    budgetSeeds: 20,
    faults: ['slow node', 'node cut off', 'one way cut'],
    mode: 'sync',
    ports: {
      wrapControl: (control, { clock }) =>
        altered(control, {
          leaseHeldUntil: (_untilMs, epoch) => {
            const nowMs = clock.monotonicMs();
            control.leaseHeldUntil(nowMs + defaultTiming.leaseMs, epoch, clock.wallMs() - nowMs);
          },
        }),
    },
  },
  {
    name: 'pause unnoticed',
    what: 'nobody compares the clocks after the machine was frozen',
    breaks: 'C7',
    budgetSeeds: 20,
    faults: ['freeze'],
    mode: 'sync',
    ports: { clockJumpMs: Number.MAX_SAFE_INTEGER },
  },
  {
    name: 'times by the wall clock',
    what: 'lease and grace are measured on the clock that people set',
    breaks: 'S6',
    budgetSeeds: 20,
    faults: ['clock set', 'node cut off'],
    mode: 'sync',
    ports: { wrapClock: (clock: Clock) => altered(clock, { monotonicMs: () => clock.wallMs() }) },
  },
  {
    name: 'reads without the lease',
    what: 'a question is answered without a look at the lease when nothing is left to commit',
    breaks: 'S5',
    budgetSeeds: 40,
    faults: ['node cut off', 'stop', 'freeze'],
    mode: 'sync',
    ports: { wrapStore: readsWithoutLease },
  },
  {
    name: 'does not step down',
    what: 'a copy that lost its place goes on until its lease ends',
    breaks: 'S4',
    budgetSeeds: 20,
    faults: ['node cut off', 'move'],
    mode: 'sync',
    ports: { wrapControl: (control) => altered(control, { stepDown: () => Promise.resolve() }) },
  },
  {
    name: 'watcher sees no renewals',
    what: 'whoever watches takes a living owner for one that stands still',
    breaks: 'S5',
    budgetSeeds: 20,
    mode: 'sync',
    ports: { wrapRegister: withoutRenewals },
  },
];

export const ownershipBugs: readonly PlantedBug[] = [
  {
    name: 'stale copy mounts',
    what: 'whoever takes over does not ask who is in sync',
    breaks: 'S7',
    budgetSeeds: 40,
    ports: {
      wrapRegister: (register) =>
        shownGroups(register, (group) => (group.epoch === 0 ? group : { ...group, inSync: group.copies })),
    },
  },
  {
    name: 'empty disk leads',
    what: 'a copy whose disk is new takes its empty log for the whole one',
    breaks: 'C10',
    budgetSeeds: 40,
    faults: ['copy disk lost', 'slow link'],
    mode: 'sync',
    ports: {
      wrapRegister: withoutHint,
      wrapControl: (control) =>
        altered(control, {
          view: () => {
            const view = control.view();
            return { ...view, durableLsn: Math.max(1, view.durableLsn) };
          },
        }),
    },
  },
  {
    name: 'restored copy leads',
    what: 'a copy that comes from a backup takes it for the whole, because the register still names it in sync',
    breaks: 'S3',
    budgetSeeds: 40,
    faults: ['copy restored', 'slow link'],
    mode: 'sync',
    ports: {
      wrapRegister: withoutHint,
      wrapControl: (control) => altered(control, { view: () => ({ ...control.view(), restored: false }) }),
    },
  },
  {
    name: 'dial ignored',
    what: 'whoever takes over tolerates as many missing log files as the highest dial, whatever is set',
    breaks: 'S7',
    budgetSeeds: 40,
    faults: ['activated by force', 'mount policy set'],
    mode: 'async',
    ports: { wrapRegister: withoutDial },
  },
  {
    name: 'move without drain',
    what: 'a planned move does not wait until the target holds everything',
    breaks: 'C10',
    budgetSeeds: 40,
    faults: ['move', 'slow link'],
    mode: 'sync',
    ports: { wrapControl: (control) => altered(control, { drain: () => Promise.resolve(true) }) },
  },
  {
    name: 'hint never published',
    what: 'the register does not learn how far the log has come',
    breaks: 'S11',
    budgetSeeds: 5,
    mode: 'sync',
    ports: { wrapRequests: (requests) => altered(requests, { publishHint: () => Promise.resolve('changed') }) },
  },
  {
    name: 'hint ahead of the log',
    what: 'the active copy publishes an end that its log has not reached',
    breaks: 'S11',
    budgetSeeds: 10,
    faults: ['kill', 'copy killed'],
    mode: 'sync',
    ports: {
      wrapRequests: (requests) =>
        altered(requests, {
          publishHint: (storageGroup, epoch, hint) =>
            requests.publishHint(storageGroup, epoch, { ...hint, lsn: hint.lsn + 1_000 }),
        }),
    },
  },
  {
    name: 'loss not recorded',
    what: 'a takeover that may lose records does not say so',
    breaks: 'S7',
    budgetSeeds: 40,
    faults: ['link between nodes cut', 'power loss', 'node cut off'],
    mode: 'async',
    ports: {
      wrapRegister: (register) =>
        rewrittenGroups(register, (_before, after) => {
          const { lossy: _forgotten, ...silent } = after;
          return silent;
        }),
    },
  },
  {
    name: 'no gap of UIDs',
    what: 'a takeover that may have lost records gives their UIDs out again',
    breaks: 'M2',
    budgetSeeds: 20,
    faults: ['link between nodes cut', 'power loss', 'node cut off'],
    mode: 'async',
    ports: {
      wrapControl: (control) => altered(control, { activate: (grant) => control.activate({ ...grant, lossy: null }) }),
    },
  },
];
