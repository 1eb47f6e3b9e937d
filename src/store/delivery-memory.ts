/**
 * What the database remembers of a delivery: when it was accepted, and which mailboxes have it. Planning asks it so as
 * not to deliver twice; applying keeps it. Both use the same rule, and the rule looks at no clock, only at the two
 * times of acceptance: a copy that replays a year later decides the same.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { DUPLICATE_WINDOW_MS } from './limits.ts';
import type { KnownDelivery } from './queries.ts';

/** The mailboxes that already have the message of an attempt accepted at `acceptedMs`. */
export function mailboxesServed(known: KnownDelivery | undefined, acceptedMs: number): Set<number> {
  const served = new Set<number>();
  if (known === undefined || Math.abs(known.acceptedMs - acceptedMs) > DUPLICATE_WINDOW_MS) return served;
  const reader = new ByteReader(known.mailboxes);
  while (reader.remaining > 0) served.add(reader.varint());
  return served;
}

export function encodeMailboxes(mailboxIds: Iterable<number>): Buffer {
  const writer = new ByteWriter(32);
  for (const id of [...mailboxIds].sort((a, b) => a - b)) writer.varint(id);
  return writer.finish();
}
