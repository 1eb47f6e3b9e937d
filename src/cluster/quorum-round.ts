/**
 * One round of one request to every acceptor at once: ends as soon as a majority said yes, or as soon as it no longer
 * can. Answers that come later change nothing.
 */
import { deferred } from '../base/deferred.ts';
import { messageOf } from '../base/problem.ts';

export type Verdict<Y, N> = { readonly yes: Y } | { readonly no: N };

export interface RoundResult<Y, N> {
  readonly hasMajority: boolean;
  readonly yes: readonly Y[];
  readonly no: readonly N[];
  /** Neither yes nor no: failed, or not answered when the round ended. The request may have had its effect there. */
  readonly silent: number;
  /** Why acceptors failed, in words, with their names. */
  readonly failures: readonly string[];
}

export function majorityOf(count: number): number {
  return Math.floor(count / 2) + 1;
}

export function quorumRound<A extends { readonly name: string }, Y, N = never>(
  acceptors: readonly A[],
  request: (acceptor: A) => Promise<Verdict<Y, N>>,
): Promise<RoundResult<Y, N>> {
  const needed = majorityOf(acceptors.length);
  const yes: Y[] = [];
  const no: N[] = [];
  const failures: string[] = [];
  const done = deferred<RoundResult<Y, N>>();
  const settle = () => {
    const isLost = no.length + failures.length > acceptors.length - needed;
    if (yes.length < needed && !isLost) return;
    const silent = acceptors.length - yes.length - no.length;
    done.resolve({ hasMajority: yes.length >= needed, yes: [...yes], no: [...no], silent, failures: [...failures] });
  };
  for (const acceptor of acceptors) {
    request(acceptor).then(
      (verdict) => {
        if ('yes' in verdict) yes.push(verdict.yes);
        else no.push(verdict.no);
        settle();
      },
      (error: unknown) => {
        failures.push(`${acceptor.name}: ${messageOf(error)}`);
        settle();
      },
    );
  }
  return done.promise;
}
