/**
 * The port between a host's cluster service and one copy on that host. The copy's process implements `CopyControl`
 * (over IPC; in the simulator directly), and asks for what only the register can give through `CopyRequests`.
 */
import type { LogPosition, LossyTakeOver, ReplicationMode } from './register-document.ts';

/** Facts that the copy last reported; plain data. */
export interface CopyView {
  readonly state: 'starting' | 'passive' | 'active' | 'failed' | 'stopped';
  /** The highest epoch that it has stored durably, promised ones included (C2). */
  readonly epochSeen: number;
  /** End of its log: the LSN of the last record, inspected. */
  readonly endLsn: number;
  /** The last LSN that is synced here. */
  readonly durableLsn: number;
  /** Generation of the log file that holds durableLsn. */
  readonly generation: number;
  readonly copyQueueLength: number;
  readonly replayQueueLength: number;
  /** Why it is failed; of a passive copy also why it does not follow although it might lead. */
  readonly failedMessage: string | null;
  readonly seeding: boolean;
  readonly resynchronizing: boolean;
  readonly initializing: boolean;
  /** Its baseline is complete, its log verified and unbroken up to durableLsn: it could be made active. */
  readonly mayTakeOver: boolean;
  /** It comes from a backup, so it may lack what was acknowledged although its log reaches the hint. */
  readonly restored?: boolean;
}

/** What an activation stands on. */
export interface ActivationGrant {
  readonly epoch: number;
  /** Copies that every commit must reach, this host included. */
  readonly inSync: readonly string[];
  /** All that there are: in mode sync-strict each of them must have it. */
  readonly copies: readonly string[];
  readonly mode: ReplicationMode;
  /** At which records are written (format-level.ts). */
  readonly formatLevel: number;
  /**
   * The last takeover that may have lost records. If its epoch is above the last one in this copy's log, this activation
   * makes up for it: UIDNEXT moves on (C6), the dumpster is asked. (A run that died in between did not get to it.)
   */
  readonly lossy: LossyTakeOver | null;
  readonly previousActive: string | null;
}

/**
 * All may reject: the service logs it, and treats a copy that does not do as told as one that cannot serve. A copy that
 * is told about an epoch lower than one it knows refuses.
 */
export interface CopyControl {
  view(): CopyView;
  /**
   * C2, C4: store `epoch` durably as promised, and stop acknowledging records of lower ones. True when done. False when
   * the copy already knows a higher epoch or cannot store it.
   */
  fence(epoch: number): Promise<boolean>;
  /**
   * The change for which `epoch` was promised, and every earlier one, is known to have failed: acknowledge again from the
   * highest epoch on that was seen in use (by a record or an activation). Does nothing when a higher one was promised since.
   */
  unfence(epoch: number): Promise<void>;
  /** Become active, or stay active, under `grant.epoch`. Resolves when it serves. The lease is told apart and earlier. */
  activate(grant: ActivationGrant): Promise<void>;
  /**
   * A renewal is confirmed. `untilMs` is on this machine's monotonic clock; `wallOffsetMs` is wall clock minus monotonic
   * clock when the renewal was sent: if they differ by more than `clockJumpMs` at a later check, the lease counts as
   * expired (C7; LeaseHolder in lease.ts does it). Sent, not received: a pause may lie between.
   */
  leaseHeldUntil(untilMs: number, epoch: number, wallOffsetMs: number): void;
  /** What is durable in the register for this epoch (C1, C3). */
  inSyncChanged(epoch: number, inSync: readonly string[]): void;
  /**
   * Who has a copy of this storage group, as it was last seen: whom to follow, whose following to accept. It may never have been
   * decided, so it is no ground to commit without a copy that is in sync.
   */
  copiesChanged(copies: readonly string[]): void;
  /** Answer nothing more under `epoch`, close the clients' sessions, follow as a passive. Stepping down is always safe. */
  stepDown(epoch: number, reason: string): Promise<void>;
  /**
   * Planned move: take no more commands and resolve true when `target` holds everything durably; false when it does not
   * within `timeoutMs`. Answers that were promised still go out, under the lease.
   */
  drain(target: string, timeoutMs: number): Promise<boolean>;
  /** The move did not take place: take commands again under `epoch`. */
  resume(epoch: number): void;
}

/** 'unknown': it may or may not be durable; keep to what is safe both ways, and ask again. 'refused': it is not. */
export type RequestAnswer = 'changed' | 'refused' | 'unknown';

/** What a copy may ask of the cluster service. Each names the epoch it is active in; a lower one is refused. */
export interface CopyRequests {
  /** C3: commit without the others only after 'changed'. `inSync` is the smaller set, this host included. */
  requestShrink(storageGroup: string, epoch: number, inSync: readonly string[]): Promise<RequestAnswer>;
  /** C3: only after every commit already waits for the joiner, and the joiner holds everything. */
  requestGrow(storageGroup: string, epoch: number, joiner: string): Promise<RequestAnswer>;
  /** A committed position. Rides on the next renewal. */
  publishHint(storageGroup: string, epoch: number, hint: LogPosition): Promise<RequestAnswer>;
  /** Case 17: the copy answers nothing more; somebody else may take over at once. */
  giveUpLease(storageGroup: string, epoch: number, reason: string): Promise<RequestAnswer>;
}
