/** How far the search goes. The world begins in epoch 1, with a register that was last written under ballot 1. */

export interface Bounds {
  /** The search begins in epoch 1. */
  readonly epochs: number;
  /** Records that clients add. */
  readonly records: number;
  /** Of either host. */
  readonly crashes: number;
  /** Changes by the owner that have nothing to do with the in-sync set, but compete with those that have. */
  readonly renewals: number;
  /** Highest ballot counter; the register was last written under 1. */
  readonly ballots: number;
  /** Accepts of each host that are under way after nobody waits for them any more; more are lost. */
  readonly strays: number;
  /** A prepare reaches two votes in one step, or none: far fewer worlds, and only the interleavings within it are lost. */
  readonly isPrepareWhole: boolean;
  /** Records lie in the log for a while before they are synced. */
  readonly isSyncSlow: boolean;
}

/** Searched to the end in seconds. */
export const smallBounds: Bounds = {
  epochs: 2,
  records: 1,
  crashes: 0,
  renewals: 0,
  ballots: 2,
  strays: 1,
  isPrepareWhole: true,
  isSyncSlow: false,
};

/** Each stretches the small bounds in one direction. The last ones are too large for an end: as far as the limit goes. */
export const largerBounds: readonly { readonly name: string; readonly bounds: Bounds }[] = [
  { name: 'small', bounds: smallBounds },
  { name: 'slow disks, two records', bounds: { ...smallBounds, records: 2, isSyncSlow: true } },
  { name: 'a renewal', bounds: { ...smallBounds, renewals: 1 } },
  { name: 'prepares one by one', bounds: { ...smallBounds, isPrepareWhole: false } },
  { name: 'a crash', bounds: { ...smallBounds, crashes: 1 } },
  { name: 'retries', bounds: { ...smallBounds, ballots: 3, strays: 0 } },
  {
    name: 'two crashes, three epochs',
    bounds: { ...smallBounds, epochs: 3, records: 2, crashes: 2, renewals: 1, ballots: 4, strays: 2, isSyncSlow: true },
  },
];
