import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { Problem } from '../base/problem.ts';
import { NO_BALLOT } from '../cluster/acceptor.ts';
import type { AcceptorPlace } from '../cluster/acceptor-places.ts';
import { AcceptorSet, type KnownSet, type Vote } from '../cluster/acceptor-set.ts';
import { type AcceptorState, stepAcceptor } from '../cluster/acceptor-state.ts';
import { formCluster } from '../cluster/changes.ts';
import type { RegisterDocument } from '../cluster/register-document.ts';
import { machineClock, machineRandom } from '../host/machine.ts';

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

/** Votes of a formed cluster, and `spare` ones that are empty. */
function cluster(count = 3, spare = 0) {
  const votes = Array.from({ length: count + spare }, (_, index) => new MemoryVote(`vote${index + 1}`));
  for (const empty of votes.slice(count)) empty.state = undefined;
  const openVote = ({ name }: AcceptorPlace): Vote => {
    const found = votes.find((each) => each.name === name);
    assert.ok(found);
    return found;
  };
  const places = votes.slice(0, count).map(placeOf);
  const open = (proposer: string, onLearned: (set: KnownSet) => void = () => undefined): AcceptorSet =>
    new AcceptorSet({
      clusterId,
      first: { incarnation: 1, places },
      openVote,
      onLearned,
      proposer,
      clock: machineClock,
      random: machineRandom,
      logger: silentLogger,
    });
  return { votes, open };
}

function placeOf({ name }: MemoryVote): AcceptorPlace {
  return { kind: 'host', name };
}

/** Counted apart from the version, which changes of the set raise, too. */
const touch = (document: RegisterDocument | undefined): RegisterDocument | undefined =>
  document && {
    ...document,
    version: document.version + 1,
    nodes: { touched: { incarnation: touchedIn(document) + 1, lease: 0 } },
  };

function touchedIn(document: RegisterDocument | undefined): number {
  return document?.nodes['touched']?.incarnation ?? 0;
}

/** After one more. */
async function touchIn(set: AcceptorSet): Promise<number> {
  const outcome = await set.change(touch, TIME);
  assert.equal(outcome.kind, 'changed');
  return outcome.kind === 'changed' ? touchedIn(outcome.document) : 0;
}

async function latest(set: AcceptorSet): Promise<number> {
  return touchedIn((await set.peek(TIME))?.document);
}

/** What was begun is completed by the way, soon. */
async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 100; turn++) {
    if (await isSo()) return;
    await sleep(machineClock, 50);
  }
  assert.fail(`never: ${what}`);
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
  assert.equal(await touchIn(there), 1);
  vote(votes, 2).state = undefined;
  await here.admit('vote3');
  assert.deepEqual(
    votes.map((each) => each.state?.identity.incarnation),
    [2, 2, 2],
  );
  vote(votes, 0).isSilent = true;
  assert.equal(await touchIn(there), 2, 'it learns the new set from the refusal, within the call');
  assert.equal(await touchIn(here), 3);
  assert.equal(await latest(here), 3);
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
  assert.equal(await latest(started), 0);
  vote(votes, 1).isSilent = true;
  assert.equal(await touchIn(started), 1);
});

test('acceptor set: an old backup of a vote comes back: it counts for nothing, and is no empty one', async () => {
  const { votes, open } = cluster();
  const set = open('A');
  await set.change(formCluster(clusterId), TIME);
  const backup = vote(votes, 2).state;
  vote(votes, 2).state = undefined;
  await set.admit('vote3');
  vote(votes, 2).state = backup;
  assert.equal(await touchIn(set), 1);
  vote(votes, 1).isSilent = true;
  assert.equal((await set.change(touch, { timeoutMs: 200 })).kind, 'unavailable');
  vote(votes, 1).isSilent = false;
  await assert.rejects(set.admit('vote3'), { code: 'CannotAdmit', message: /it holds an old state/ });
});

test('acceptor set: admission is refused: it counts already, it is unknown, no majority answers, it does not', async () => {
  const { votes, open } = cluster();
  const set = open('A');
  await set.change(formCluster(clusterId), TIME);
  await assert.rejects(set.admit('vote3'), { code: 'CannotAdmit', message: /it has it/ });
  await assert.rejects(set.admit('vote9'), { code: 'CannotAdmit', message: /there is no such acceptor/ });
  vote(votes, 2).state = undefined;
  vote(votes, 1).isSilent = true;
  await assert.rejects(set.admit('vote3'), { code: 'NoQuorum' });
  vote(votes, 1).isSilent = false;
  vote(votes, 2).isSilent = true;
  await assert.rejects(set.admit('vote3'), { code: 'CannotAdmit', message: /vote3 does not|it does not answer/ });
  assert.equal(vote(votes, 0).state?.identity.incarnation, 1, 'nothing was begun');
});

