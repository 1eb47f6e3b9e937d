/** The demo's users: those that are missing are made by New-Mailbox, like any mailbox. */
import { isProblem } from '../../base/problem.ts';
import type { AdminClient } from '../admin-client.ts';
import { demoLimits } from './limits.ts';
import { forEachAtATime, untilDone } from './patience.ts';
import { PASSWORD, userAddress } from './specification.ts';

const RETRY = { withinMs: demoLimits.mailRetryMs, pauseMs: demoLimits.mailRetryPauseMs };

/** Addresses of user1 to userN, all of which exist afterwards. */
export async function makeUsers(client: AdminClient, count: number): Promise<readonly string[]> {
  const wanted = Array.from({ length: count }, (_, index) => userAddress(index + 1));
  const existing = await existingAddresses(client);
  const missing = wanted.filter((address) => !existing.has(address));
  await forEachAtATime(missing, demoLimits.usersAtATime, (address) => makeUser(client, address));
  return wanted;
}

async function existingAddresses(client: AdminClient): Promise<ReadonlySet<string>> {
  const request = { command: 'Get-Mailbox', parameters: { ResultSize: 1_000_000 } };
  const { rows } = await untilDone(() => client.run(request), RETRY);
  return new Set(rows.map((row) => String(row['PrimarySmtpAddress'])));
}

async function makeUser(client: AdminClient, address: string): Promise<void> {
  const displayName = `User ${/\d+/.exec(address)?.[0] ?? ''}`;
  const parameters = { Identity: address, DisplayName: displayName, Password: PASSWORD };
  try {
    await untilDone(() => client.run({ command: 'New-Mailbox', parameters }), RETRY);
  } catch (error) {
    // An attempt whose outcome was unknown may have made it.
    if (!isProblem(error, 'MailboxExists')) throw error;
  }
}
