/**
 * Reads one message off a connection: to its end, whatever is wrong with it, so that what the client says next is
 * understood as commands and nothing else is. Only a client that goes far beyond the size limit is not heard out.
 */
import type { Readable } from 'node:stream';
import { ContentScanner } from '../mail/content.ts';
import type { ReceptionLimits } from './limits.ts';
import type { ReceivingMemory } from './receiving-memory.ts';

export type ReadMessage =
  | { readonly kind: 'message'; readonly bytes: Buffer; readonly receivedCount: number }
  | { readonly kind: 'unclean' | 'too-large' | 'no-memory' }
  /** The client is gone, or goes on and on: there is nobody to answer. */
  | { readonly kind: 'gone' | 'endless' };

export class MessageReader {
  readonly #scanner = new ContentScanner();
  readonly #limits: ReceptionLimits;
  readonly #memory: ReceivingMemory;
  #chunks: Buffer[] = [];
  #heldBytes = 0;
  #noMemory = false;

  constructor(limits: ReceptionLimits, memory: ReceivingMemory) {
    this.#limits = limits;
    this.#memory = memory;
  }

  /** Call `release` when the message is not needed any more. */
  read(stream: Readable): Promise<ReadMessage> {
    return new Promise((resolve) => {
      stream.on('data', (chunk: Buffer) => {
        this.#onChunk(chunk);
        if (this.#scanner.sizeBytes > this.#limits.maxMessageBytes + this.#limits.maxExcessBytes)
          resolve({ kind: 'endless' });
      });
      stream.on('end', () => resolve(this.#result()));
      stream.on('error', () => resolve({ kind: 'gone' }));
      stream.on('close', () => resolve({ kind: 'gone' }));
    });
  }

  release(): void {
    this.#memory.give(this.#heldBytes);
    this.#heldBytes = 0;
    this.#chunks = [];
  }

  #onChunk(chunk: Buffer): void {
    this.#scanner.add(chunk);
    if (this.#scanner.defect !== undefined || this.#isTooLarge() || this.#noMemory) return this.release();
    if (!this.#memory.take(chunk.length)) {
      this.#noMemory = true;
      return this.release();
    }
    this.#heldBytes += chunk.length;
    this.#chunks.push(chunk);
  }

  #isTooLarge(): boolean {
    return this.#scanner.sizeBytes > this.#limits.maxMessageBytes;
  }

  #result(): ReadMessage {
    this.#scanner.finish();
    if (this.#scanner.defect !== undefined) return { kind: 'unclean' };
    if (this.#isTooLarge()) return { kind: 'too-large' };
    if (this.#noMemory) return { kind: 'no-memory' };
    const bytes = Buffer.concat(this.#chunks);
    this.#chunks = [];
    return { kind: 'message', bytes, receivedCount: this.#scanner.receivedCount };
  }
}
