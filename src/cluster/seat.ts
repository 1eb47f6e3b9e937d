/** What a host's cluster service knows about one of its copies. */
import type { ActivationGrant, CopyControl } from './copy-control.ts';
import { LeaseWatcher } from './lease.ts';
import { member, type RegisterDocument } from './register-document.ts';
import type { TakeOverFacts } from './take-over.ts';

export class Seat {
  readonly storageGroup: string;
  readonly control: CopyControl;
  readonly watcher = new LeaseWatcher();
  /** Set while this run leads the group: from the moment the register says so until it stepped down. */
  active: ActivationGrant | undefined;
  /** A takeover or a move is under way; nothing else is begun. */
  isBusy = false;
  /** Outcome of a takeover that is not known: it stays fenced at this epoch. */
  unsettledEpoch: number | undefined;
  /** The last epoch that was settled: asking once more would bring nothing new. */
  settledEpoch = 0;
  /** Before this time others may lead, not this host. */
  abstainUntilMs = Number.NEGATIVE_INFINITY;
  /** Since when the register has named this host while nothing runs here. */
  ownedIdleSinceMs: number | undefined;
  /** Why nothing happens, for the status. */
  waitReason: string | undefined;
  isDetached = false;
  /** Who has a copy, as it was told last. */
  #toldCopies = '';

  constructor(storageGroup: string, control: CopyControl) {
    this.storageGroup = storageGroup;
    this.control = control;
  }

  async whileBusy<T>(work: () => Promise<T>): Promise<T> {
    this.isBusy = true;
    try {
      return await work();
    } finally {
      this.isBusy = false;
    }
  }

  /**
   * A copy that has promised an epoch which the register does not know (its host died over a takeover) refuses its
   * active for ever, unless somebody finds out that the takeover came to nothing.
   */
  notePromise(document: RegisterDocument): void {
    const epoch = this.control.view().epochSeen;
    const known = member(document.storageGroups, this.storageGroup)?.epoch ?? epoch;
    if (this.active === undefined && epoch > known && epoch > this.settledEpoch) this.unsettledEpoch ??= epoch;
  }

  tellCopies(document: RegisterDocument): void {
    const copies = member(document.storageGroups, this.storageGroup)?.copies;
    if (copies === undefined || copies.join('\n') === this.#toldCopies) return;
    this.#toldCopies = copies.join('\n');
    this.control.copiesChanged(copies);
  }

  noteOwner(document: RegisterDocument, host: string, nowMs: number): void {
    const isOwned = member(document.storageGroups, this.storageGroup)?.active === host;
    if (!isOwned || this.active !== undefined) this.ownedIdleSinceMs = undefined;
    else this.ownedIdleSinceMs ??= nowMs;
  }

  facts(document: RegisterDocument, host: string, nowMs: number): TakeOverFacts {
    return {
      host,
      storageGroup: this.storageGroup,
      document,
      view: this.control.view(),
      stoodStillMs: this.watcher.stoodStillForMs(nowMs),
      ownedIdleMs: this.ownedIdleSinceMs === undefined ? 0 : nowMs - this.ownedIdleSinceMs,
      isAbstaining: nowMs < this.abstainUntilMs,
    };
  }
}
