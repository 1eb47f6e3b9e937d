/** Bugs that a simulation can be given, to prove that it would find them. */
import type { CopyControl, CopyRequests } from '../cluster/copy-control.ts';
import type { Register } from '../cluster/register.ts';
import type { LogDevice } from '../log/disk.ts';
import type { MailStore } from '../store/mail-store.ts';

/** Each wraps one port of one host's parts; what is absent is left as it is. */
export interface PlantedBug {
  readonly name: string;
  /** The bug in words: what a careless author would have done. */
  readonly what: string;
  /** Seeds, from 1 on, within which it must be found. */
  readonly budgetSeeds: number;
  readonly wrapDevice?: (device: LogDevice) => LogDevice;
  readonly wrapRegister?: (register: Register) => Register;
  readonly wrapRequests?: (requests: CopyRequests) => CopyRequests;
  readonly wrapControl?: (control: CopyControl) => CopyControl;
  readonly wrapStore?: (store: MailStore) => MailStore;
}

export const plantedBugs: readonly PlantedBug[] = [];
