/** One of several threads that change one share acceptor as fast as they can. Reports what it was told. */
import { parentPort, workerData } from 'node:worker_threads';
import { isProblem } from '../../base/problem.ts';
import type { AcceptorIdentity } from '../../cluster/acceptor.ts';
import { ShareAcceptor } from '../share-acceptor.ts';

export interface RaceReport {
  /** Ballot counter promised, and the counter of the accepted value that the reply showed (0: none). */
  promised: { counter: number; seen: number }[];
  accepted: number[];
  /** Asked to be accepted, with no answer. */
  uncertain: number[];
}

interface Task {
  folder: string;
  identity: AcceptorIdentity;
  proposer: string;
  durationMs: number;
}

const { folder, identity, proposer, durationMs } = workerData as Task;
const vote = new ShareAcceptor({ name: 'share', identity, folder });
const report: RaceReport = { promised: [], accepted: [], uncertain: [] };
const order = ['A', 'B', 'C'].indexOf(proposer);

async function round(counter: number): Promise<number> {
  const ballot = { counter, proposer };
  const prepared = await vote.prepare(ballot);
  if (prepared.kind === 'refused') return prepared.promised.counter;
  report.promised.push({ counter, seen: prepared.accepted?.ballot.counter ?? 0 });
  try {
    const reply = await vote.accept(ballot, `${proposer}-${counter}`);
    if (reply.kind === 'accepted') report.accepted.push(counter);
  } catch (error) {
    report.uncertain.push(counter);
    throw error;
  }
  return counter;
}

const endMs = performance.now() + durationMs;
let highest = 0;
while (performance.now() < endMs) {
  try {
    // Counters are told apart by their remainder, so that a number alone names the proposer.
    highest = await round((Math.floor(highest / 3) + 1) * 3 + order);
  } catch (error) {
    if (!isProblem(error, 'AcceptorRace')) throw error;
    highest += 3;
  }
}
parentPort?.postMessage(report);
