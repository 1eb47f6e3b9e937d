import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../base/random.ts';
import { admitAcceptor } from './admit-acceptor.ts';
import { CasPaxosRegister } from './caspaxos-register.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { directLink } from './testing/memory-acceptor.ts';
import { applying, directRegister, formedVotes } from './testing/votes.ts';

const next = { clusterId: 'c', incarnation: 2 };

test('admission: the witness lost its disk: it votes again with all that was chosen, and old promises are void', async () => {
  const clock = new ManualClock();
  const votes = await formedVotes();
  const old = directRegister(votes, clock, 'A');
  for (const operation of ['x', 'y']) await clock.until(old.change(applying(operation), { timeoutMs: 500 }));
  votes[2]!.restore(undefined);
  const opened = votes.map((vote) => vote.reachedBy(next, directLink));
  await admitAcceptor({ others: opened.slice(0, 2), newcomer: opened[2]!, proposer: 'admin#1' });
  votes[0]!.isUp = false;
  const register = new CasPaxosRegister({ acceptors: opened, proposer: 'B', clock, random: new SeededRandom(7) });
  const read = await clock.until(register.change(() => undefined, { timeoutMs: 500 }));
  assert.equal(read.kind === 'unchanged' && read.document?.version, 2);
  votes[0]!.isUp = true;
  const late = await clock.until(old.change(applying('z'), { timeoutMs: 500 }));
  assert(late.kind === 'unavailable' && late.reason.includes('has changed since'));
});

test('admission: another acceptor does not answer: refused, and finished when it is repeated', async () => {
  const clock = new ManualClock();
  const votes = await formedVotes();
  await clock.until(directRegister(votes, clock, 'A').change(applying('x'), { timeoutMs: 500 }));
  votes[2]!.restore(undefined);
  votes[1]!.isUp = false;
  const opened = votes.map((vote) => vote.reachedBy(next, directLink));
  const admission = { others: opened.slice(0, 2), newcomer: opened[2]!, proposer: 'admin#1' };
  await assert.rejects(admitAcceptor(admission));
  votes[1]!.isUp = true;
  await admitAcceptor({ ...admission, proposer: 'admin#2' });
  const register = new CasPaxosRegister({ acceptors: opened, proposer: 'A', clock, random: new SeededRandom(7) });
  assert.equal((await clock.until(register.change(applying('y'), { timeoutMs: 500 }))).kind, 'changed');
});
