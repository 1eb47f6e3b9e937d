/**
 * Reads a stored vote, and remembers the last one: the vote is read before every request, and nearly always it is what
 * it was. Equal bytes are the same state; a changed byte is decoded, and checked, anew.
 */
import { decodeAcceptorState } from '../cluster/acceptor-codec.ts';
import type { AcceptorState } from '../cluster/acceptor-state.ts';

export class VoteDecoder {
  #last: { readonly bytes: Buffer; readonly state: AcceptorState } | undefined;

  /** Throws Problem('AcceptorDamaged'). */
  decode(bytes: Buffer): AcceptorState {
    if (this.#last?.bytes.equals(bytes) !== true) this.#last = { bytes, state: decodeAcceptorState(bytes) };
    return this.#last.state;
  }
}
