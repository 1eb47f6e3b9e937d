/**
 * How long clients wait when the active host dies: kill -9 of its whole process group under load. Two clocks run from
 * the kill. The first stops when a client that did not exist before has logged in over IMAP, selected its inbox and got
 * an answer (the new active copy serves). The second stops at the first LMTP success for a message that was begun after
 * the kill: the hub's own queue may be what it stands on, for no longer than the failover lasts.
 *
 * The killed host is started again, and both copies are in sync, before the next round.
 */

import { DemoCluster, pause } from './demo-cluster.ts';
import { ImapProbe } from './imap-probe.ts';
import { Load } from './load.ts';
import type { PartOptions } from './part.ts';
import { median } from './percentiles.ts';
import { type Cell, printTable, whole } from './table.ts';

interface Round {
  readonly killedHost: string;
  readonly imapMs: number;
  readonly deliveryMs: number;
}

const USERS = 8;
const ROUNDS = 10;
const QUICK_ROUNDS = 3;
/** As much as leaves the cores some air: a client's wait is measured here, not a machine that is overrun. */
const RATE = 200;
const CONNECTIONS = 16;
const ROUND_LIMIT_MS = 60_000;
/** Longer than any round: it is told to stop. */
const LOAD_LIMIT_MS = 1_800_000;
/** The lease's renewals have no fixed phase to the kill. */
const MAX_PHASE_MS = 1_000;

export async function benchFailover({ folder, isQuick }: PartOptions): Promise<void> {
  const cluster = await DemoCluster.start(folder, USERS);
  const { address, ports, users } = cluster.description;
  const load = new Load({
    address,
    port: ports['lmtp'] ?? 0,
    connections: CONNECTIONS,
    messageBytes: 5_000,
    recipients: users.map((user) => user.address),
    warmUpMs: 0,
    measureMs: LOAD_LIMIT_MS,
    rate: RATE,
  });
  try {
    const rounds: Round[] = [];
    for (let round = 0; round < (isQuick ? QUICK_ROUNDS : ROUNDS); round++) rounds.push(await failOver(cluster, load));
    const { acknowledged, failed, firstFailure } = await load.stop();
    print(rounds);
    process.stdout.write(
      `\nload: ${whole(acknowledged)} messages acknowledged, ${failed} transactions failed (first: ${firstFailure ?? 'none'})\n`,
    );
  } finally {
    await cluster.stop();
  }
}

async function failOver(cluster: DemoCluster, load: Load): Promise<Round> {
  const { activeHost } = await cluster.settled();
  const { address, ports, users } = cluster.description;
  await pause(Math.random() * MAX_PHASE_MS);
  const probe = new ImapProbe({
    address,
    port: ports['imap'] ?? 0,
    user: users[0]?.address ?? '',
    password: users[0]?.password ?? '',
  });
  const killedMs = monotonicMs();
  process.kill(-cluster.processGroup(activeHost), 'SIGKILL');
  const [imapAtMs, deliveryAtMs] = await within(
    ROUND_LIMIT_MS,
    Promise.all([probe.firstServed().then(monotonicMs), load.firstSuccess(killedMs)]),
  );
  await cluster.startHost(activeHost);
  return { killedHost: activeHost, imapMs: imapAtMs - killedMs, deliveryMs: deliveryAtMs - killedMs };
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`No client was served within ${limitMs} ms of the kill`)), limitMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** CLOCK_MONOTONIC: the same in the load generator. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

function print(rounds: readonly Round[]): void {
  const rows = rounds.map(({ killedHost, imapMs, deliveryMs }, index): Cell[] => [
    String(index + 1),
    killedHost,
    whole(imapMs),
    whole(deliveryMs),
  ]);
  const imap = rounds.map((round) => round.imapMs);
  const delivery = rounds.map((round) => round.deliveryMs);
  rows.push(['p50', '', whole(median(imap)), whole(median(delivery))]);
  rows.push(['max', '', whole(Math.max(...imap)), whole(Math.max(...delivery))]);
  const what = `kill -9 of the active host under ${RATE} messages/s of 5 KB`;
  printTable(`failover: ${what}`, ['round', 'killed', 'IMAP served ms', 'LMTP success ms'], rows);
}
