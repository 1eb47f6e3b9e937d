/**
 * Hints on their way into the register. They ride on the renewals, which go out anyway: only the newest of a storage
 * group is kept, and everybody who asked learns what became of it.
 */
import { type Deferred, deferred } from '../base/deferred.ts';
import { publishHint } from './changes.ts';
import type { RequestAnswer } from './copy-control.ts';
import { type LogPosition, member, type RegisterDocument } from './register-document.ts';

interface PendingHint {
  readonly storageGroup: string;
  readonly epoch: number;
  readonly hint: LogPosition;
  readonly answer: Deferred<RequestAnswer>;
}

export class HintBoard {
  readonly #host: string;
  #pending = new Map<string, PendingHint>();

  constructor(host: string) {
    this.#host = host;
  }

  post(storageGroup: string, epoch: number, hint: LogPosition): Promise<RequestAnswer> {
    const before = this.#pending.get(storageGroup);
    const answer = before?.epoch === epoch ? before.answer : deferred<RequestAnswer>();
    if (before !== undefined && before.epoch !== epoch) before.answer.resolve('refused');
    const isNewer = before?.epoch !== epoch || hint.lsn > before.hint.lsn;
    this.#pending.set(storageGroup, { storageGroup, epoch, hint: isNewer ? hint : before.hint, answer });
    return answer.promise;
  }

  /** Takes everything off the board; `settle` the batch when its change has ended. */
  take(): HintBatch {
    const batch = new HintBatch(this.#host, [...this.#pending.values()]);
    this.#pending = new Map();
    return batch;
  }
}

export class HintBatch {
  readonly #host: string;
  readonly #hints: readonly PendingHint[];

  constructor(host: string, hints: readonly PendingHint[]) {
    this.#host = host;
    this.#hints = hints;
  }

  changes(): ((document: RegisterDocument) => RegisterDocument | undefined)[] {
    return this.#hints.map(
      ({ storageGroup, epoch, hint }) =>
        (document) =>
          publishHint(document, { storageGroup, host: this.#host, epoch, hint }),
    );
  }

  /** `document`: what the register holds now; undefined when that is not known. */
  settle(document: RegisterDocument | undefined): void {
    for (const { storageGroup, epoch, hint, answer } of this.#hints) {
      if (document === undefined) answer.resolve('unknown');
      else {
        const group = member(document.storageGroups, storageGroup);
        const isThere = group?.active === this.#host && group.epoch === epoch && group.hint.lsn >= hint.lsn;
        answer.resolve(isThere ? 'changed' : 'refused');
      }
    }
  }
}
