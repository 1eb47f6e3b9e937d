/**
 * Duels for the register, by seed: two or three proposers write at the same time, each operation leaving a mark that
 * counts how often it was applied, over links that lose, delay and reorder, to votes that come and go. Runs in a worker
 * thread, because the test runner's own bookkeeping of promises costs five times what the duels do.
 */
import assert from 'node:assert/strict';
import { parentPort, workerData } from 'node:worker_threads';
import { SeededRandom } from '../../base/random.ts';
import { CasPaxosRegister } from '../caspaxos-register.ts';
import type { RegisterDocument } from '../register-document.ts';
import { emptyHistory, type History, judge, note } from './history.ts';
import { ManualClock } from './manual-clock.ts';
import { LossyLink } from './memory-acceptor.ts';
import { applying, directRegister, formedVotes, identity } from './votes.ts';

async function duel(seed: number): Promise<{ history: History; final: RegisterDocument }> {
  const random = new SeededRandom(seed);
  const clock = new ManualClock(1_000, 10);
  const votes = await formedVotes(random.below(3) === 0 ? 5 : 3);
  const links: LossyLink[] = [];
  const history = emptyHistory();
  const lossPercent = random.below(30);
  const proposers = Array.from({ length: 2 + random.below(2) }, (_, index) => {
    const acceptors = votes.map((vote) => {
      const link = new LossyLink(clock, random, { lossPercent, maxDelayMs: 1 + random.below(20) });
      links.push(link);
      return vote.reachedBy(identity, link);
    });
    const name = `P${index}`;
    return { name, register: new CasPaxosRegister({ acceptors, proposer: name, clock, random }) };
  });
  const works = proposers.map(async ({ name, register }) => {
    for (let round = 0; round < 6; round++) {
      const operation = `${name}-${round}`;
      note(history, operation, await register.change(applying(operation), { timeoutMs: 30 + random.below(150) }));
    }
  });
  for (let fault = 0; fault < 4; fault++) {
    clock.after(random.below(400), () => {
      votes[random.below(votes.length)]!.isUp = random.below(2) === 0;
      links[random.below(links.length)]!.isCut = random.below(2) === 0;
    });
  }
  await clock.until(Promise.all(works));
  for (const vote of votes) vote.isUp = true;
  const reader = directRegister(votes, clock, 'reader', seed + 1);
  const read = await clock.until(reader.change(() => undefined, { timeoutMs: 10_000 }));
  assert(read.kind === 'unchanged');
  const final = read.document ?? applying('none')(undefined);
  return { history, final };
}

export interface DuelTotals {
  changed: number;
  unknown: number;
  never: number;
}

async function duels(first: number, last: number): Promise<DuelTotals> {
  const totals = { changed: 0, unknown: 0, never: 0 };
  for (let seed = first; seed <= last; seed++) {
    const { history, final } = await duel(seed);
    judge(seed, history, final);
    totals.changed += history.changed.size;
    totals.unknown += history.unknown.size;
    totals.never += history.never.size;
  }
  return totals;
}

const { first, last } = workerData as { first: number; last: number };
parentPort?.postMessage(await duels(first, last));
