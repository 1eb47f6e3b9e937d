/**
 * The set of votes changes while everything else goes wrong: the witness is replaced, a node is evicted and comes back, a vote
 * that was lost is given back. Each change is ordered of some host that is up, and again of another one when nothing is heard
 * of it. Only in clusters whose votes move (moving-votes.ts); the plan has a seed of its own.
 */
import { isProblem, type Problem } from '../base/problem.ts';
import type { Random } from '../base/random.ts';
import type { AcceptorPlace } from '../cluster/acceptor-places.ts';
import type { AcceptorSet } from '../cluster/acceptor-set.ts';
import { type Fault, nothing, oneOf, removesCopy } from './fault.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';
import type { SimulatedHost } from './simulated-host.ts';

/** Longer than a change of the set takes with every vote slow. */
const PATIENCE_MS = 8_000;

export const voteFaults = {
  'witness replaced': (cluster, random) => {
    if (cluster.hosts.length !== 2) return nothing;
    changeVotes(cluster, random, placesOf(cluster, cluster.spareVote));
    return () => changeVotes(cluster, random, placesOf(cluster, cluster.share));
  },
  /** With its copy and its vote; the witness votes while the nodes are an even number. */
  'node evicted': (cluster, random) => {
    const { group, hosts, mode } = cluster;
    if (hosts.length !== 3 || mode !== 'sync') return nothing;
    const evicted = oneOf(
      random,
      hosts.filter(({ name }) => name !== group?.active),
    );
    const left = hosts.filter((host) => host !== evicted);
    const addCopy = removesCopy(cluster, evicted, random.below(2_000));
    changeVotes(cluster, random, [...left.map(placeOf), witness(cluster.share)]);
    return () => {
      changeVotes(cluster, random, hosts.map(placeOf));
      addCopy();
    };
  },
  'vote given back': (cluster, random) => {
    const host = oneOf(random, cluster.hosts);
    // Once in a run: two of three empty votes are no cluster any more.
    if (!cluster.hasMovingVotes || cluster.hosts.some(({ votesLost }) => votesLost > 0)) return nothing;
    host.loseVote();
    return () => {
      host.start();
      order(cluster, random, `the vote of ${host.name} is given back`, async (set) => {
        if (set.places.some(({ name }) => name === host.name)) await set.admit(host.name);
      });
    };
  },
} as const satisfies Record<string, Fault>;

function placesOf(cluster: SimulatedCluster, share: string): readonly AcceptorPlace[] {
  return [...cluster.hosts.map(placeOf), witness(share)];
}

function placeOf({ name }: SimulatedHost): AcceptorPlace {
  return { kind: 'host', name };
}

function witness(name: string): AcceptorPlace {
  return { kind: 'process', name };
}

function changeVotes(cluster: SimulatedCluster, random: Random, places: readonly AcceptorPlace[]): void {
  if (!cluster.hasMovingVotes) return;
  const names = places.map(({ name }) => name).join(', ');
  order(cluster, random, `the votes are ${names}`, (set) => set.changePlaces(places));
}

/** Until it is done, or was done already. */
function order(
  cluster: SimulatedCluster,
  random: Random,
  what: string,
  work: (set: AcceptorSet) => Promise<void>,
): void {
  cluster.administrator.insist(what, () => {
    const able = cluster.hosts.filter(({ acceptorSet, isPaused }) => acceptorSet !== undefined && !isPaused);
    const set = able[random.below(Math.max(1, able.length))]?.acceptorSet;
    if (set === undefined) return Promise.resolve(false);
    const done = work(set).then(
      () => true,
      (error: unknown) => {
        if (!isProblem(error)) throw error;
        cluster.story.tell('admin', `not yet: ${what}: ${error.message}`);
        return isDoneAlready(error);
      },
    );
    return Promise.race([done, cluster.sleep(PATIENCE_MS).then(() => false)]);
  });
}

function isDoneAlready({ code, message }: Problem): boolean {
  return code === 'VotesSame' || (code === 'CannotAdmit' && message.includes('Nothing is to be done'));
}