test('acceptor set: a change is interrupted at each of its steps: the next host that comes completes it', async () => {
  for (const [index, kind] of [
    [1, 'advance'],
    [3, 'initialise'],
  ] as const) {
    const { votes, open } = cluster(3, 1);
    const here = open('A');
    await here.change(formCluster(clusterId), TIME);
    vote(votes, index).failing.add(kind);
    vote(votes, 2).isSilent = true;
    await here.changePlaces([0, 1, 3].map((at) => placeOf(vote(votes, at)))).catch((error: unknown) => {
      assert.ok(error instanceof Problem && error.code === 'VotesNotMoved', String(error));
    });
    vote(votes, index).failing.clear();
    const there = open('B');
    await until('the newcomer votes', async () => {
      await there.change(touch, TIME);
      return vote(votes, 3).state?.identity.incarnation === 2;
    });
    vote(votes, 0).isSilent = true;
    await until('it decides', async () => (await there.change(touch, TIME)).kind === 'changed');
    assert.deepEqual(
      [0, 1, 3].map((at) => vote(votes, at).state?.identity.incarnation),
      [2, 2, 2],
    );
  }
});

test('acceptor set: the witness is replaced: the old one counts for nothing, hosts learn the new one and are told', async () => {
  const { votes, open } = cluster(3, 1);
  const learned: KnownSet[] = [];
  const [here, there] = [open('A'), open('B', (set) => learned.push(set))];
  await here.change(formCluster(clusterId), TIME);
  await touchIn(there);
  vote(votes, 2).isSilent = true;
  await here.changePlaces([0, 1, 3].map((at) => placeOf(vote(votes, at))));
  assert.equal(await touchIn(there), await latest(here));
  assert.deepEqual(
    learned.map(({ incarnation, places }) => [incarnation, places.map(({ name }) => name).join()]),
    [[2, 'vote1,vote2,vote4']],
  );
  vote(votes, 2).isSilent = false;
  vote(votes, 1).isSilent = true;
  await touchIn(there);
  vote(votes, 0).isSilent = true;
  assert.equal((await there.change(touch, { timeoutMs: 200 })).kind, 'unavailable', 'the old witness helps nobody');
});

test('acceptor set: from three votes to one and to five: one step after the other, nothing is forgotten', async () => {
  const { votes, open } = cluster(3, 4);
  const set = open('A');
  await set.change(formCluster(clusterId), TIME);
  const touched = await touchIn(set);
  for (const target of [[0], [0, 3, 4], [2, 3, 4, 5, 6], [1]]) {
    await set.changePlaces(target.map((at) => placeOf(vote(votes, at))));
    assert.deepEqual(
      set.places.map(({ name }) => name),
      target.map((at) => vote(votes, at).name),
    );
  }
  assert.ok((await touchIn(set)) > touched);
  await assert.rejects(set.changePlaces([placeOf(vote(votes, 1))]), { code: 'VotesSame' });
});

test('acceptor set: a change that would leave no majority: refused before anything is begun', async () => {
  const { votes, open } = cluster(3, 2);
  const set = open('A');
  await set.change(formCluster(clusterId), TIME);
  vote(votes, 3).isSilent = true;
  const withSilent = [0, 1, 3].map((at) => placeOf(vote(votes, at)));
  await assert.rejects(set.changePlaces(withSilent), { code: 'CannotAdmit', message: /does not take part/ });
  vote(votes, 1).isSilent = true;
  const leavingOne = [0, 1].map((at) => placeOf(vote(votes, at)));
  await assert.rejects(set.changePlaces(leavingOne), { code: 'VotesNotMoved', message: /1 of its 2 votes/ });
  assert.equal(vote(votes, 0).state?.identity.incarnation, 1);
});

test('acceptor set: changes go on while a vote is given back: each takes effect once', async () => {
  const { votes, open } = cluster(5);
  const sets = ['A', 'B'].map((proposer) => open(proposer));
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
  const touched = touchedIn((await sets[0]?.peek(TIME))?.document);
  assert.ok(touched >= changed && touched <= changed + unknown, `${changed}, ${unknown}, in the register ${touched}`);
  assert.ok(changed > 40, `${changed} changes`);
});
