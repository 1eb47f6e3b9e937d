/** Planted bugs of the register: how votes answer, how a proposer asks them, and what it takes for decided. */
import { type Acceptor, type Ballot, compareBallots, NO_BALLOT, type PrepareReply } from '../../cluster/acceptor.ts';
import type { stepAcceptor } from '../../cluster/acceptor-state.ts';
import type { Decide, Register } from '../../cluster/register.ts';
import type { RegisterDocument } from '../../cluster/register-document.ts';
import { acceptWithoutPromise, promiseAnything } from '../exhaustive/planted-faults.ts';
import { altered, type PlantedBug } from './planted-bug.ts';
import { rewrittenGroups } from './register-changes.ts';

/** Of what a majority reports it goes on with the value that came first, not with that of the highest ballot. */
function firstValueTaken(acceptors: readonly Acceptor[]): readonly Acceptor[] {
  let round: { readonly ballot: Ballot; readonly value: string } | undefined;
  const asked = async (acceptor: Acceptor, ballot: Ballot): Promise<PrepareReply> => {
    const reply = await acceptor.prepare(ballot);
    if (reply.kind !== 'promised' || reply.accepted === undefined) return reply;
    const { accepted } = reply;
    if (round === undefined || compareBallots(round.ballot, ballot) !== 0) round = { ballot, value: accepted.value };
    return { ...reply, accepted: { ...accepted, value: round.value } };
  };
  return acceptors.map((acceptor) => altered(acceptor, { prepare: (ballot) => asked(acceptor, ballot) }));
}

function everyVoteFirst(acceptors: readonly Acceptor[]): readonly Acceptor[] {
  return acceptors.map((acceptor) =>
    altered(acceptor, {
      prepare: async (ballot) => {
        await Promise.all(acceptors.map((each) => each.peek()));
        return acceptor.prepare(ballot);
      },
    }),
  );
}

/** Whatever incarnation it is asked under, what is stored stays at its own. */
function answersForEverySet(step: typeof stepAcceptor): typeof stepAcceptor {
  return (state, request) => {
    const isOfRegister = request.kind === 'prepare' || request.kind === 'accept' || request.kind === 'peek';
    if (state === undefined || !isOfRegister) return step(state, request);
    return step(state, { ...request, identity: state.identity });
  };
}

/** Decides on what it saw last, and overwrites whatever came between. */
function withoutCompare(register: Register): Register {
  let seen: RegisterDocument | undefined;
  return altered(register, {
    peek: async (options: { timeoutMs: number }) => {
      const peeked = await register.peek(options);
      seen = peeked?.document ?? seen;
      return peeked;
    },
    change: (decide: Decide, options: { timeoutMs: number }) =>
      register.change((document) => {
        const decided = decide(seen ?? document);
        return decided && document && { ...decided, version: document.version + 1 };
      }, options),
  });
}

export const registerAndVotesBugs: readonly PlantedBug[] = [
  {
    name: 'votes in memory',
    what: 'an acceptor answers before its promise is durable',
    breaks: 'S2',
    budgetSeeds: 10,
    faults: ['power loss of all', 'power loss'],
    mode: 'sync',
    ports: { disk: { neverSynced: 'cluster/' } },
  },
  {
    name: 'vote accepts below its promise',
    what: 'an acceptor takes a value of a lower ballot than it has promised',
    breaks: 'S1',
    budgetSeeds: 60,
    faults: ['slow node', 'slow link', 'flapping', 'kill'],
    mode: 'sync',
    ports: { wrapStep: () => acceptWithoutPromise },
  },
  {
    name: 'vote promises every ballot',
    what: 'an acceptor forgets the higher promise when a lower ballot asks',
    breaks: 'S1',
    budgetSeeds: 60,
    faults: ['slow node', 'slow link', 'flapping', 'kill'],
    mode: 'sync',
    ports: { wrapStep: () => promiseAnything },
  },
  {
    name: 'empty vote counts',
    what: 'an acceptor that lost its disk votes as if it had never promised anything',
    breaks: 'C10',
    budgetSeeds: 60,
    faults: ['vote lost', 'power loss', 'share lost', 'power loss of all'],
    mode: 'sync',
    ports: {
      wrapStep: (step) => (state, request) =>
        step(state ?? { identity: request.identity, promised: NO_BALLOT, accepted: undefined }, request),
    },
  },
  {
    name: 'first value taken',
    what: 'of the accepted values that a majority reports the proposer goes on with the one that came first',
    breaks: 'S12',
    budgetSeeds: 10,
    faults: ['slow link', 'power loss', 'kill'],
    mode: 'sync',
    ports: { wrapAcceptors: firstValueTaken },
  },
  {
    name: 'quorum of one',
    what: 'a host asks its own vote only',
    breaks: 'S1',
    budgetSeeds: 5,
    mode: 'async',
    ports: { wrapAcceptors: (acceptors, host) => acceptors.filter(({ name }) => name === host) },
  },
  {
    name: 'every vote needed',
    what: 'a host decides nothing until every vote has answered, and not only a majority',
    breaks: 'L1',
    budgetSeeds: 5,
    faults: ['kill'],
    mode: 'sync',
    livesInCore: true,
    ports: { wrapAcceptors: everyVoteFirst },
  },
  {
    name: 'change without compare',
    what: 'a change is decided on what was seen last, and overwrites what came between',
    breaks: 'S1',
    budgetSeeds: 20,
    faults: ['link between nodes cut', 'kill', 'move', 'slow link'],
    mode: 'sync',
    ports: { wrapRegister: withoutCompare },
  },
  {
    name: 'epoch granted twice',
    what: 'a takeover goes on under the epoch of the owner before',
    breaks: 'S1',
    budgetSeeds: 10,
    faults: ['kill', 'power loss', 'node cut off'],
    mode: 'sync',
    ports: {
      wrapRegister: (register) =>
        rewrittenGroups(register, (before, after) =>
          before.epoch > 0 && after.active !== before.active ? { ...after, epoch: before.epoch } : after,
        ),
    },
  },
  {
    name: 'evicted vote counts',
    what: 'a vote answers for every set of votes alike, also for one in which it is no more, or not alone',
    breaks: 'S8',
    budgetSeeds: 40,
    faults: ['witness replaced', 'link between nodes cut', 'one way cut'],
    mode: 'sync',
    ports: { wrapStep: answersForEverySet },
  },
];
