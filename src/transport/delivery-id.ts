/**
 * Two sendings of the same bytes: a retry, or twice the same message? SMTP cannot say (RFC 1047), but the hub can know.
 * A client that never saw our 250 retries; one that saw it and sends again means it. So the delivery id is made from
 * what was sent (the fingerprint) and from how often the client is known to have seen a success for it (the
 * occurrence): a retry gets the same id, on any hub and after any restart, and the store takes it once.
 *
 * When a success counts as seen is read-proof.ts's question. A hub that restarted has forgotten all occurrences; then a
 * deliberate second sending of identical bytes is taken for a retry, which loses nothing that is not there already.
 */
import { ByteWriter } from '../base/bytes.ts';
import { sha256 } from '../base/checksum.ts';
import type { Clock } from '../base/clock.ts';
import { canonicalAddress } from '../mail/address.ts';
import { deliveryLimits } from '../mail/delivery.ts';
import { occurrenceLimits } from './limits.ts';

/** 32 bytes. The order and the spelling of recipients make no difference; every byte of the content does. */
export function fingerprintOf(sender: string, recipients: readonly string[], content: Uint8Array): Buffer {
  const keys = recipients.map(canonicalAddress).toSorted();
  const envelope = new ByteWriter(64 + 64 * keys.length).string(sender).varint(keys.length);
  for (const key of keys) envelope.string(key);
  return sha256(envelope.finish(), content);
}

export function deliveryIdOf(fingerprint: Buffer, occurrence: number): Buffer {
  const number = new ByteWriter(16).varint(occurrence).finish();
  return sha256(fingerprint, number).subarray(0, deliveryLimits.idBytes);
}

interface Occurrence {
  readonly count: number;
  readonly confirmedMs: number;
}

/** How often a success for a fingerprint has been seen by its client. The oldest are forgotten first. */
export class Occurrences {
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #confirmed = new Map<string, Occurrence>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#confirmed.size;
  }

  of(fingerprint: Buffer): number {
    return this.#confirmed.get(keyOf(fingerprint))?.count ?? 0;
  }

  /** The client has seen a success for this occurrence. A late word about an earlier one changes nothing. */
  confirm(fingerprint: Buffer, occurrence: number): void {
    if (this.of(fingerprint) !== occurrence) return;
    const key = keyOf(fingerprint);
    this.#confirmed.delete(key);
    this.#confirmed.set(key, { count: occurrence + 1, confirmedMs: this.#clock.monotonicMs() });
    this.#forget();
  }

  #forget(): void {
    const oldestMs = this.#clock.monotonicMs() - occurrenceLimits.maxAgeMs;
    for (const [key, { confirmedMs }] of this.#confirmed) {
      if (this.#confirmed.size <= occurrenceLimits.maxEntries && confirmedMs >= oldestMs) return;
      this.#confirmed.delete(key);
    }
  }
}

/** Half of the fingerprint tells 100,000 of them apart, at half of the memory. */
function keyOf(fingerprint: Buffer): string {
  return fingerprint.toString('latin1', 0, 16);
}
