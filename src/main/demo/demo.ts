/**
 * The demo: a real cluster on this machine, three or four hosts, each a process group with its own folder and address. Nothing in
 * it is acted: hosts can be killed, folders deleted, connections cut. A host that dies is not started again, because
 * its death is what one tries out; a line says how to start it.
 */
import { Problem } from '../../base/problem.ts';
import { type ClientPorts, type HostConfig, hostEntry, loadConfig } from '../../host/config.ts';
import { AdminClient, findCluster } from '../admin-client.ts';
import { clusterFiles } from '../cluster-files.ts';
import { type ClusterMarker, writeMarker } from '../cluster-marker.ts';
import { explainSystemError } from '../error-line.ts';
import { type FolderLock, lockFolder } from '../folder-lock.ts';
import {
  type ClusterSpecification,
  configurationsOf,
  forgetCluster,
  formClusterIn,
  inspectFolder,
  networkFindings,
  writeConfiguration,
} from '../form-cluster.ts';
import { addHost } from './add-host.ts';
import { findCorpus } from './corpus.ts';
import { describePorts, removeDescription, writeDescription } from './demo-file.ts';
import { DemoHosts } from './hosts.ts';
import { DEFAULT_BASE_PORT, type DemoOptions, demoUsage, parseDemoOptions } from './options.ts';
import { onOtherPorts } from './other-ports.ts';
import { checkPorts, portsOf } from './ports.ts';
import { runningGroup } from './processes.ts';
import { ProgressBar } from './progress-bar.ts';
import { waitUntilReady } from './readiness.ts';
import { sendMail } from './send-mail.ts';
import { demoSpecification, HUB_NAME, PASSWORD, SERVER_NAME } from './specification.ts';
import { startHost } from './start-host.ts';
import { summaryText } from './summary.ts';
import { makeUsers } from './users.ts';

/** `demo …` with its options; returns when the demo has been stopped. */
export async function runDemo(words: readonly string[]): Promise<void> {
  if (words.includes('--help') || words.includes('-h')) return void process.stdout.write(demoUsage);
  if (words[0] === 'start-host') return await startHost(words.slice(1));
  if (words[0] === 'add-host') return await addHost(words.slice(1));
  const options = parseDemoOptions(words);
  // A folder that is not there yet is not made for a demo that cannot start.
  if (lookInto(options.folder) === undefined) await checkPorts(portsOf(newConfigurations(options)));
  const lock = takeLock(options.folder);
  try {
    await runLocked(options);
  } finally {
    lock.release();
  }
}

/** What the system refuses here is the folder's fault, and so a Problem. */
function lookInto(folder: string): ClusterMarker | undefined {
  try {
    return inspectFolder(folder);
  } catch (error) {
    throw explainSystemError(`use the data folder ${folder}`, error);
  }
}

function takeLock(folder: string): FolderLock {
  try {
    return lockFolder(folder);
  } catch (error) {
    throw explainSystemError(`use the data folder ${folder}`, error);
  }
}

async function runLocked(options: DemoOptions): Promise<void> {
  const corpus = options.mail ? findCorpus() : undefined;
  const configurations = await prepare(options);
  const hosts = new DemoHosts(
    options.folder,
    configurations.map((each) => each.host),
  );
  hosts.listenToSignals();
  try {
    hosts.startAll();
    const users = await bringUp(options, configurations, hosts);
    if (corpus !== undefined) {
      const bar = new ProgressBar(process.stderr, 'Sending mail', corpus.files.length);
      const { address, smtp } = clientsOf(configurations);
      const onProgress = (sent: number): void => bar.update(sent);
      await sendMail(corpus, { address, port: smtp, recipients: users, onProgress, stopped: () => hosts.isStopping });
    }
    if (!hosts.isStopping) process.stdout.write('Holdfast is ready\n');
    await hosts.watchUntilStopped();
  } catch (error) {
    if (!hosts.isStopping) throw error; // what was interrupted fails as it likes
  } finally {
    await hosts.stopAll();
    removeDescription(options.folder);
  }
}

/** The folder, ready to be started: the old cluster as it was, or a new one. Ports are looked at before anything is made. */
async function prepare(options: DemoOptions): Promise<readonly HostConfig[]> {
  const { folder } = options;
  const marker = inspectFolder(folder);
  if (marker !== undefined) refuseRunningHosts(folder, marker);
  const isNew = marker === undefined || !marker.formed || options.fresh;
  const plan = isNew ? undefined : planFor(folder, marker, options);
  if (plan !== undefined) {
    await checkPorts(portsOf(plan.configurations));
    for (const configuration of plan.configurations) writeConfiguration(folder, configuration);
    writeMarker(folder, plan.marker);
    removeDescription(folder);
    return plan.configurations;
  }
  const specification = newSpecification(options);
  await checkPorts(portsOf(newConfigurations(options)));
  if (marker !== undefined) forgetCluster(folder, marker);
  process.stdout.write(`Forming a cluster in ${folder}\n`);
  for (const warning of networkFindings(specification).warnings) process.stdout.write(`Warning: ${warning}\n`);
  const { clusterId } = await form(folder, specification);
  return configurationsOf(folder, specification, clusterId);
}

function newSpecification(options: DemoOptions): ClusterSpecification {
  const { mode = 'sync', witness, nodes } = options;
  return demoSpecification(options.basePort ?? DEFAULT_BASE_PORT, { mode, witness, nodes });
}

