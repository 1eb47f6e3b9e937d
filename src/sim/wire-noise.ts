/**
 * What may become of a frame on its way (N9): a bit of it turns over, it comes twice, or behind the one that follows it.
 * TLS numbers and authenticates what it carries, so the receiver of any of these gives the connection up, and no frame
 * reaches anybody: here, a number and a checksum over both in their stead. Datagrams have no such help.
 */
import { crc32 } from 'node:zlib';
import type { Random } from '../base/random.ts';

const KINDS = ['altered', 'doubled', 'overtaken'] as const;

export type NoiseKind = (typeof KINDS)[number];

/** Of one direction between two hosts. */
export class WireNoise {
  readonly #random: Random;
  readonly #oneIn: number;
  readonly #kinds: readonly NoiseKind[];

  /** It befalls one frame in so many. */
  constructor(random: Random, oneIn: number, kinds: readonly NoiseKind[] = KINDS) {
    this.#random = random;
    this.#oneIn = oneIn;
    this.#kinds = kinds;
  }

  /** Of the next frame. */
  next(): NoiseKind | undefined {
    return this.#random.below(this.#oneIn) === 0 ? this.#kinds[this.#random.below(this.#kinds.length)] : undefined;
  }

  /** One bit turns over. */
  altered(bytes: Buffer): Buffer {
    const altered = Buffer.from(bytes);
    const at = this.#random.below(Math.max(1, bytes.length));
    if (bytes.length > 0) altered[at] = (altered[at] ?? 0) ^ (1 << this.#random.below(8));
    return altered;
  }

  /** How much later the datagram that is overtaken comes. */
  lateMs(): number {
    return this.#random.below(2_000);
  }
}

export function sealOf(number: number, frame: Buffer): number {
  return crc32(frame, number);
}
