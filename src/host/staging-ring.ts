/**
 * Places in a staging area that is used round and round: each taken behind the one before, given back oldest first. A
 * place is one piece; what does not fit before the area's end begins at its start.
 */
import { assert, present } from '../base/assert.ts';

interface Place {
  readonly from: number;
  readonly to: number;
}

export class StagingRing {
  readonly #sizeBytes: number;
  /** Oldest first. */
  readonly #taken: Place[] = [];

  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
  }

  /** Where `lengthBytes` begin now; `undefined`: there is no room until something is given back. */
  take(lengthBytes: number): number | undefined {
    assert(lengthBytes > 0 && lengthBytes <= this.#sizeBytes, `Not for this staging area: ${lengthBytes} bytes`);
    const from = this.#next(lengthBytes);
    if (from !== undefined) this.#taken.push({ from, to: from + lengthBytes });
    return from;
  }

  giveBackOldest(): void {
    present(this.#taken.shift(), 'Nothing is given back twice');
  }

  #next(lengthBytes: number): number | undefined {
    const [oldest] = this.#taken;
    const newest = this.#taken.at(-1);
    if (oldest === undefined || newest === undefined) return 0;
    const hasWrapped = newest.to <= oldest.from;
    if (hasWrapped) return newest.to + lengthBytes <= oldest.from ? newest.to : undefined;
    if (newest.to + lengthBytes <= this.#sizeBytes) return newest.to;
    return lengthBytes <= oldest.from ? 0 : undefined;
  }
}
