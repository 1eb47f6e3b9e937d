/** The cluster of the demo: two mailbox nodes and a hub that is also the witness, each with an address of its own. */
import type { ClusterSpecification } from '../form-cluster.ts';

export const MAIL_DOMAIN = 'example.test';
export const PASSWORD = 'demo';
export const SERVER_NAME = 'mbx01';
export const STORAGE_GROUP = 'First Storage Group';

export function demoSpecification(basePort: number, mode: ClusterSpecification['mode']): ClusterSpecification {
  return {
    clusterName: 'demo',
    server: SERVER_NAME,
    storageGroups: [STORAGE_GROUP],
    mode,
    basePort,
    acceptedDomains: [MAIL_DOMAIN],
    hosts: [
      { name: 'mbx01-node1', roles: ['mailbox'], address: '127.0.0.2' },
      { name: 'mbx01-node2', roles: ['mailbox'], address: '127.0.0.3' },
      { name: 'hub1', roles: ['hub', 'access', 'witness'], address: '127.0.0.1' },
    ],
  };
}

export function userAddress(number: number): string {
  return `user${number}@${MAIL_DOMAIN}`;
}
