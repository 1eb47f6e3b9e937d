/**
 * What the clients did and what they were told: the oracle. An operation was acknowledged (then its effect is there, once,
 * for ever), refused (then it is not there and never will be), or its outcome is unknown (then it is there at most once).
 */
import { INBOX } from '../mail/mailbox-name.ts';

export type Outcome = 'open' | 'acknowledged' | 'refused' | 'unknown';

export interface Operation {
  /** `mail`: through the hub, whose queue may hold it for a while after the acknowledgement. */
  readonly kind: 'delivery' | 'mail' | 'append';
  readonly number: number;
  /** Of the message's bytes, hex: how it is recognised. */
  readonly sha256: string;
  readonly startedMs: number;
  outcome: Outcome;
  endedMs: number | undefined;
  readonly fate: Fate;
}

/** What sessions did to a message. While one changes it, and for ever after an unknown outcome, nobody else does. */
export interface Fate {
  isTaken: boolean;
  /** Folders of which one holds it. */
  places: readonly string[];
  /** Perhaps more than once; its first UID may be gone. */
  wasMoved: boolean;
  expunged: 'no' | 'maybe' | 'yes';
  /** Once: a loss may have undone it, and the next loss undone that. */
  wasExpunged: boolean;
  isFlagged: boolean;
  /** When the last of these changes was acknowledged. */
  changedMs: number;
}

export interface Sighting {
  readonly folder: string;
  readonly uidValidity: number;
  readonly uid: number;
  readonly sha256: string;
}

export class History {
  readonly operations: Operation[] = [];
  /** Folders whose making was acknowledged, and when. */
  readonly folders: { readonly name: string; readonly atMs: number }[] = [];
  /** What somebody was shown, under which UID. */
  readonly seen: Sighting[] = [];
  readonly #byHash = new Map<string, Operation>();

  begin(kind: Operation['kind'], sha256: string, nowMs: number): Operation {
    const operation: Operation = {
      kind,
      number: this.operations.length + 1,
      sha256,
      startedMs: nowMs,
      outcome: 'open',
      endedMs: undefined,
      fate: {
        isTaken: false,
        places: [INBOX],
        wasMoved: false,
        expunged: 'no',
        wasExpunged: false,
        isFlagged: false,
        changedMs: 0,
      },
    };
    this.operations.push(operation);
    this.#byHash.set(sha256, operation);
    return operation;
  }

  end(operation: Operation, outcome: Outcome, nowMs: number): void {
    operation.outcome = outcome;
    operation.endedMs = nowMs;
  }

  bySha256(sha256: string): Operation | undefined {
    return this.#byHash.get(sha256);
  }

  count(outcome: Outcome): number {
    return this.operations.filter((operation) => operation.outcome === outcome).length;
  }
}
