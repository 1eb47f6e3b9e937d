/**
 * When is a record committed? Rule C1 of the protocol as a pure object: the active copy reports what is durable here,
 * every other copy reports what is durable there, and the commit point is the lowest of all whose word is required.
 *
 * Who is required is the subtle part. The in-sync set *as this copy knows it to be durable in the register*, plus every
 * copy that is joining, plus every copy whose joining or leaving has an unknown outcome: a copy that may be in the
 * recorded set may take over, so nothing may be acknowledged without it.
 */
import { assert } from '../base/assert.ts';
import type { CopyHosts } from './copy-hosts.ts';

export type ReplicationMode = 'sync' | 'sync-strict' | 'async';

export interface CommitPointOptions {
  readonly mode: ReplicationMode;
  readonly copies: CopyHosts;
  readonly inSync: readonly string[];
  /** Everything up to here was committed before this epoch began. */
  readonly startLsn: number;
}

export class CommitPoint {
  readonly #self: string;
  readonly #mode: ReplicationMode;
  readonly #copies: CopyHosts;
  #inSync: Set<string>;
  readonly #joining = new Set<string>();
  readonly #undecided = new Set<string>();
  readonly #durable = new Map<string, number>();
  #localDurable: number;
  #committed: number;

  constructor(options: CommitPointOptions) {
    const { self } = options.copies;
    assert(options.inSync.includes(self), 'The active copy is in its own in-sync set');
    this.#self = self;
    this.#mode = options.mode;
    this.#copies = options.copies;
    this.#inSync = new Set(options.inSync);
    this.#localDurable = options.startLsn;
    this.#committed = options.startLsn;
  }

  get committed(): number {
    return this.#committed;
  }

  get inSync(): readonly string[] {
    return [...this.#inSync];
  }

  isInSync(host: string): boolean {
    return this.#inSync.has(host);
  }

  isJoining(host: string): boolean {
    return this.#joining.has(host);
  }

  /** It may be in the recorded set or not; its word is required until the register has answered. */
  isUndecided(host: string): boolean {
    return this.#undecided.has(host);
  }

  durableAt(host: string): number {
    return host === this.#self ? this.#localDurable : (this.#durable.get(host) ?? 0);
  }

  /** The other copies without whose word nothing is committed. */
  required(): readonly string[] {
    if (this.#mode === 'async') return [];
    const required = new Set([...this.#inSync, ...this.#joining, ...this.#undecided]);
    if (this.#mode === 'sync-strict') for (const host of this.#copies.others) required.add(host);
    required.delete(this.#self);
    return [...required];
  }

  /** The required copies that hold the commit point back from `lsn`. */
  missing(lsn: number): readonly string[] {
    return this.required().filter((host) => this.durableAt(host) < lsn);
  }

  localDurable(lsn: number): boolean {
    assert(lsn >= this.#localDurable, 'What is durable here stays durable');
    this.#localDurable = lsn;
    return this.#advance();
  }

  remoteDurable(host: string, lsn: number): boolean {
    if (lsn > this.durableAt(host)) this.#durable.set(host, lsn);
    return this.#advance();
  }

  /** From now on the copy's word is required, although the register does not name it yet (C3). */
  startJoining(host: string): void {
    this.#joining.add(host);
  }

  /** A joining copy is gone before the register was asked to name it. */
  stopJoining(host: string): boolean {
    this.#joining.delete(host);
    return this.#advance();
  }

  /** A register change that adds or removes `host` is under way, or its outcome is unknown. */
  setUndecided(host: string): void {
    this.#undecided.add(host);
  }

  /** The register durably says this. */
  inSyncRecorded(hosts: readonly string[]): boolean {
    assert(hosts.includes(this.#self), 'The active copy is in its own in-sync set');
    this.#inSync = new Set(hosts);
    this.#undecided.clear();
    for (const host of hosts) this.#joining.delete(host);
    return this.#advance();
  }

  /** The list of copies has changed. */
  reconsider(): boolean {
    return this.#advance();
  }

  /** A copy whose disk is not the one that acknowledged before (it was seeded, or came back older). */
  forget(host: string): void {
    this.#durable.delete(host);
  }

  #advance(): boolean {
    let lowest = this.#localDurable;
    for (const host of this.required()) lowest = Math.min(lowest, this.durableAt(host));
    if (lowest <= this.#committed) return false;
    this.#committed = lowest;
    return true;
  }
}
