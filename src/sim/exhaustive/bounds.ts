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
