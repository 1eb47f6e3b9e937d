/**
 * Add-ClusterNode: a machine that is ready (its folder, its certificate, its service running) becomes a node while everything
 * runs: every host learns where it is, now or from the register when it is back, it gets a vote, and it may serve. A copy it
 * gets by Enable-StorageGroupCopy. Every step may be repeated, so an interrupted command is simply given again.
 */
import { z } from 'zod';
import { Problem } from '../../base/problem.ts';
import { addMachine, placeNode, readmitNode } from '../../cluster/configuration-changes.ts';
import { changeAll, changeVotes, nextPlaces, nextWitness, tellThoseThatAnswer } from '../cluster-nodes.ts';
import { declareCommand } from '../command.ts';
import type { AdminContext, ConfiguredHost } from '../context.ts';
import { networkCalled } from '../network-facts.ts';
import { sameName } from '../objects.ts';
import { name, nameOfHost } from '../schemas.ts';
import { witnessParameters } from '../witness-parameters.ts';

const port = z.int().min(1).max(65_535).optional();

export const addClusterNode = declareCommand({
  name: 'Add-ClusterNode',
  synopsis: 'Makes a machine a node of the cluster.',
  description:
    "The machine's service runs already, on a folder with a certificate of this cluster's authority. Every host writes it into its holdfast.yaml and knows it from then on, without a restart; then it gets a vote, and becomes one of the redundant machines. A host that does not answer learns of it from the register when it is back. It has no copy yet: Enable-StorageGroupCopy gives it one. If the command is interrupted, give it again.",
  parameters: z.strictObject({
    Identity: nameOfHost('The name of the host, as in its certificate.'),
    Address: name('Its address; administrators and hosts without a list of networks use it.'),
    NetworkAddresses: z
      .array(name('NETWORK=ADDRESS').regex(/^[^=]+=[^=]+$/, 'NETWORK=ADDRESS, such as Private=10.10.10.3'))
      .max(8, 'at most eight')
      .optional()
      .describe('Its address on each network, as NETWORK=ADDRESS; needed where holdfast.yaml lists networks.'),
    ClusterPort: port.describe("The port of its service; without it the present nodes' one."),
    CopyPort: port.describe("The port of its first copy, the others follow; without it the present nodes' ones."),
    ...witnessParameters,
  }),
  positional: ['Identity'],
  permission: 'Server Administrator',
  change: { asks: false, describe: ({ Identity: identity }) => `Make ${identity} a node of the cluster` },
  columns: [],
  table: [],
  examples: [
    {
      line: 'Add-ClusterNode mbx01-node3 -Address 192.0.2.13 -NetworkAddresses Private=10.10.10.3,Public=192.0.2.13',
      what: 'Adds a third node; its vote takes the place of the witness.',
    },
  ],
  handler: async (context, parameters) => {
    const entry = entryOf(context, parameters);
    const acceptors = await context.acceptorReports();
    const next = await nextWitness(context, parameters, acceptors);
    const places = nextPlaces(acceptors, (nodes) => [...new Set([...nodes, entry.name])], next);
    const addresses = addressesOf(context, parameters.NetworkAddresses ?? []);
    const others = context.configuration.hosts.map((host) => host.name).filter((host) => host !== entry.name);
    const { version } = await context.register();
    const order = { entry, addresses, witness: next.named, version };
    const told = await tellThoseThatAnswer(context, others, 'add-host', order);
    const { name: host, ...place } = { ...entry, addresses };
    await changeAll(context, () => [
      (document) => readmitNode(document, host),
      (document) => placeNode(document, host, place),
    ]);
    context.reportProgress(`${told.join(', ')} know ${entry.name}`);
    if (!(await context.untilHostAnswers(entry.name))) throw doesNotAnswer(entry);
    await changeVotes(context, places);
    await changeAll(context, (document) =>
      Object.keys(document.clusteredMailboxServers).map((server) => (each) => addMachine(each, server, entry.name)),
    );
    context.reportProgress(`${entry.name} is a node`);
    return [];
  },
});

interface EntryParameters {
  readonly Identity: string;
  readonly Address: string;
  readonly ClusterPort?: number | undefined;
  readonly CopyPort?: number | undefined;
}

/** As the present nodes are, but for name, address and the ports that are given. Problem('NodeExists' | 'NoNodeToBeLike') */
function entryOf(context: AdminContext, parameters: EntryParameters): ConfiguredHost {
  const { Identity: identity, Address: address } = parameters;
  const { hosts } = context.configuration;
  const present = hosts.find((host) => sameName([host.name], identity) !== undefined);
  if (present !== undefined && (present.address !== address || !present.roles.includes('mailbox'))) {
    throw new Problem(
      'NodeExists',
      `Cannot add ${identity}: a host of this name is at ${present.address} (${present.roles.join(', ')}). If that one is lost, evict it first with Remove-ClusterNode.`,
    );
  }
  const like = present ?? hosts.find(({ roles }) => roles.includes('mailbox'));
  if (like === undefined)
    throw new Problem('NoNodeToBeLike', `Cannot add ${identity}: ${context.hostName} knows no node.`);
  const first = parameters.CopyPort;
  const copyPorts = Object.entries(like.copyPorts).map(([group, known], index) => [
    group,
    first ? first + index : known,
  ]);
  return {
    name: present?.name ?? identity,
    roles: like.roles,
    address,
    clusterPort: parameters.ClusterPort ?? like.clusterPort,
    copyPorts: Object.fromEntries(copyPorts) as Record<string, number>,
  };
}

/** Problem('NetworkUnknown') */
function addressesOf(context: AdminContext, given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((each) => {
      const [called = '', address = ''] = each.split('=');
      return [networkCalled(context.networks, called).name, address];
    }),
  );
}

function doesNotAnswer({ name: host, address, clusterPort }: ConfiguredHost): Problem {
  return new Problem(
    'NodeDoesNotAnswer',
    `Cannot give ${host} a vote: it does not answer at ${address}:${clusterPort}. Start it with its folder, then give the command again.`,
    { temporary: true },
  );
}
