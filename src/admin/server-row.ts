/** A clustered mailbox server as Get-ClusteredMailboxServerStatus prints it, and Move-… after the move. */
import { present } from '../base/assert.ts';
import { type ClusterFacts, reachableHosts, serverStatusOf } from './cluster-facts.ts';
import type { Column, Row } from './command.ts';
import { replicationNames } from './network-facts.ts';
import type { ClusteredMailboxServer } from './objects.ts';

export const serverColumns: readonly Column[] = [
  { name: 'Identity', type: 'text', description: 'The clustered mailbox server.' },
  { name: 'ClusteredMailboxServerName', type: 'text', description: 'The name that clients connect to.' },
  {
    name: 'State',
    type: 'text',
    description: 'Online, Partially Online, Online Pending, Offline, Offline Pending or Failed.',
  },
  {
    name: 'OperationalMachines',
    type: 'list',
    description: 'Its machines that answer, with <Active> and <Quorum Owner> where they apply.',
  },
  { name: 'FailedResources', type: 'list', description: 'Storage groups that nobody can lead, and why.' },
  { name: 'OperationalReplicationHostNames', type: 'list', description: 'Names of replication that answer.' },
  { name: 'FailedReplicationHostNames', type: 'list', description: 'Names of replication that do not answer.' },
  { name: 'InUseReplicationHostNames', type: 'list', description: 'Names over which replication runs now.' },
];

export const serverTable: readonly string[] = ['Identity', 'State', 'OperationalMachines'];

export function serverRow(facts: ClusterFacts, server: ClusteredMailboxServer): Row {
  const status = present(serverStatusOf(facts, server.name), 'A server that was found in the register has a status');
  const reachable = reachableHosts(facts);
  const machines = server.record.redundantMachines;
  const operational = machines.filter((machine) => reachable.has(machine));
  const names = replicationNames(facts.networks, facts.hosts, machines);
  return {
    Identity: server.name,
    ClusteredMailboxServerName: server.name,
    State: status.state,
    OperationalMachines: status.operationalMachines,
    FailedResources: status.failedResources,
    OperationalReplicationHostNames: names?.operational ?? operational,
    FailedReplicationHostNames: names?.failed ?? machines.filter((machine) => !reachable.has(machine)),
    // Replication takes two: one name alone is not in use.
    InUseReplicationHostNames: names?.inUse ?? (operational.length > 1 ? operational : []),
  };
}
