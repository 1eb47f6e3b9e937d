/**
 * The cluster of the demo: two mailbox nodes and a hub, each with an address of its own. The witness is a directory, which
 * by name is the hub's, or a host that runs nothing else.
 * The nodes have a second address on a private network, so that either network may be lost.
 */
import { defaultHeartbeat } from '../../cluster/networks/cluster-network.ts';
import type { ClusterSpecification } from '../form-cluster.ts';

export const MAIL_DOMAIN = 'example.test';
export const PASSWORD = 'demo';
export const SERVER_NAME = 'mbx01';
export const STORAGE_GROUP = 'First Storage Group';

const WITNESS_HOST = { name: 'witness1', roles: ['witness'], address: '127.0.0.4' } as const;

export function demoSpecification(
  basePort: number,
  mode: ClusterSpecification['mode'],
  witness: ClusterSpecification['witness'] = 'share',
): ClusterSpecification {
  return {
    clusterName: 'demo',
    server: SERVER_NAME,
    storageGroups: [STORAGE_GROUP],
    mode,
    basePort,
    acceptedDomains: [MAIL_DOMAIN],
    witness,
    hosts: [
      { name: 'mbx01-node1', roles: ['mailbox'], address: '127.0.0.2' },
      { name: 'mbx01-node2', roles: ['mailbox'], address: '127.0.0.3' },
      {
        name: 'hub1',
        roles: witness === 'share' ? ['hub', 'access', 'witness'] : ['hub', 'access'],
        address: '127.0.0.1',
      },
      ...(witness === 'process' ? [WITNESS_HOST] : []),
    ],
    networks: [privateNetwork, publicNetwork(witness === 'process')],
  };
}

const privateNetwork = {
  name: 'Private',
  role: 'private',
  priority: 1,
  prefixLength: 24,
  heartbeat: defaultHeartbeat,
  addresses: { 'mbx01-node1': '127.0.1.2', 'mbx01-node2': '127.0.1.3' },
} as const;

function publicNetwork(hasWitnessHost: boolean): NonNullable<ClusterSpecification['networks']>[number] {
  const nodes = { 'mbx01-node1': '127.0.0.2', 'mbx01-node2': '127.0.0.3', hub1: '127.0.0.1' };
  const addresses = hasWitnessHost ? { ...nodes, [WITNESS_HOST.name]: WITNESS_HOST.address } : nodes;
  return { name: 'Public', role: 'mixed', priority: 2, prefixLength: 24, heartbeat: defaultHeartbeat, addresses };
}

export function userAddress(number: number): string {
  return `user${number}@${MAIL_DOMAIN}`;
}