/** As they will be, but for the cluster's id, which forming makes. */
function newConfigurations(options: DemoOptions): readonly HostConfig[] {
  return configurationsOf(options.folder, newSpecification(options), '');
}

async function form(folder: string, specification: ClusterSpecification): Promise<ClusterMarker> {
  try {
    return await formClusterIn(folder, specification);
  } catch (error) {
    throw explainSystemError(`form the cluster in ${folder}`, error);
  }
}

/** A demo that was killed leaves its hosts; two services on one folder would each believe that it is theirs. */
function refuseRunningHosts(folder: string, marker: ClusterMarker): void {
  const groups = marker.hosts.flatMap((host) => runningGroup(clusterFiles.host(folder, host)) ?? []);
  if (groups.length === 0) return;
  const kill = `kill -- ${groups.map((group) => `-${group}`).join(' ')}`;
  throw new Problem(
    'HostsRun',
    `Cannot use the data folder ${folder}: hosts of an earlier demo still run on it. Stop them with "${kill}", then try again.`,
  );
}

interface Plan {
  readonly marker: ClusterMarker;
  readonly configurations: readonly HostConfig[];
}

/** The old cluster, on other ports if they were asked for. Problem('ModeDiffers' | 'WitnessDiffers' | 'DataFolderOtherCluster') */
function planFor(folder: string, marker: ClusterMarker, options: DemoOptions): Plan {
  if (options.mode !== undefined && options.mode !== marker.mode) {
    throw new Problem(
      'ModeDiffers',
      `Cannot start the demo in mode ${options.mode}: the cluster in ${folder} was formed with ${marker.mode}. Leave --mode out, or form it anew with --fresh.`,
    );
  }
  if (options.witness !== undefined && options.witness !== marker.witness) {
    throw new Problem(
      'WitnessDiffers',
      `Cannot start the demo with a witness that is a ${options.witness}: the cluster in ${folder} was formed with a ${marker.witness}. Leave --witness out, or form it anew with --fresh.`,
    );
  }
  const found = presentHosts(folder, marker);
  const nodes = found.filter((config) => hostEntry(config, config.host).roles.includes('mailbox')).length;
  if (options.nodes !== undefined && options.nodes !== nodes) {
    throw new Problem(
      'NodesDiffer',
      `Cannot start the demo with ${options.nodes} nodes: the cluster in ${folder} has ${nodes}. Leave --nodes out, form it anew with --fresh, or add a node with demo add-host.`,
    );
  }
  const basePort = options.basePort ?? marker.basePort;
  const configurations = found.map((config) => onOtherPorts(config, basePort - marker.basePort));
  return { marker: { ...marker, basePort }, configurations };
}

/** Those that the cluster knows, as they are by now: nodes may have come and gone. Problem('DataFolderOtherCluster') */
function presentHosts(folder: string, marker: ClusterMarker): readonly HostConfig[] {
  const load = (host: string): HostConfig => loadConfig(clusterFiles.host(folder, host));
  const { hosts } = load(HUB_NAME);
  const configurations = hosts.filter(({ name }) => marker.hosts.includes(name)).map(({ name }) => load(name));
  for (const { cluster, host } of configurations) {
    if (cluster.id === marker.clusterId) continue;
    throw new Problem(
      'DataFolderOtherCluster',
      `Cannot start the demo in ${folder}: the data of ${host} belongs to another cluster. Put its own folder back, or form the cluster anew with --fresh.`,
    );
  }
  return configurations;
}

/** Waits for the cluster, makes the users, prints the table and writes demo.json; returns the users' addresses. */
async function bringUp(
  options: DemoOptions,
  configurations: readonly HostConfig[],
  hosts: DemoHosts,
): Promise<readonly string[]> {
  const { folder } = options;
  const clients = clientsOf(configurations);
  const client = new AdminClient(findCluster(folder));
  const ports = portsOf(
    configurations.filter((each) => each.clients !== undefined).map((each) => ({ ...each, hosts: [] })),
  );
  const remarks = await waitUntilReady(client, ports, () => hosts.checkStart());
  const users = await makeUsers(client, options.users);
  const running = hosts.running();
  writeDescription(folder, {
    ...describePorts(clients),
    users: users.map((address) => ({ address, password: PASSWORD })),
    hosts: running,
  });
  const { activeHost, passiveHost } = await machinesOf(client);
  const addresses = new Map(configurations[0]?.hosts.map((host) => [host.name, host.address]));
  const listed = running.map((host) => ({ ...host, address: addresses.get(host.name) ?? '' }));
  process.stdout.write(summaryText({ clients, users, folder, hosts: listed, activeHost, passiveHost }));
  for (const remark of remarks) process.stdout.write(`${remark}\n`);
  return users;
}

function clientsOf(configurations: readonly HostConfig[]): ClientPorts {
  const clients = configurations.flatMap((each) => each.clients ?? [])[0];
  if (clients !== undefined) return clients;
  throw new Problem('ConfigInvalid', 'Cannot start the demo: no host serves clients. Form it anew with --fresh.');
}

async function machinesOf(client: AdminClient): Promise<{ activeHost: string; passiveHost: string }> {
  const { rows } = await client.run({ command: 'Get-StorageGroup', parameters: { Server: SERVER_NAME } });
  const [group] = rows;
  const activeHost = String(group?.['ActiveCopy'] ?? '');
  const copies = group?.['Copies'];
  const passiveHost = Array.isArray(copies) ? String(copies.find((host) => host !== activeHost) ?? '') : '';
  return { activeHost, passiveHost };
}
