/** S2: what a vote has promised, and what it has accepted, never goes back to a lower ballot. */
import { type Ballot, compareBallots, NO_BALLOT } from '../../cluster/acceptor.ts';
import type { AcceptorState } from '../../cluster/acceptor-state.ts';
import { type Checker, Violation } from '../simulated-cluster.ts';

export class VotesKeepPromises implements Checker {
  readonly name = 'votes keep their promises';

  voted(before: AcceptorState, after: AcceptorState): void {
    // By an administrator's word it is in no set any more, and may come into the next one as a newcomer.
    if (after.identity.incarnation === 0) return;
    compare('promised', before.promised, after.promised);
    compare('accepted', before.accepted?.ballot ?? NO_BALLOT, after.accepted?.ballot ?? NO_BALLOT);
  }
}

function compare(what: string, before: Ballot, after: Ballot): void {
  if (compareBallots(after, before) >= 0) return;
  throw new Violation('S2', `a vote had ${what} ${told(before)} and goes back to ${told(after)}`);
}

function told({ counter, proposer }: Ballot): string {
  return `${counter} of ${proposer}`;
}
