/** Messages that carry their number, put into a folder by APPEND and read back whole. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { type Demo, STORAGE_GROUP } from './demo.ts';
import { ImapClient } from './imap-client.ts';
import { waitFor } from './wait.ts';

const SERVES_WITHIN_MS = 60_000;
/** The copies learn a setting of the register within two seconds. */
const LEARNED_MS = 2_500;

/** Log files stay until a backup has them. */
export async function keepLogForBackups(demo: Demo): Promise<void> {
  await demo.cmdlet('Set-StorageGroup', { Identity: STORAGE_GROUP, CircularLoggingEnabled: false });
  await pause(LEARNED_MS);
}

/** The first user's session, as soon as there can be one. */
export async function signIn(demo: Demo): Promise<ImapClient> {
  const { address, ports, users } = demo.description;
  const [user] = users;
  assert.ok(user);
  return await waitFor('IMAP serves', SERVES_WITHIN_MS, async () => {
    const client = await ImapClient.open(address, ports.imap);
    await client.login(user.address, user.password);
    return client;
  });
}

function messageNumber(number: number, bodyBytes: number): Buffer {
  const text = `message ${number} ${'x'.repeat(60)}\r\n`;
  return Buffer.from(`Subject: number ${number}\r\n\r\n${text.repeat(Math.ceil(bodyBytes / text.length))}`);
}

export async function appendNumbers(client: ImapClient, numbers: readonly number[], bodyBytes: number): Promise<void> {
  for (const number of numbers) {
    const date = `"0${(number % 9) + 1}-Jan-2026 10:00:00 +0000"`;
    await client.ok(`APPEND INBOX (\\Flagged) ${date}`, messageNumber(number, bodyBytes));
  }
}

/** The numbers of a folder's messages, in order; each must be as it was sent. */
export async function numbersIn(client: ImapClient, folder: string, bodyBytes: number): Promise<readonly number[]> {
  await client.ok(`EXAMINE "${folder}"`);
  const { untagged } = await client.ok('UID FETCH 1:* (UID FLAGS BODY.PEEK[])');
  const numbers = untagged.flatMap(({ text, literals: [bytes] }) => {
    const number = Number(/number (\d+)/.exec(bytes?.toString('latin1') ?? '')?.[1] ?? 0);
    if (bytes === undefined || number === 0) return [];
    assert.ok(bytes.equals(messageNumber(number, bodyBytes)), `the bytes of ${number}`);
    assert.match(text, /\\Flagged/);
    return [number];
  });
  return numbers.toSorted((a, b) => a - b);
}

export function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
