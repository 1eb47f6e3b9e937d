import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CasPaxosRegister } from '../cluster/caspaxos-register.ts';
import type { Decide } from '../cluster/register.ts';
import { loadConfig, placesIn } from '../host/config.ts';
import { FileAcceptor } from '../host/file-acceptor.ts';
import { readIdentity } from '../host/identity.ts';
import { machineClock, machineRandom } from '../host/machine.ts';
import { ShareAcceptor } from '../host/share-acceptor.ts';
import { AdminClient, findCluster } from './admin-client.ts';
import { clusterFiles, hostFiles } from './cluster-files.ts';
import { readMarker, writeMarker } from './cluster-marker.ts';
import { demoSpecification } from './demo/specification.ts';
import { explainSystemError } from './error-line.ts';
import { FOLDER_LOCK_NAME, lockFolder } from './folder-lock.ts';
import {
  type ClusterSpecification,
  forgetCluster,
  formClusterIn,
  inspectFolder,
  networkFindings,
} from './form-cluster.ts';

const root = mkdtempSync(join(tmpdir(), 'holdfast-form-'));
after(() => rmSync(root, { recursive: true }));

const specification = demoSpecification(2_000, { mode: 'sync' });
const formed = join(root, 'formed');
const marker = await formClusterIn(formed, specification);

/** A folder of its own with the formed cluster in it. */
function copyOfFormed(name: string): string {
  cpSync(formed, join(root, name), { recursive: true });
  return join(root, name);
}

test('form: configurations: each host can read its own, with the ports of BASE', () => {
  for (const host of ['mbx01-node1', 'mbx01-node2', 'hub1']) {
    const config = loadConfig(clusterFiles.host(formed, host));
    assert.equal(config.host, host);
    assert.equal(config.cluster.id, marker.clusterId);
    assert.deepEqual(config.witness, { share: join(formed, 'witness') });
  }
  const { clients, hosts } = loadConfig(clusterFiles.host(formed, 'hub1'));
  assert.deepEqual(clients, {
    address: '127.0.0.1',
    smtp: 2025,
    lmtp: 2024,
    submission: 2587,
    imap: 2143,
    imaps: 2993,
    api: 2080,
  });
  assert.deepEqual(hosts[1], {
    name: 'mbx01-node2',
    roles: ['mailbox'],
    address: '127.0.0.3',
    clusterPort: 5343,
    copyPorts: { 'First Storage Group': 5344 },
  });
});

test('form: register: a majority of any two votes reads the first decisions', async () => {
  const identity = { clusterId: marker.clusterId, incarnation: 1 };
  const acceptors = [
    new FileAcceptor({ name: 'mbx01-node1', identity, folder: join(root, 'gone') }),
    new FileAcceptor({
      name: 'mbx01-node2',
      identity,
      folder: hostFiles.acceptor(clusterFiles.host(formed, 'mbx01-node2')),
    }),
    new ShareAcceptor({ name: 'witness', identity, folder: clusterFiles.witness(formed) }),
  ];
  const register = new CasPaxosRegister({ acceptors, proposer: 'test', clock: machineClock, random: machineRandom });
  const document = (await register.peek({ timeoutMs: 2_000 }))?.document;
  assert.deepEqual(document?.storageGroups['First Storage Group']?.copies, ['mbx01-node1', 'mbx01-node2']);
  assert.deepEqual(document?.clusteredMailboxServers['mbx01']?.storageGroups, ['First Storage Group']);
});

/** Forms the demo's cluster with other votes, and says where and by whom its register is voted on. */
async function formWith(name: string, changes: Partial<ClusterSpecification>) {
  const folder = join(root, name);
  const { clusterId } = await formClusterIn(folder, { ...specification, ...changes });
  const config = loadConfig(clusterFiles.host(folder, 'mbx01-node1'));
  return { folder, clusterId, places: placesIn(config).map((place) => `${place.kind} ${place.name}`) };
}

test('form: the witness is a process: its host has a vote, and no share is made', async () => {
  const { folder, places } = await formWith(
    'with-process',
    demoSpecification(2_000, { mode: 'sync', witness: 'process' }),
  );
  assert.deepEqual(places, ['host mbx01-node1', 'host mbx01-node2', 'process witness1']);
  assert.equal(existsSync(clusterFiles.witness(folder)), false);
  assert.ok(existsSync(join(hostFiles.acceptor(clusterFiles.host(folder, 'witness1')), 'acceptor')));
});

test('form: three nodes and no witness: each has a vote, two of them decide', async () => {
  const third = { name: 'mbx01-node3', roles: ['mailbox'], address: '127.0.0.4' } as const;
  const networks = (specification.networks ?? []).map((network) => ({
    ...network,
    addresses: { ...network.addresses, [third.name]: network.role === 'private' ? '127.0.1.4' : third.address },
  }));
  const { places } = await formWith('three', { witness: 'none', hosts: [...specification.hosts, third], networks });
  assert.deepEqual(places, ['host mbx01-node1', 'host mbx01-node2', 'host mbx01-node3']);
});

