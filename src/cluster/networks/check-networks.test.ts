import { deepEqual, match } from 'node:assert/strict';
import { test } from 'node:test';
import { checkNetworks } from './check-networks.ts';
import { type ClusterNetwork, defaultHeartbeat, networksBetween, onlyNetwork } from './cluster-network.ts';
import { isPrivateRange, isSameSubnet, parseIpAddress } from './ip-address.ts';

const node1 = { name: 'mbx01-node1', isNode: true };
const node2 = { name: 'mbx01-node2', isNode: true };
const hub = { name: 'hub1', isNode: false };
const hosts = [node1, node2, hub];

const publicly: ClusterNetwork = {
  name: 'Public',
  role: 'mixed',
  priority: 2,
  prefixLength: 24,
  heartbeat: defaultHeartbeat,
  addresses: { 'mbx01-node1': '192.0.2.11', 'mbx01-node2': '192.0.2.12', hub1: '192.0.2.10' },
};
const privately: ClusterNetwork = {
  name: 'Private',
  role: 'private',
  priority: 1,
  prefixLength: 24,
  heartbeat: defaultHeartbeat,
  addresses: { 'mbx01-node1': '10.10.10.1', 'mbx01-node2': '10.10.10.2' },
};

function refusal(networks: readonly ClusterNetwork[]): string {
  return checkNetworks(networks, hosts).refused.join('; ');
}

test('networks: one private and one mixed, fixed addresses, two subnets: nothing is said', () => {
  deepEqual(checkNetworks([privately, publicly], hosts), { refused: [], warnings: [] });
});

test('networks: private and public in one subnet: refused', () => {
  const inside = { ...privately, addresses: { 'mbx01-node1': '192.0.2.21', 'mbx01-node2': '192.0.2.22' } };
  match(refusal([inside, publicly]), /Private \(private\) and Public \(mixed\) are in one subnet/);
});

test('networks: an address by DHCP, a name, a self-drawn one: refused, each by name', () => {
  const loose = { ...privately, addresses: { 'mbx01-node1': 'dhcp', 'mbx01-node2': '169.254.7.7' } };
  match(refusal([loose, publicly]), /mbx01-node1 on Private \(dhcp\) is not a fixed IP address/);
  match(refusal([loose, publicly]), /mbx01-node2 on Private \(169\.254\.7\.7\) is one that a machine draws/);
});

test('networks: addresses of one network in two subnets: refused', () => {
  const apart = { ...privately, addresses: { 'mbx01-node1': '10.10.10.1', 'mbx01-node2': '10.10.11.2' } };
  match(refusal([apart, publicly]), /not in the subnet of the others/);
});

test('networks: nodes that only a public network joins: refused, no traffic between nodes may go there', () => {
  const clientsOnly: ClusterNetwork = { ...publicly, role: 'public' };
  match(refusal([clientsOnly]), /mbx01-node1 and mbx01-node2 have no private or mixed network in common/);
});

test('networks: a hub that has no way to a node, a network for nobody, a stranger: refused', () => {
  match(refusal([privately]), /mbx01-node1 and hub1 have no public or mixed network in common/);
  match(refusal([privately]), /every network is private/);
  const strange = { ...publicly, addresses: { ...publicly.addresses, mars: '192.0.2.99' } };
  match(refusal([privately, strange]), /mars, which is not a host/);
});

test('networks: two of one name or one priority: refused', () => {
  match(refusal([{ ...privately, name: 'public', priority: 2 }, publicly]), /two networks are called public/);
  match(refusal([{ ...privately, priority: 2 }, publicly]), /both have priority 2/);
});

test('networks: one private and one public: the private one is a single point of failure, warned of', () => {
  const found = checkNetworks([privately, { ...publicly, role: 'public' }], hosts);
  deepEqual(found.refused, []);
  deepEqual(found.warnings, ['Private (private) is a single point of failure between mbx01-node1 and mbx01-node2']);
});

test('networks: one network for all, as hosts without a list have it: works, and is warned of', () => {
  const found = checkNetworks([onlyNetwork(publicly.addresses)], hosts);
  deepEqual(found.refused, []);
  match(found.warnings.join(), /Public \(mixed\) is a single point of failure/);
});

test('networks: a private network with addresses of the internet: warned of', () => {
  const open = { ...privately, addresses: { 'mbx01-node1': '203.0.113.1', 'mbx01-node2': '203.0.113.2' } };
  match(checkNetworks([open, publicly], hosts).warnings.join(), /not from a private range/);
});

test('networks: a connection between nodes: private first, the one that is down last and never left out', () => {
  const names = (down: string) =>
    networksBetween([publicly, privately], node1, node2, ({ name }) => name === down).map(({ name }) => name);
  deepEqual(names(''), ['Private', 'Public']);
  deepEqual(names('Private'), ['Public', 'Private']);
  deepEqual(
    networksBetween([publicly, privately], hub, node1, () => false).map(({ name }) => name),
    ['Public'],
  );
});

test('networks: addresses: read strictly, compared by bits', () => {
  const parsed = (text: string) => parseIpAddress(text) ?? { bytes: [] };
  for (const wrong of [
    '',
    '1.2.3',
    '1.2.3.256',
    '01.2.3.4',
    'host',
    '1::2::3',
    ':1',
    'fe80::1%eth0',
    '1:2:3:4:5:6:7',
  ]) {
    deepEqual(parseIpAddress(wrong), undefined, wrong);
  }
  deepEqual(isSameSubnet(parsed('10.0.0.1'), parsed('10.0.1.1'), 23), true);
  deepEqual(isSameSubnet(parsed('10.0.0.1'), parsed('10.0.1.1'), 24), false);
  deepEqual(isSameSubnet(parsed('fd00::1'), parsed('fd00:0:0:1::1'), 48), true);
  deepEqual(isSameSubnet(parsed('fd00::1'), parsed('10.0.0.1'), 0), false);
  deepEqual(
    ['172.16.0.1', '172.32.0.1', '127.0.1.2', 'fd12::1', '2001:db8::1'].map((text) => isPrivateRange(parsed(text))),
    [true, false, true, true, false],
  );
});
