/**
 * The cluster of the demo: two mailbox nodes or more and a hub, each with an address of its own. The witness is a directory,
 * which by name is the hub's, or a host that runs nothing else; beside an odd number of nodes it waits until it is needed.
 * The nodes have a second address on a private network, so that either network may be lost.
 */
import { defaultHeartbeat } from '../../cluster/networks/cluster-network.ts';
import type { ClusterSpecification } from '../form-cluster.ts';

export const MAIL_DOMAIN = 'example.test';
export const PASSWORD = 'demo';
export const SERVER_NAME = 'mbx01';
export const STORAGE_GROUP = 'First Storage Group';
export const DEFAULT_NODES = 2;
/** As many as votes are of use for. */
export const MAX_NODES = 9;

export const HUB_NAME = 'hub1';
const HUB = { name: HUB_NAME, address: '127.0.0.1' } as const;
const WITNESS_HOST = { name: 'witness1', roles: ['witness'], address: '127.0.0.4' } as const;

export interface DemoShape {
  readonly mode: ClusterSpecification['mode'];
  readonly witness?: ClusterSpecification['witness'] | undefined;
  readonly nodes?: number | undefined;
}

export function demoSpecification(basePort: number, shape: DemoShape): ClusterSpecification {
  const { mode, witness = 'share' } = shape;
  const nodes = Array.from({ length: shape.nodes ?? DEFAULT_NODES }, (_, index) => demoNode(index + 1));
  const others = [HUB, ...(witness === 'process' ? [WITNESS_HOST] : [])];
  return {
    clusterName: 'demo',
    server: SERVER_NAME,
    storageGroups: [STORAGE_GROUP],
    mode,
    basePort,
    acceptedDomains: [MAIL_DOMAIN],
    allowPlaintextLogin: true,
    witness,
    hosts: [
      ...nodes.map(({ name, address }) => ({ name, roles: ['mailbox'] as const, address })),
      { ...HUB, roles: witness === 'share' ? ['hub', 'access', 'witness'] : ['hub', 'access'] },
      ...(witness === 'process' ? [WITNESS_HOST] : []),
    ],
    networks: [
      network(
        'Private',
        nodes.map(({ name, privateAddress }) => [name, privateAddress]),
      ),
      network(
        'Public',
        [...nodes, ...others].map(({ name, address }) => [name, address]),
      ),
    ],
  };
}

export interface DemoNode {
  readonly name: string;
  readonly address: string;
  readonly privateAddress: string;
}

/** `number`: from 1 on. 127.0.0.4 is the witness's. */
export function demoNode(number: number): DemoNode {
  const last = number < 3 ? number + 1 : number + 2;
  return { name: `mbx01-node${number}`, address: `127.0.0.${last}`, privateAddress: `127.0.1.${last}` };
}

/** The node that is called so; undefined where the demo would not call one so. */
export function demoNodeCalled(name: string): DemoNode | undefined {
  const number = Number(/^mbx01-node([1-9])$/.exec(name)?.[1]);
  return number <= MAX_NODES ? demoNode(number) : undefined;
}

function network(
  name: 'Private' | 'Public',
  addresses: readonly (readonly [string, string])[],
): NonNullable<ClusterSpecification['networks']>[number] {
  const kind =
    name === 'Private' ? ({ role: 'private', priority: 1 } as const) : ({ role: 'mixed', priority: 2 } as const);
  return { name, ...kind, prefixLength: 24, heartbeat: defaultHeartbeat, addresses: Object.fromEntries(addresses) };
}

export function userAddress(number: number): string {
  return `user${number}@${MAIL_DOMAIN}`;
}