test('form: a quorum disk: it alone decides, for two hosts that write it at once', async () => {
  const { folder, clusterId, places } = await formWith('disk', { witness: 'disk' });
  assert.deepEqual(places, ['disk quorum']);
  const identity = { clusterId, incarnation: 1 };
  const registers = ['A', 'B'].map((proposer) => {
    const acceptors = [new ShareAcceptor({ name: 'quorum', identity, folder: clusterFiles.quorumDisk(folder) })];
    return new CasPaxosRegister({ acceptors, proposer, clock: machineClock, random: machineRandom });
  });
  const raise: Decide = (document) => document && { ...document, version: document.version + 1 };
  const outcomes = await Promise.all(
    registers.flatMap((register) => Array.from({ length: 20 }, () => register.change(raise, { timeoutMs: 10_000 }))),
  );
  const changed = outcomes.filter((outcome) => outcome.kind === 'changed').length;
  const unknown = outcomes.filter((outcome) => outcome.kind === 'unknown').length;
  const version = (await registers[0]?.peek({ timeoutMs: 2_000 }))?.document.version ?? 0;
  assert.ok(
    changed > 0 && version >= 1 + changed && version <= 1 + changed + unknown,
    `${changed}, version ${version}`,
  );
});

test('form: two nodes and no witness: refused, and nothing is left behind', async () => {
  await assert.rejects(formWith('even', { witness: 'none' }), { code: 'ConfigInvalid', message: /even number/ });
  assert.deepEqual(readdirSync(join(root, 'even')), []);
});

test('form: secrets: readable by their owner only; the HTTP token reaches the host as a hash', () => {
  const token = readFileSync(clusterFiles.token(formed), 'utf8').trim();
  const expected = createHash('sha256').update(token).digest('hex');
  assert.equal(readFileSync(hostFiles.apiTokenSha256(clusterFiles.host(formed, 'hub1')), 'utf8').trim(), expected);
  for (const path of [
    clusterFiles.token(formed),
    join(formed, 'ca', 'key.pem'),
    join(formed, 'hub1', 'tls', 'key.pem'),
  ]) {
    assert.equal(statSync(path).mode & 0o077, 0, path);
  }
  assert.equal(statSync(formed).mode & 0o077, 0);
});

test('form: certificates: a host of its name, an administrator, what clients are shown', () => {
  const host = new X509Certificate(readIdentity(join(formed, 'mbx01-node1', 'tls')).certificate);
  assert.match(host.subject, /OU=host\nCN=mbx01-node1$/);
  const clients = new X509Certificate(readIdentity(join(formed, 'hub1', 'tls-clients')).certificate);
  assert.equal(clients.checkHost('localhost'), 'localhost');
  const administrator = new X509Certificate(readIdentity(clusterFiles.administrator(formed)).certificate);
  assert.match(administrator.subject, /OU=administrator\nCN=administrator of demo$/);
});

test('form: a folder with files that are not ours: refused, and nothing in it is touched', () => {
  const folder = join(root, 'foreign');
  mkdirSync(folder);
  writeFileSync(join(folder, 'thesis.txt'), 'years of work');
  assert.throws(() => inspectFolder(folder), { code: 'DataFolderForeign', message: /thesis\.txt/ });
  assert.deepEqual(readdirSync(folder), ['thesis.txt']);
});

test('form: a mark that is damaged or of another version: refused by name', () => {
  for (const text of ['', '{', '{"format": 2}', JSON.stringify({ ...marker, hosts: ['../../etc'] })]) {
    const folder = mkdtempSync(join(root, 'marker-'));
    writeFileSync(clusterFiles.marker(folder), text);
    assert.throws(() => inspectFolder(folder), /cluster\.json.*another folder with --data/);
  }
});

test('form: an interrupted forming: known as such, and begun anew', async () => {
  const folder = join(root, 'interrupted');
  mkdirSync(join(folder, 'hub1'), { recursive: true });
  writeMarker(folder, { ...marker, formed: false });
  assert.equal(inspectFolder(folder)?.formed, false);
  forgetCluster(folder, { ...marker, formed: false });
  assert.deepEqual(readdirSync(folder), []);
  assert.equal((await formClusterIn(folder, specification)).formed, true);
});

test('form: what cannot be written: one sentence, and the folder is as before', async () => {
  const folder = join(root, 'blocked');
  mkdirSync(folder);
  writeFileSync(join(folder, 'witness'), 'a file where a folder should be');
  await assert.rejects(formClusterIn(folder, specification));
  assert.equal(readMarker(folder), undefined);
  const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC', path: '/x' });
  assert.match(String(explainSystemError(`form the cluster in ${folder}`, full)), /the disk is full\. Free some space/);
});

