import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { checkNetworks } from './check-networks.ts';
import { type ClusterNetwork, defaultHeartbeat, replicationName } from './cluster-network.ts';
import { changeNetworks, freePriority, networkOfSubnet } from './network-changes.ts';

const common = { prefixLength: 24, heartbeat: defaultHeartbeat };
const [between, mixed]: readonly ClusterNetwork[] = [
  { ...common, name: 'Private', role: 'private', priority: 1, addresses: { node1: '10.0.0.1', node2: '10.0.0.2' } },
  { ...common, name: 'Public', role: 'mixed', priority: 2, addresses: { node1: '192.0.2.1', node2: '192.0.2.2' } },
] as const;
const networks = [between, mixed] as readonly ClusterNetwork[];
const hosts = [
  { name: 'node1', isNode: true },
  { name: 'node2', isNode: true },
];

function enabled(before: readonly ClusterNetwork[], host: string, address: string): readonly ClusterNetwork[] {
  const network = { ...common, name: 'Replication', priority: 3 };
  return changeNetworks(before, { what: 'enable-name', host, hostName: `${host}-repl`, address, network });
}

test('network changes: another role, another priority: the one that had it takes the old one; twice is once', () => {
  const change = { what: 'set', network: 'Private', role: 'mixed', priority: 2 } as const;
  const changed = changeNetworks(networks, change);
  deepEqual(
    changed.map(({ name, role, priority }) => [name, role, priority]),
    [
      ['Private', 'mixed', 2],
      ['Public', 'mixed', 1],
    ],
  );
  deepEqual(changeNetworks(changed, change), changed);
  deepEqual(changeNetworks(networks, { what: 'set', network: 'Mars', priority: 9 }), networks);
});

test('network changes: replication host names on both nodes: a private network more, fit; taken back: it is gone', () => {
  const one = enabled(networks, 'node1', '10.0.20.1');
  const both = enabled(one, 'node2', '10.0.20.2');
  deepEqual(enabled(both, 'node2', '10.0.20.2'), both, 'twice is once');
  deepEqual(checkNetworks(one, hosts).refused, []);
  deepEqual(checkNetworks(both, hosts), { refused: [], warnings: [] });
  const made = both.at(-1);
  deepEqual([made?.role, made && replicationName(made, 'node1')], ['private', 'node1-repl']);
  const half = changeNetworks(both, { what: 'disable-name', hostName: 'NODE1-repl' });
  deepEqual(half.at(-1)?.addresses, { node2: '10.0.20.2' });
  deepEqual(changeNetworks(half, { what: 'disable-name', hostName: 'node2-repl' }), networks);
  deepEqual(changeNetworks(networks, { what: 'disable-name', hostName: 'node9-repl' }), networks);
});

test('network changes: one name for two addresses, a name without an address, the name of a host: refused', () => {
  const refused = (hostNames: Record<string, string>): string =>
    checkNetworks([{ ...networks[0]!, hostNames }, networks[1]!], hosts).refused.join('; ');
  equal(refused({ node1: 'repl', node2: 'REPL' }), 'repl is a name of node1 and of node2');
  equal(refused({ node3: 'repl' }), 'repl is a name of node3 on Private, where it has no address');
  equal(refused({ node1: 'Node2' }), 'node2 on Private is the name of a host');
  equal(refused({ node1: 'repl1', node2: 'repl2' }), '');
});

test('network changes: which network an address belongs to, which priority is free', () => {
  equal(networkOfSubnet(networks, '192.0.2.77')?.name, 'Public');
  equal(networkOfSubnet(networks, '10.0.20.1'), undefined);
  equal(networkOfSubnet(networks, 'node1'), undefined);
  equal(freePriority(networks, 16), 3);
  equal(freePriority(networks, 2), undefined);
});
