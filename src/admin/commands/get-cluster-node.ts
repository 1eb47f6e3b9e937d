/**
 * Get-ClusterNode: the machines that may serve and those that vote, one row each: does it run, may it take over, does its vote
 * count, where is it. A node that was evicted is shown until it is added again, so that nobody wonders why it stays away.
 */
import { z } from 'zod';
import { addressOn } from '../../cluster/networks/cluster-network.ts';
import { isEvicted, member, type RegisterDocument } from '../../cluster/register-document.ts';
import { type ClusterFacts, gatherFacts, isServing } from '../cluster-facts.ts';
import { declareCommand, type Row } from '../command.ts';
import type { AcceptorReport, AdminContext } from '../context.ts';
import { hostNotFound, sameName, storageGroupsOf } from '../objects.ts';
import { name } from '../schemas.ts';

type NodeState = 'Up' | 'Paused' | 'Joining' | 'Down' | 'Evicted';

export const getClusterNode = declareCommand({
  name: 'Get-ClusterNode',
  synopsis: 'Shows the nodes of the cluster: state, vote, addresses and software.',
  description:
    'One row for each host with the role mailbox, and for those that were evicted and not added again. Up: its service runs. Paused: it runs, but all its copies are suspended, so that it takes nothing over. Joining: it answers, and has not joined the register yet. Down: it does not answer. Evicted: Remove-ClusterNode took it out.',
  parameters: z.strictObject({ Identity: name('Only this node.').optional() }),
  positional: ['Identity'],
  permission: 'View-Only Administrator',
  columns: [
    { name: 'Name', type: 'text', description: 'Of the host.' },
    { name: 'State', type: 'text', description: 'Up, Paused, Joining, Down or Evicted.' },
    { name: 'Vote', type: 'text', description: 'Counts, None, or why it does not count now.' },
    { name: 'Incarnation', type: 'number', description: 'How often its service has joined; 0 before the first time.' },
    { name: 'Addresses', type: 'list', description: 'Where it is on each network.' },
    { name: 'ClusterPort', type: 'number', description: 'The port of its service.' },
    { name: 'ActiveCopies', type: 'list', description: 'Storage groups that it serves.' },
    { name: 'PassiveCopies', type: 'list', description: 'Storage groups of which it has another copy.' },
    { name: 'SoftwareVersion', type: 'text', description: 'As it joined last.' },
    { name: 'FormatLevels', type: 'text', description: 'The lowest and the highest format level that it reads.' },
  ],
  table: ['Name', 'State', 'Vote', 'Incarnation', 'Addresses'],
  examples: [
    { line: 'Get-ClusterNode', what: 'Shows which nodes are up, and whose votes count.' },
    { line: 'Get-ClusterNode mbx01-node2 -Format List', what: 'Shows one with its copies and its software.' },
  ],
  handler: async (context, { Identity: identity }) => {
    const [facts, acceptors] = await Promise.all([gatherFacts(context), context.acceptorReports()]);
    const names = nodeNames(context, facts, acceptors);
    const wanted = identity === undefined ? undefined : sameName(names, identity);
    if (identity !== undefined && wanted === undefined) throw hostNotFound(identity, names);
    return names
      .filter((host) => wanted === undefined || host === wanted)
      .map((host) => nodeRow(host, context, facts, acceptors));
  },
});

function nodeNames(context: AdminContext, { document }: ClusterFacts, acceptors: readonly AcceptorReport[]): string[] {
  const configured = context.configuration.hosts.filter(({ roles }) => roles.includes('mailbox'));
  const voting = acceptors.filter(({ kind }) => kind === 'host');
  const evicted = (document.evicted ?? []).filter((host) => isEvicted(document, host));
  return [...new Set([...[...configured, ...voting].map((host) => host.name), ...evicted])];
}

function nodeRow(host: string, context: AdminContext, facts: ClusterFacts, acceptors: readonly AcceptorReport[]): Row {
  const { document } = facts;
  const node = member(document.nodes, host);
  const copies = storageGroupsOf(document).filter(({ record }) => record.copies.includes(host));
  const isActive = (group: (typeof copies)[number]): boolean => group.record.active === host && isServing(facts, group);
  const entry = context.configuration.hosts.find((each) => each.name === host);
  return {
    Name: host,
    State: stateOf(host, facts),
    Vote: voteOf(acceptors.find((each) => each.kind === 'host' && each.name === host)),
    Incarnation: node?.incarnation ?? 0,
    Addresses: addressesOf(host, facts, entry?.address),
    ClusterPort: entry?.clusterPort ?? null,
    ActiveCopies: copies.filter(isActive).map(({ identity }) => identity),
    PassiveCopies: copies.filter((group) => !isActive(group)).map(({ identity }) => identity),
    SoftwareVersion: node?.formats?.software ?? null,
    FormatLevels: node?.formats === undefined ? null : `${node.formats.lowest}-${node.formats.highest}`,
  };
}

function stateOf(host: string, { document, hosts }: ClusterFacts): NodeState {
  if (isEvicted(document, host)) return 'Evicted';
  if (!hosts.some((report) => report.host === host && report.reachable)) return 'Down';
  if (member(document.nodes, host) === undefined) return 'Joining';
  return isPaused(document, host) ? 'Paused' : 'Up';
}

function isPaused(document: RegisterDocument, host: string): boolean {
  const groups = Object.values(document.storageGroups).filter(({ copies }) => copies.includes(host));
  return groups.length > 0 && groups.every(({ suspended }) => Object.hasOwn(suspended, host));
}

function voteOf(report: AcceptorReport | undefined): string {
  if (report === undefined) return 'None';
  return report.failure ?? 'Counts';
}

/** Without a list of networks, the one address that everybody knows it by. */
function addressesOf(host: string, { networks }: ClusterFacts, address: string | undefined): readonly string[] {
  const listed = networks.networks.flatMap((network) => {
    const there = addressOn(network, host);
    return there === undefined ? [] : [`${network.name}=${there}`];
  });
  return listed.length > 0 || address === undefined ? listed : [address];
}
