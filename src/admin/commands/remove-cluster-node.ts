/**
 * Remove-ClusterNode: evicts a node, dead or alive. Its copies go first, so that nothing waits for it; then its vote; then every
 * host forgets where it is. The register remembers that it was evicted, for when a dead one comes back. What it knew of ballots
 * and epochs is worth nothing from then on: to come back it is added again, with an empty folder.
 */
import { z } from 'zod';
import { Problem } from '../../base/problem.ts';
import { evictNode, removeCopy, removeMachine } from '../../cluster/configuration-changes.ts';
import { gatherFacts, isServing } from '../cluster-facts.ts';
import { changeAll, changeVotes, nextPlaces, nextWitness, tellThoseThatAnswer } from '../cluster-nodes.ts';
import { declareCommand } from '../command.ts';
import type { AcceptorReport, AdminContext } from '../context.ts';
import { hostNotFound, sameName, storageGroupsOf } from '../objects.ts';
import { force, name } from '../schemas.ts';
import { witnessParameters } from '../witness-parameters.ts';

export const removeClusterNode = declareCommand({
  name: 'Remove-ClusterNode',
  synopsis: 'Evicts a node from the cluster.',
  description:
    'Takes the copies of the node out of the cluster, then its vote, then its line out of every holdfast.yaml, while everything runs; the node itself may be dead. With an even number of nodes left a witness votes again: the one that the configuration names, or -WitnessShare, or -WitnessHost. A node that serves is not evicted, nor one whose copy is the last that holds everything acknowledged. No file is deleted on it; its service ends and does not start again on that folder; one that is dead learns it when it comes back. If the command is interrupted, give it again.',
  parameters: z.strictObject({
    Identity: name('The name of the host.'),
    ...witnessParameters,
    Force: force,
  }),
  positional: ['Identity'],
  permission: 'Server Administrator',
  change: { asks: true, describe: ({ Identity: identity }) => `Evict ${identity} from the cluster` },
  columns: [],
  table: [],
  examples: [
    { line: 'Remove-ClusterNode mbx01-node2', what: 'Evicts a node, for instance one whose disk is lost.' },
    {
      line: 'Remove-ClusterNode mbx01-node3 -WitnessShare /mnt/witness',
      what: 'Goes back from three nodes to two and a share.',
    },
  ],
  handler: async (context, parameters) => {
    const acceptors = await context.acceptorReports();
    const host = nodeCalled(context, acceptors, parameters.Identity);
    const serving = await mustBeDispensable(context, host);
    const next = await nextWitness(context, parameters, acceptors);
    const places = nextPlaces(acceptors, (nodes) => nodes.filter((node) => node !== host), next);
    await changeAll(context, (document) => [
      ...Object.keys(document.storageGroups).map(
        (group) => (each: typeof document) => removeCopy(each, group, host, serving.get(group)),
      ),
      ...Object.keys(document.clusteredMailboxServers).map(
        (server) => (each: typeof document) => removeMachine(each, server, host),
      ),
    ]);
    await mustHaveNoCopy(context, host);
    context.reportProgress(`${host} has no copy any more; its files there are left alone`);
    await changeVotes(context, places);
    await context.changeRegister((document) => evictNode(document, host));
    await forget(context, host, next.named);
    context.reportProgress(`${host} is evicted`);
    return [];
  },
});

/** Problem('HostNotFound' | 'HostIsNoNode') */
function nodeCalled(context: AdminContext, acceptors: readonly AcceptorReport[], identity: string): string {
  const { hosts } = context.configuration;
  const voting = acceptors.filter(({ kind }) => kind === 'host').map((each) => each.name);
  const names = [...new Set([...hosts.map((host) => host.name), ...voting])];
  const found = sameName(names, identity);
  if (found === undefined) throw hostNotFound(identity, names);
  if (hosts.every((host) => host.name !== found || host.roles.includes('mailbox'))) return found;
  throw new Problem('HostIsNoNode', `Cannot evict ${found}: it is no node. Take it out of each host's holdfast.yaml.`);
}

/** The epoch under which each storage group is served. Problem('NodeServes' | 'LastGoodCopy') */
async function mustBeDispensable(context: AdminContext, host: string): Promise<ReadonlyMap<string, number>> {
  const facts = await gatherFacts(context);
  const serving = new Map<string, number>();
  for (const group of storageGroupsOf(facts.document)) {
    const { active, inSync, epoch } = group.record;
    if (isServing(facts, group)) serving.set(group.name, epoch);
    if (active === host) {
      throw new Problem(
        'NodeServes',
        `Cannot evict ${host}: it has the active copy of ${group.identity}. Move-ClusteredMailboxServer takes it to another node; if ${host} is dead, wait until another one has taken over.`,
      );
    }
    if (inSync.includes(host) && !serving.has(group.name)) throw lastGoodCopy(host, group.identity);
  }
  return serving;
}

async function mustHaveNoCopy(context: AdminContext, host: string): Promise<void> {
  const left = storageGroupsOf(await context.register()).find(({ record }) => record.copies.includes(host));
  if (left !== undefined) throw lastGoodCopy(host, left.identity);
}

function lastGoodCopy(host: string, group: string): Problem {
  return new Problem(
    'LastGoodCopy',
    `Cannot evict ${host}: its copy of ${group} holds everything acknowledged, and no other copy that does serves. Bring another one up first.`,
  );
}

/**
 * Those that answer: who is down learns it from the register, and does no harm until then. The node itself hears of it before
 * the others forget where it is, or last of all when it is the one that was asked.
 */
async function forget(context: AdminContext, host: string, witness: unknown): Promise<void> {
  const reports = await context.hostReports();
  const isAsked = host === context.hostName;
  const isThere = reports.some((report) => report.host === host && report.reachable);
  if (isThere && !isAsked) await context.askHost(host, 'remove-host', { host });
  const others = reports.map((report) => report.host).filter((name) => name !== host);
  await tellThoseThatAnswer(context, others, 'remove-host', { host, witness });
  if (isAsked) await context.askHost(host, 'remove-host', { host });
}
