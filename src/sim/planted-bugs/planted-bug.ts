/**
 * A bug that a simulation can be given, to prove that it would find it. Each stands between two parts, at a port, and does
 * what a careless author would have done; nothing of it is reachable in production. A harness that no longer finds one of
 * them within its budget has gone blind there.
 */
import type { Clock } from '../../base/clock.ts';
import type { Network } from '../../base/network.ts';
import type { Acceptor } from '../../cluster/acceptor.ts';
import type { stepAcceptor } from '../../cluster/acceptor-state.ts';
import type { CopyControl, CopyRequests } from '../../cluster/copy-control.ts';
import type { Register } from '../../cluster/register.ts';
import type { ReplicationMode } from '../../cluster/register-document.ts';
import type { Serving } from '../../replication/copy.ts';
import type { CopyStorage } from '../../replication/copy-storage.ts';
import type { ReturnMail } from '../../replication/quarantine.ts';
import type { MailStore } from '../../store/mail-store.ts';
import type { QueueLimits } from '../../transport/limits.ts';
import type { FaultKind } from '../nemesis.ts';
import type { DiskTraits, SimulatedDisk } from '../simulated-disk.ts';
import type { SimulatedSoftware } from '../software.ts';

/** What a port knows of where it stands. */
export interface PortPlace {
  readonly host: string;
  /** Of the process on whose side the port is. */
  readonly clock: Clock;
}

/** Every port of a host at which a bug can stand; what is absent is left as it is. */
export interface BugPorts {
  readonly disk?: Partial<DiskTraits>;
  /** Of the hub's machine. */
  readonly hubDisk?: Partial<DiskTraits>;
  readonly hubLimits?: Partial<QueueLimits>;
  readonly network?: { readonly isUnsealed: boolean };
  readonly clockJumpMs?: number;
  readonly wrapClock?: (clock: Clock) => Clock;
  /** The rules by which every vote answers. */
  readonly wrapStep?: (step: typeof stepAcceptor) => typeof stepAcceptor;
  /** The votes as the register of `host` asks them. */
  readonly wrapAcceptors?: (acceptors: readonly Acceptor[], host: string) => readonly Acceptor[];
  readonly wrapRegister?: (register: Register, place: PortPlace) => Register;
  readonly wrapRequests?: (requests: CopyRequests) => CopyRequests;
  readonly wrapControl?: (control: CopyControl, place: PortPlace) => CopyControl;
  /** What a copy takes its software to know. */
  readonly wrapFormats?: (formats: SimulatedSoftware) => SimulatedSoftware;
  /** Everything that a copy keeps; the machine's disk beneath it is handed along. */
  readonly wrapStorage?: (storage: CopyStorage, disk: SimulatedDisk) => CopyStorage;
  /** The network as the copy's process uses it. */
  readonly wrapNetwork?: (network: Network) => Network;
  /** What a copy tells the hub and the access role of its activation. */
  readonly wrapServing?: (serving: Serving) => Serving;
  /** How mail goes back from a copy's quarantine. */
  readonly wrapReturn?: (returnMail: ReturnMail) => ReturnMail;
  /** The store as its clients use it, anew for every activation. */
  readonly wrapStore?: (store: MailStore) => MailStore;
}

export interface PlantedBug {
  readonly name: string;
  /** The bug in words. */
  readonly what: string;
  /** What it breaks: a rule of docs/protocol.md, or an invariant of docs/invariants.md. */
  readonly breaks: string;
  /** Seeds, from 1 on, within which it must be found. */
  readonly budgetSeeds: number;
  /** The faults that bring it out, and the mode; without them a plan by chance, as for every seed. */
  readonly faults?: readonly FaultKind[];
  readonly mode?: ReplicationMode;
  /** It shows where only the smallest core is left (smallest-core.ts). */
  readonly livesInCore?: boolean;
  readonly ports: BugPorts;
}

/** The same world without the bug: what is found there was not found because of it. */
export function withoutBug(bug: PlantedBug): PlantedBug {
  return { ...bug, ports: {} };
}

/** `target` with some of its members replaced. */
export function altered<T extends object>(target: T, changes: Partial<T>): T {
  return new Proxy(target, {
    get: (_target, name) => {
      const value: unknown = Reflect.get(Object.hasOwn(changes, name) ? changes : target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
