import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../base/logger.ts';
import { Problem } from '../base/problem.ts';
import { NO_BALLOT } from '../cluster/acceptor.ts';
import { type AcceptorState, stepAcceptor } from '../cluster/acceptor-state.ts';
import { formCluster } from '../cluster/changes.ts';
import type { RegisterDocument } from '../cluster/register-document.ts';
import { machineClock, machineRandom } from '../host/machine.ts';
import { AcceptorSet, type Vote } from './acceptor-set.ts';

const clusterId = 'cluster-1';
const TIME = { timeoutMs: 1_000 };

/** An acceptor in memory, which may be lost, silent, or put back to what it was. */
class MemoryVote implements Vote {
  readonly name: string;
  state: AcceptorState | undefined;
  isSilent = false;
  /** Requests of these kinds fail before they are looked at. */
  readonly failing = new Set<string>();

  constructor(name: string) {
    this.name = name;
    this.state = { identity: { clusterId, incarnation: 1 }, promised: NO_BALLOT, accepted: undefined };
  }

  readonly ask: Vote['ask'] = async (request) => {
    if (this.isSilent || this.failing.has(request.kind)) throw new Problem('Unreachable', `Cannot reach ${this.name}`);
    const step = stepAcceptor(this.state, request);
    this.state = step.state;
    return step.reply;
  };
}

function cluster(count = 3) {
  const votes = Array.from({ length: count }, (_, index) => new MemoryVote(`vote${index + 1}`));
  const open = (proposer: string): AcceptorSet =>
    new AcceptorSet({
      clusterId,
      votes,
      proposer,
      clock: machineClock,
      random: machineRandom,
      logger: silentLogger,
    });
  return { votes, open };
}

const touch = (document: RegisterDocument | undefined): RegisterDocument | undefined =>
  document && { ...document, version: document.version + 1 };

async function versionIn(set: AcceptorSet): Promise<number> {
  const outcome = await set.change(touch, TIME);
  assert.equal(outcome.kind, 'changed');
  return outcome.kind === 'changed' ? outcome.document.version : 0;
}

function vote(votes: readonly MemoryVote[], index: number): MemoryVote {
  const found = votes[index];
  assert.ok(found);
  return found;
}

test('acceptor set: a vote is lost and given back: it counts again, on every host, and nothing is forgotten', async () => {
  const { votes, open } = cluster();
  const [here, there] = [open('A'), open('B')];
  await here.change(formCluster(clusterId), TIME);
  assert.equal(await versionIn(there), 2);
  vote(votes, 2).state = undefined;
  await here.admit('vote3');
  assert.deepEqual(
    votes.map((each) => each.state?.identity.incarnation),
    [2, 2, 2],
  );
  vote(votes, 0).isSilent = true;
  assert.equal(await versionIn(there), 3, 'it learns the new set from the refusal, within the call');
  assert.equal(await versionIn(here), 4);
  assert.equal((await here.peek(TIME))?.document.version, 4);
});

test('acceptor set: a host that starts after admissions: it learns the present incarnation', async () => {
  const { votes, open } = cluster();
  const first = open('A');
  await first.change(formCluster(clusterId), TIME);
  for (const index of [0, 1, 2]) {
    vote(votes, index).state = undefined;
    await first.admit(`vote${index + 1}`);
  }
  const started = open('B');
  assert.equal((await started.peek(TIME))?.document.version, 1);
  vote(votes, 1).isSilent = true;
  assert.equal(await versionIn(started), 2);
});

test('acceptor set: an old backup of a vote comes back: it counts for nothing, and is no empty one', async () => {
  const { votes, open } = cluster();
  const set = open('A');
  await set.change(formCluster(clusterId), TIME);
  const backup = vote(votes, 2).state;
  vote(votes, 2).state = undefined;
  await set.admit('vote3');
  vote(votes, 2).state = backup;
  assert.equal(await versionIn(set), 2);
  vote(votes, 1).isSilent = true;
  assert.equal((await set.change(touch, { timeoutMs: 200 })).kind, 'unavailable');
  vote(votes, 1).isSilent = false;
  await assert.rejects(set.admit('vote3'), { code: 'CannotAdmit', message: /it holds an old state/ });
});

test('acceptor set: admission is refused: another is silent, another is lost too, it counts already, it is unknown', async () => {
  const { votes, open } = cluster();
  const set = open('A');
  await set.change(formCluster(clusterId), TIME);
  await assert.rejects(set.admit('vote3'), { code: 'CannotAdmit', message: /it has it/ });
  await assert.rejects(set.admit('vote9'), { code: 'CannotAdmit', message: /there is no such acceptor/ });
  vote(votes, 2).state = undefined;
  vote(votes, 1).isSilent = true;
  await assert.rejects(set.admit('vote3'), { code: 'CannotAdmit', message: /vote2 does not answer/ });
  vote(votes, 1).isSilent = false;
  vote(votes, 1).state = undefined;
  await assert.rejects(set.admit('vote3'), { code: 'CannotAdmit', message: /vote2 has no vote either/ });
  assert.equal(vote(votes, 0).state?.identity.incarnation, 1, 'nothing was begun');
});

test('acceptor set: an admission is interrupted at each of its steps: nothing is decided, repeated it finishes', async () => {
  for (const [index, kind] of [
    [1, 'advance'],
    [2, 'initialise'],
  ] as const) {
    const { votes, open } = cluster();
    const [here, there] = [open('A'), open('B')];
    await here.change(formCluster(clusterId), TIME);
    vote(votes, 2).state = undefined;
    vote(votes, index).failing.add(kind);
    await assert.rejects(here.admit('vote3'), { code: 'CannotAdmit', message: /do it again/ });
    vote(votes, index).failing.clear();
    await there.admit('vote3');
    for (const set of [here, there]) assert.ok((await versionIn(set)) >= 2);
    vote(votes, 0).isSilent = true;
    for (const set of [here, there]) assert.ok((await versionIn(set)) >= 4);
  }
});

test('acceptor set: changes go on while a vote is given back: each takes effect once', async () => {
  const { votes, open } = cluster(5);
  const sets = ['A', 'B'].map(open);
  await sets[0]?.change(formCluster(clusterId), TIME);
  let changed = 0;
  let unknown = 0;
  const load = sets.map(async (set) => {
    for (let round = 0; round < 40; round++) {
      const { kind } = await set.change(touch, TIME);
      if (kind === 'changed') changed++;
      if (kind === 'unknown') unknown++;
    }
  });
  for (const index of [4, 0, 2]) {
    vote(votes, index).state = undefined;
    await sets[1]?.admit(`vote${index + 1}`);
  }
  await Promise.all(load);
  const document = (await sets[0]?.peek(TIME))?.document;
  assert.ok(document);
  assert.ok(document.version >= 1 + changed && document.version <= 1 + changed + unknown);
  assert.ok(changed > 40, `${changed} changes`);
});
