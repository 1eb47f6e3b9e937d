/** What every acceptor owes the register, whatever it stores its state in. Run on memory, file, share and witness process. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isProblem } from '../../base/problem.ts';
import { type Acceptor, type AcceptorIdentity, type Ballot, NO_BALLOT } from '../acceptor.ts';
import type { VoteSet } from '../vote-set.ts';

export interface AcceptorWorld {
  /** The same stored vote, as a newly started process opens it. */
  open(identity: AcceptorIdentity): Acceptor;
  /** The disk or the share is lost: empty from now on. */
  wipe(): Promise<void>;
  /** Flips a byte in the middle of what is stored. */
  damage(): Promise<void>;
}

const identity: AcceptorIdentity = { clusterId: 'cluster-1', incarnation: 1 };

function ballot(counter: number, proposer = 'A#1'): Ballot {
  return { counter, proposer };
}

function setOf(incarnation: number): VoteSet {
  const places = [{ kind: 'host', name: 'A' }] as const;
  return { incarnation, places, previous: places, awaited: { A: '' } };
}

const notAdmitted = (error: unknown) => isProblem(error, 'AcceptorNotAdmitted');

export function acceptorPortSuite(kind: string, makeWorld: () => Promise<AcceptorWorld>): void {
  const story = (name: string, tell: (world: AcceptorWorld, vote: Acceptor) => Promise<void>) => {
    void test(`acceptor (${kind}): ${name}`, async () => {
      const world = await makeWorld();
      const vote = world.open(identity);
      await vote.initialise(NO_BALLOT, undefined);
      await tell(world, vote);
    });
  };

  void test(`acceptor (${kind}): never initialised: it has no vote and none is made up`, async () => {
    const vote = (await makeWorld()).open(identity);
    await assert.rejects(vote.prepare(ballot(1)), notAdmitted);
    await assert.rejects(vote.accept(ballot(1), 'v'), notAdmitted);
    await assert.rejects(vote.peek(), notAdmitted);
    await assert.rejects(vote.peek(), notAdmitted, 'asking did not create it');
  });

  story('promises rise only, and each is given once', async (_world, vote) => {
    assert.deepEqual(await vote.prepare(ballot(5)), { kind: 'promised', accepted: undefined });
    assert.deepEqual(await vote.prepare(ballot(5)), { kind: 'refused', promised: ballot(5) });
    assert.deepEqual(await vote.prepare(ballot(4, 'Z#1')), { kind: 'refused', promised: ballot(5) });
    assert.equal((await vote.prepare(ballot(5, 'B#1'))).kind, 'promised');
  });

  story('accepts at or above the promise, and shows the value to the next', async (_world, vote) => {
    await vote.prepare(ballot(5));
    assert.deepEqual(await vote.accept(ballot(4), 'old'), { kind: 'refused', promised: ballot(5) });
    assert.deepEqual(await vote.accept(ballot(5), 'five'), { kind: 'accepted' });
    assert.deepEqual(await vote.accept(ballot(7), 'seven'), { kind: 'accepted' });
    const accepted = { ballot: ballot(7), value: 'seven' };
    assert.deepEqual(await vote.prepare(ballot(6)), { kind: 'refused', promised: ballot(7) });
    assert.deepEqual(await vote.prepare(ballot(8)), { kind: 'promised', accepted });
    assert.deepEqual(await vote.peek(), { kind: 'state', promised: ballot(8), accepted });
  });

  story('a new process finds what the old one promised and accepted', async (world, vote) => {
    await vote.prepare(ballot(5));
    await vote.accept(ballot(5), 'ü "five"\n'.repeat(1000));
    await vote.prepare(ballot(9));
    const reopened = await world.open(identity).peek();
    assert.deepEqual(reopened.promised, ballot(9));
    assert.equal(reopened.accepted?.value, 'ü "five"\n'.repeat(1000));
  });

  story('of another cluster, or of an older set of acceptors: refused', async (world, vote) => {
    await vote.prepare(ballot(5));
    await assert.rejects(world.open({ ...identity, clusterId: 'cluster-2' }).prepare(ballot(6)), notAdmitted);
    await assert.rejects(world.open({ ...identity, incarnation: 2 }).prepare(ballot(6)), notAdmitted);
    assert.deepEqual((await world.open(identity).peek()).promised, ballot(5), 'a refusal changes nothing');
  });

  story('the set of acceptors advances: the old one is refused from then on', async (world, vote) => {
    await vote.accept(ballot(5), 'five');
    const next = { ...identity, incarnation: 2 };
    const set = setOf(2);
    assert.deepEqual(await world.open(next).advance(ballot(4), set), { kind: 'refused', promised: ballot(5) });
    assert.equal((await world.open(identity).peek()).kind, 'state', 'a refused advance changes nothing');
    assert.equal((await world.open(next).advance(ballot(6), set)).kind, 'promised');
    await assert.rejects(world.open(identity).accept(ballot(7), 'late'), notAdmitted);
    assert.equal((await world.open(next).prepare(ballot(8))).kind, 'promised');
    await assert.rejects(world.open(identity).advance(ballot(9), setOf(1)), notAdmitted);
    await assert.rejects(world.open({ ...next, clusterId: 'cluster-2' }).advance(ballot(9), set), notAdmitted);
  });

  story('initialised twice: refused once it has lived', async (world, vote) => {
    await vote.initialise(NO_BALLOT, undefined);
    await vote.prepare(ballot(5));
    await assert.rejects(vote.initialise(NO_BALLOT, undefined), notAdmitted);
    assert.deepEqual((await world.open(identity).peek()).promised, ballot(5));
  });

  story('invited: it forgets what it was, has no vote, and begins with what it is told, once', async (world, vote) => {
    await vote.accept(ballot(5), 'five');
    const third = { ...identity, incarnation: 3 };
    const arrival = { set: setOf(3), invitation: 'invitation-1' };
    await assert.rejects(world.open(third).initialise(ballot(7), undefined, arrival), notAdmitted);
    await world.open({ ...identity, incarnation: 2 }).invite('invitation-1');
    await assert.rejects(world.open(identity).prepare(ballot(6)), notAdmitted);
    await assert.rejects(world.open(third).prepare(ballot(6)), notAdmitted);
    await assert.rejects(world.open(third).advance(ballot(6), setOf(3)), notAdmitted);
    const other = { ...arrival, invitation: 'invitation-2' };
    await assert.rejects(world.open(third).initialise(ballot(7), undefined, other), notAdmitted);
    const accepted = { ballot: ballot(6), value: 'six' };
    await world.open(third).initialise(ballot(7), accepted, arrival);
    assert.deepEqual(await world.open(third).peek(), { kind: 'state', promised: ballot(7), accepted });
    await world.open(third).prepare(ballot(9));
    await world.open(third).initialise(ballot(8), undefined, arrival);
    assert.deepEqual((await world.open(third).peek()).promised, ballot(9), 'repeated, it changes nothing');
    await assert.rejects(world.open({ ...identity, incarnation: 2 }).invite('invitation-3'), notAdmitted);
    await world.wipe();
    await assert.rejects(
      world.open(third).initialise(ballot(7), accepted, arrival),
      notAdmitted,
      'its invitation is lost, too',
    );
  });

  story('lost: it has no vote', async (world, vote) => {
    await vote.prepare(ballot(5));
    await world.wipe();
    await assert.rejects(world.open(identity).prepare(ballot(6)), notAdmitted);
  });

  story('damaged: it has no vote, and does not fall back to an older state', async (world, vote) => {
    await vote.prepare(ballot(5));
    await vote.accept(ballot(5), 'five');
    await world.damage();
    await assert.rejects(world.open(identity).prepare(ballot(6)), (error) => isProblem(error, 'AcceptorDamaged'));
    await assert.rejects(world.open(identity).peek(), (error) => isProblem(error, 'AcceptorDamaged'));
  });

  story('many requests at once: as if one after the other', async (_world, vote) => {
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, index) => vote.prepare(ballot(((index * 7) % 20) + 1))),
    );
    const promised = replies.filter((reply) => reply.kind === 'promised').length;
    assert(promised >= 1 && promised <= 20);
    assert.deepEqual((await vote.peek()).promised, ballot(20));
  });
}
