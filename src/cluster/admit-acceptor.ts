/**
 * Gives a vote back to an acceptor that lost its state, or was replaced (C10, case 13). By an administrator's word only.
 *
 * A vote that forgot is worse than none: it may have promised, or accepted, what nobody else knows of. So the set of acceptors as a
 * whole moves to its next incarnation: every other acceptor must answer, refuses the old incarnation from then on (so
 * that a proposer which still holds a promise of the lost vote can do nothing with it), and promises one ballot. What
 * they have accepted contains everything that was ever chosen, for every old majority had one of them. The newcomer
 * starts with the newest of it, and with that promise.
 *
 * Interrupted, it leaves a set without a majority, or with one that works; doing it again finishes it.
 */
import { Problem } from '../base/problem.ts';
import { type Accepted, type Acceptor, type Ballot, compareBallots, type PrepareReply } from './acceptor.ts';

export interface Admission {
  /** Every other acceptor of the set, opened under the next incarnation. */
  readonly others: readonly Acceptor[];
  /** Empty, opened under the next incarnation. */
  readonly newcomer: Acceptor;
  /** As for a register: unique to this run. */
  readonly proposer: string;
}

/** Ballots that may be outbid before the administrator is asked to try again. */
const MAX_ATTEMPTS = 16;

/** Rejects when an acceptor does not answer: nobody's vote may be left out here. */
export async function admitAcceptor(admission: Admission): Promise<void> {
  let counter = 1;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const ballot = { counter, proposer: admission.proposer };
    const replies = await Promise.all(admission.others.map((acceptor) => acceptor.advance(ballot)));
    const highest = highestPromise(replies);
    if (highest === undefined) return admission.newcomer.initialise(ballot, newest(replies));
    counter = highest.counter + 1;
  }
  throw new Problem('AcceptorOutbid', `Cannot admit ${admission.newcomer.name}: the register is too busy. Try again.`, {
    temporary: true,
  });
}

function highestPromise(replies: readonly PrepareReply[]): Ballot | undefined {
  const refusals = replies.flatMap((reply) => (reply.kind === 'refused' ? [reply.promised] : []));
  return refusals.sort(compareBallots).at(-1);
}

function newest(replies: readonly PrepareReply[]): Accepted | undefined {
  const accepted = replies.flatMap((reply) => (reply.kind === 'promised' && reply.accepted ? [reply.accepted] : []));
  return accepted.sort((left, right) => compareBallots(left.ballot, right.ballot)).at(-1);
}
