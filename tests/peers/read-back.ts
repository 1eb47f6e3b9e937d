/** One client reads its mailboxes and is compared with what was sent. */
import type { Demo } from '../support/demo.ts';
import { compareMail } from './compare-mail.ts';
import type { ReadingClient } from './reading-clients.ts';

export interface ReadBack {
  /** Messages that were sent to the mailboxes that were read. */
  readonly sent: number;
  readonly equal: number;
  /** One line each. */
  readonly faults: readonly string[];
  readonly seconds: number;
}

export async function readBack(
  client: ReadingClient,
  demo: Demo,
  sentByMailbox: ReadonlyMap<string, readonly Buffer[]>,
): Promise<ReadBack> {
  const startMs = performance.now();
  const faults: string[] = [];
  let sent = 0;
  let equal = 0;
  for (const account of demo.description.users.slice(0, client.mailboxes)) {
    const expected = sentByMailbox.get(account.address) ?? [];
    const { compared, missing, strange } = compareMail(expected, await client.read(demo, account), client.habits);
    sent += expected.length;
    equal += compared;
    faults.push(...missing.map((message) => `${account.address}: not read: ${message}`));
    faults.push(...strange.map((message) => `${account.address}: read, and not sent: ${message}`));
  }
  return { sent, equal, faults, seconds: (performance.now() - startMs) / 1000 };
}
