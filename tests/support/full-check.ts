/** Reads everything that is there and holds it against the history; waits a little for what the hub has still to deliver. */
import { setTimeout as pause } from 'node:timers/promises';
import type { History, PresentMessage } from './history.ts';
import { checkHistory, type Verdict } from './history-check.ts';
import { type Account, type ImapServer, readMailbox } from './read-mail.ts';

/** A message for which the hub has answered reaches its mailbox when the queue gets to it. */
const QUEUE_TIMEOUT_MS = 30_000;
const AGAIN_AFTER_MS = 1_000;

/** The history must stand still meanwhile. */
export async function fullCheck(server: ImapServer, users: readonly Account[], history: History): Promise<Verdict> {
  const deadline = performance.now() + QUEUE_TIMEOUT_MS;
  for (;;) {
    const verdict = checkHistory(history, await readAll(server, users));
    if (verdict.lost.length === 0 || performance.now() > deadline) return verdict;
    await pause(AGAIN_AFTER_MS);
  }
}

async function readAll(server: ImapServer, users: readonly Account[]): Promise<readonly PresentMessage[]> {
  const found: PresentMessage[] = [];
  for (const user of users) found.push(...(await readMailbox(server, user)));
  return found;
}
