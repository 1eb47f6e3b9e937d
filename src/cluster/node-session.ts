/**
 * One run of a host in the register: its incarnation, its lease numbers, and every change it makes. Whatever a change
 * proves to be in the register is handed on, in order, before the change's caller goes on.
 */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Problem } from '../base/problem.ts';
import { type NodeClaim, startNode } from './changes.ts';
import { type SoftwareFormats, unreadableLevel } from './format-level.ts';
import { type ClockReading, readClock } from './lease.ts';
import type { ChangeOutcome, Register } from './register.ts';
import { member, type RegisterDocument } from './register-document.ts';

export interface NodeSessionOptions {
  readonly host: string;
  readonly register: Register;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timeoutMs: number;
  /** A document that was certainly the register's, never older than the one before. */
  readonly onChosen: (document: RegisterDocument) => void;
  readonly onSuperseded: () => void;
  readonly formats: SoftwareFormats;
  /** The cluster writes what this run's software does not read: it does nothing more (C11). */
  readonly onUnfit: (problem: Problem) => void;
}

export class NodeSession {
  readonly host: string;
  readonly #options: NodeSessionOptions;
  #incarnation: number | undefined;
  #lease = 0;
  #chosenVersion = 0;
  #isSuperseded = false;
  #isUnfit = false;

  constructor(options: NodeSessionOptions) {
    this.host = options.host;
    this.#options = options;
  }

  get isJoined(): boolean {
    return this.#incarnation !== undefined && !this.#isSuperseded && !this.#isUnfit;
  }

  get isSuperseded(): boolean {
    return this.#isSuperseded;
  }

  isCurrentIn(document: RegisterDocument): boolean {
    return member(document.nodes, this.host)?.incarnation === this.#incarnation;
  }

  /** Draws an incarnation. Tried again until it is known which one: until then this run does nothing else. */
  async join(): Promise<void> {
    const drawn = new Set<number>();
    const outcome = await this.change((document) => {
      const joined = startNode(document, this.host, this.#options.formats);
      if (joined !== undefined) drawn.add(joined.nodes[this.host]?.incarnation ?? 0);
      return joined;
    });
    if (outcome.kind !== 'changed') return;
    const incarnation = member(outcome.document.nodes, this.host)?.incarnation ?? 0;
    if (!drawn.has(incarnation)) {
      this.#supersede();
      return;
    }
    this.#incarnation = incarnation;
    this.#options.logger.info({ incarnation }, 'joined the cluster');
  }

  async change(decide: (document: RegisterDocument) => RegisterDocument | undefined): Promise<ChangeOutcome> {
    const { register, timeoutMs } = this.#options;
    const outcome = await register.change((document) => document && decide(document), { timeoutMs });
    const document = documentOf(outcome);
    if (document !== undefined) this.#chosen(document);
    return outcome;
  }

  leaseDraws(): LeaseDraws {
    return new LeaseDraws(
      () => ({ host: this.host, incarnation: this.#incarnation ?? 0, lease: ++this.#lease }),
      this.#options.clock,
    );
  }

  #chosen(document: RegisterDocument): void {
    if (document.version < this.#chosenVersion) return;
    this.#chosenVersion = document.version;
    const unreadable = unreadableLevel(document, this.host, this.#options.formats);
    if (unreadable !== undefined) return this.#leave(unreadable);
    if (this.#incarnation === undefined || this.isCurrentIn(document)) this.#options.onChosen(document);
    else this.#supersede();
  }

  #leave(problem: Problem): void {
    if (this.#isUnfit) return;
    this.#isUnfit = true;
    this.#options.logger.error({ code: problem.code, reason: problem.message }, 'this host leaves the cluster');
    this.#options.onUnfit(problem);
  }

  #supersede(): void {
    if (this.#isSuperseded) return;
    this.#isSuperseded = true;
    this.#options.logger.error({ incarnation: this.#incarnation }, 'another run of this host has joined the cluster');
    this.#options.onSuperseded();
  }
}

/**
 * The lease numbers that one change tried, each drawn once and never again, with the moment it was drawn: before anybody
 * can have seen it. Which of them took effect, and so from when the lease counts, shows in the document.
 */
export class LeaseDraws {
  readonly #draw: () => NodeClaim;
  readonly #clock: Clock;
  readonly #readings = new Map<number, ClockReading>();

  constructor(draw: () => NodeClaim, clock: Clock) {
    this.#draw = draw;
    this.#clock = clock;
  }

  next(): NodeClaim {
    const claim = this.#draw();
    this.#readings.set(claim.lease, readClock(this.#clock));
    return claim;
  }

  readingIn(document: RegisterDocument, host: string): ClockReading | undefined {
    return this.#readings.get(member(document.nodes, host)?.lease ?? -1);
  }
}

export function documentOf(outcome: ChangeOutcome): RegisterDocument | undefined {
  return outcome.kind === 'changed' || outcome.kind === 'unchanged' ? outcome.document : undefined;
}
