/** A few votes in memory and registers over them, for the tests of the register. */
import type { Clock } from '../../base/clock.ts';
import { SeededRandom } from '../../base/random.ts';
import { type AcceptorIdentity, NO_BALLOT } from '../acceptor.ts';
import { CasPaxosRegister } from '../caspaxos-register.ts';
import type { RegisterDocument } from '../register-document.ts';
import { directLink, MemoryVote } from './memory-acceptor.ts';

export const identity: AcceptorIdentity = { clusterId: 'c', incarnation: 1 };

export async function formedVotes(count = 3): Promise<MemoryVote[]> {
  const votes = Array.from({ length: count }, (_, index) => new MemoryVote(`vote${index}`));
  for (const vote of votes) await vote.reachedBy(identity, directLink).initialise(NO_BALLOT, undefined);
  return votes;
}

/** The document as a set of operations: each appears once, as a node whose incarnation counts how often it was applied. */
export function applying(operation: string) {
  return (document: RegisterDocument | undefined): RegisterDocument => {
    const before = document ?? {
      clusterId: 'c',
      version: 0,
      nodes: {},
      storageGroups: {},
      clusteredMailboxServers: {},
    };
    const times = before.nodes[operation]?.incarnation ?? 0;
    const nodes = { ...before.nodes, [operation]: { incarnation: times + 1, lease: before.version } };
    return { ...before, version: before.version + 1, nodes };
  };
}

export function directRegister(votes: MemoryVote[], clock: Clock, proposer: string, seed = 1): CasPaxosRegister {
  const acceptors = votes.map((vote) => vote.reachedBy(identity, directLink));
  return new CasPaxosRegister({ acceptors, proposer, clock, random: new SeededRandom(seed) });
}
