import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { adoptHosts } from './adopt-hosts.ts';
import { parseConfig } from './config.ts';
import { textWithHost, textWithNetworks, textWithoutHost } from './config-edit.ts';

const PATH = '/x/holdfast.yaml';
const like = { roles: ['mailbox' as const], clusterPort: 5343, copyPorts: { 'First Storage Group': 5344 } };
const heartbeat = { intervalMs: 250, toleratedMissed: 8 };
const CONFIG = {
  format: 1,
  cluster: { id: '0'.repeat(32), name: 'demo' },
  host: 'node1',
  hosts: [
    { ...like, name: 'node1', address: '192.0.2.1' },
    { ...like, name: 'node2', address: '192.0.2.2' },
  ],
  networks: [
    {
      name: 'Public',
      role: 'mixed',
      priority: 1,
      prefixLength: 24,
      heartbeat,
      addresses: { node1: '192.0.2.1', node2: '192.0.2.2' },
    },
  ],
  witness: { share: '/mnt/witness' },
  clusteredMailboxServer: { name: 'mbx01', storageGroups: ['First Storage Group'] },
  acceptedDomains: ['example.test'],
  allowPlaintextLogin: false,
};
const TEXT = `# Ours since 2026\n${stringify(CONFIG, { aliasDuplicateObjects: false })}`;
const third = { entry: { ...like, name: 'node3', address: '192.0.2.3' }, addresses: { Public: '192.0.2.3' } };

test('configuration: a node comes and goes: it stands in the file as if it had been written so, and comments stay', () => {
  const three = textWithHost(TEXT, PATH, third, undefined);
  const config = parseConfig(three, PATH);
  assert.deepEqual(config.hosts.at(-1), third.entry);
  assert.equal(config.networks?.[0]?.addresses['node3'], '192.0.2.3');
  assert.ok(three.startsWith('# Ours since 2026\n'));
  assert.equal(textWithHost(three, PATH, third, undefined), three, 'twice is once');
  assert.deepEqual(parseConfig(textWithoutHost(three, PATH, 'node3', undefined), PATH), parseConfig(TEXT, PATH));
});

test('configuration: another witness is written with it', () => {
  const text = textWithoutHost(TEXT, PATH, 'node9', { share: '/mnt/other' });
  assert.deepEqual(parseConfig(text, PATH).witness, { share: '/mnt/other' });
});

test('configuration: what could not be read again is not written: an address in another subnet, the host itself taken away', () => {
  const elsewhere = { ...third, addresses: { Public: '198.51.100.3' } };
  assert.throws(() => textWithHost(TEXT, PATH, elsewhere, undefined), { code: 'NetworksUnfit' });
  assert.throws(() => textWithoutHost(TEXT, PATH, 'node1', undefined), { code: 'ConfigInvalid' });
});

test('configuration: hosts are adopted in place: who holds the configuration sees them', () => {
  const config = parseConfig(TEXT, PATH);
  const { hosts } = config;
  adoptHosts(config, parseConfig(textWithHost(TEXT, PATH, third, undefined), PATH));
  assert.deepEqual(
    hosts.map(({ name }) => name),
    ['node1', 'node2', 'node3'],
  );
  assert.equal(config.networks?.[0]?.addresses['node3'], '192.0.2.3');
});

test('configuration: parts that point to each other: written wholly anew, and right', () => {
  const text = stringify(CONFIG);
  assert.match(text, /\*a1/);
  const config = parseConfig(textWithoutHost(text, PATH, 'node2', undefined), PATH);
  assert.deepEqual(
    config.hosts.map(({ roles }) => roles),
    [['mailbox']],
  );
});

test('configuration: networks change: the role, a second network and its end stand in the file, and comments stay', () => {
  const network = { name: 'Replication', priority: 2, prefixLength: 24, heartbeat };
  const enable = (host: string, address: string, text: string): string =>
    textWithNetworks(text, PATH, { what: 'enable-name', host, hostName: `${host}-repl`, address, network });
  const both = enable('node2', '10.0.20.2', enable('node1', '10.0.20.1', TEXT));
  const made = parseConfig(both, PATH).networks?.[1];
  assert.deepEqual(
    [made?.role, made?.addresses, made?.hostNames],
    ['private', { node1: '10.0.20.1', node2: '10.0.20.2' }, { node1: 'node1-repl', node2: 'node2-repl' }],
  );
  const swapped = textWithNetworks(both, PATH, { what: 'set', network: 'Replication', priority: 1 });
  assert.deepEqual(
    parseConfig(swapped, PATH).networks?.map(({ name, priority }) => [name, priority]),
    [
      ['Public', 2],
      ['Replication', 1],
    ],
  );
  const disable = (hostName: string, text: string): string =>
    textWithNetworks(text, PATH, { what: 'disable-name', hostName });
  assert.equal(disable('node2-repl', disable('node1-repl', both)), TEXT, 'as it was, with its comment');
  const clientsOnly = (): string => textWithNetworks(TEXT, PATH, { what: 'set', network: 'Public', role: 'public' });
  assert.throws(clientsOnly, { code: 'NetworksUnfit' });
});

test('configuration: networks change where none are listed: refused with what to do', () => {
  const { networks: _none, ...without } = CONFIG;
  const change = { what: 'set', network: 'Public', priority: 2 } as const;
  assert.throws(() => textWithNetworks(stringify(without), PATH, change), { code: 'NetworksNotListed' });
});
