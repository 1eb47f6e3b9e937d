/**
 * Has the client read our success? Until it has, a broken connection makes it send the message again, and that must
 * not become a second one. TCP does not tell; what the client does next does:
 *
 *  - A command that reaches us after the reply had left was, for a client that waits for replies, written by someone
 *    who had read it.
 *  - But RFC 2920 lets a client write its next commands right behind the message, unseen. A connection on which that
 *    was noticed proves nothing by commands; only message bytes that come after our 354 do, for nobody sends a message
 *    without having read that, and with it everything before it.
 *
 * Times are counts of bytes read from the socket: what was read before the reply was written cannot have been an answer to it.
 */
import type { Receipt } from './acceptance.ts';

export class ReadProof {
  #receipt: Receipt | undefined;
  #bytesReadAtReply = 0;
  #pipelined = false;
  #bytesReadAtPrompt = 0;

  /** A success leaves now. One that is still unproven is superseded: it will not be proven any better. */
  onSuccess(receipt: Receipt, bytesRead: number): void {
    this.#receipt = receipt;
    this.#bytesReadAtReply = bytesRead;
    this.#pipelined = false;
  }

  onCommand(bytesRead: number): void {
    if (this.#receipt === undefined || this.#pipelined) return;
    if (bytesRead > this.#bytesReadAtReply) this.#seen();
    else this.#pipelined = true;
  }

  /** 354 leaves now. */
  onPrompt(bytesRead: number): void {
    this.#bytesReadAtPrompt = bytesRead;
  }

  /** The first bytes of a message. */
  onMessageBytes(bytesRead: number): void {
    if (bytesRead > this.#bytesReadAtPrompt) this.#seen();
  }

  #seen(): void {
    this.#receipt?.seen();
    this.#receipt = undefined;
  }
}