test('forget: removes what forming made, leaves what others put there', () => {
  const folder = copyOfFormed('forget');
  writeFileSync(join(folder, 'note.txt'), 'mine');
  forgetCluster(folder, marker);
  assert.deepEqual(readdirSync(folder), ['note.txt']);
});

test('lock: a second one on the same folder: refused with the number of the first; free when it is released', () => {
  const folder = join(root, 'locked');
  const lock = lockFolder(folder);
  assert.throws(() => lockFolder(folder), { code: 'DataFolderInUse', message: new RegExp(`process ${process.pid}`) });
  lock.release();
  lockFolder(folder).release();
  assert.ok(readdirSync(folder).every((name) => name.startsWith(FOLDER_LOCK_NAME)));
  assert.equal(inspectFolder(folder), undefined);
});

test('lock: its holder refers to it no more and is killed: held until then, and free at once', async () => {
  const folder = join(root, 'killed');
  const module = JSON.stringify(new URL('./folder-lock.ts', import.meta.url).href);
  const program = `const { lockFolder } = await import(${module}); lockFolder(${JSON.stringify(folder)}); gc(); console.log('held'); setInterval(() => 0, 1e6);`;
  const child = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  assert.throws(() => lockFolder(folder), { code: 'DataFolderInUse' });
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('close', resolve));
  lockFolder(folder).release();
});

test('find the cluster: from its folder, from a host folder, with one host folder gone; not from elsewhere', () => {
  const folder = copyOfFormed('find');
  const names = (from: string) => findCluster(from).hosts.map((host) => host.name);
  assert.deepEqual(names(folder), ['mbx01-node1', 'mbx01-node2', 'hub1']);
  assert.deepEqual(names(join(folder, 'hub1')), ['mbx01-node1', 'mbx01-node2', 'hub1']);
  rmSync(join(folder, 'mbx01-node1'), { recursive: true });
  assert.equal(names(folder).length, 3);
  assert.throws(() => findCluster(join(root, 'nowhere')), { code: 'ClusterNotFound' });
  assert.equal(existsSync(join(root, 'nowhere')), false);
});

test('ask the cluster: no host answers: said with all that were tried', async () => {
  const access = findCluster(formed);
  const hosts = access.hosts.map((host) => ({ ...host, clusterPort: 1 }));
  const request = { command: 'Get-Mailbox', parameters: {} };
  await assert.rejects(new AdminClient({ ...access, hosts }).run(request), {
    code: 'ClusterUnreachable',
    message: /mbx01-node1 \(127\.0\.0\.2:1\), mbx01-node2 .* hub1/,
  });
});

test('form: networks in one subnet, an address by DHCP: refused before anything is made', async () => {
  const [privately, publicly] = specification.networks ?? [];
  assert.ok(privately !== undefined && publicly !== undefined);
  const folder = join(root, 'unfit');
  const unfit = { ...privately, addresses: { 'mbx01-node1': '127.0.0.12', 'mbx01-node2': 'dhcp' } };
  await assert.rejects(formClusterIn(folder, { ...specification, networks: [unfit, publicly] }), {
    code: 'NetworksUnfit',
    message: /mbx01-node2 on Private \(dhcp\) is not a fixed IP address.*are in one subnet/,
  });
  assert.equal(existsSync(folder), false);
});

test('form: networks that lean on one: formed, with a warning', () => {
  const [privately, publicly] = specification.networks ?? [];
  assert.ok(privately !== undefined && publicly !== undefined);
  const leaning = { ...specification, networks: [privately, { ...publicly, role: 'public' as const }] };
  assert.match(networkFindings(leaning).warnings.join(), /Private \(private\) is a single point of failure/);
  assert.deepEqual(networkFindings(specification), { refused: [], warnings: [] });
});

test('configuration: networks changed to unfit ones: the host does not start, and says which', () => {
  const folder = copyOfFormed('unfit-later');
  const path = hostFiles.config(clusterFiles.host(folder, 'hub1'));
  writeFileSync(path, readFileSync(path, 'utf8').replace('127.0.1.3', '127.0.0.13'));
  assert.throws(() => loadConfig(clusterFiles.host(folder, 'hub1')), { code: 'NetworksUnfit' });
});

test('form: every host has the same key for heartbeats, and nobody else may read it', () => {
  const paths = ['mbx01-node1', 'mbx01-node2', 'hub1'].map((host) =>
    hostFiles.heartbeatKey(clusterFiles.host(formed, host)),
  );
  assert.equal(new Set(paths.map((path) => readFileSync(path, 'hex'))).size, 1);
  assert.deepEqual(new Set(paths.map((path) => statSync(path).mode & 0o777)), new Set([0o600]));
});
