/**
 * Makes a new cluster's folders and files on this machine: the authority and its certificates, each host's
 * configuration, the empty places of its copies, the witness's share, and the register with its first decisions.
 *
 * The folder is marked before anything else and again when everything is done (cluster-marker.ts): an interrupted
 * forming leaves a folder that is known to hold nothing of value, and is begun anew.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { stringify } from 'yaml';
import { assert } from '../base/assert.ts';
import { Problem } from '../base/problem.ts';
import type { Acceptor } from '../cluster/acceptor.ts';
import { NO_BALLOT } from '../cluster/acceptor.ts';
import type { AcceptorPlace } from '../cluster/acceptor-places.ts';
import { CasPaxosRegister } from '../cluster/caspaxos-register.ts';
import { compose, formCluster } from '../cluster/changes.ts';
import { addServer, addStorageGroup } from '../cluster/configuration-changes.ts';
import { HEARTBEAT_KEY_BYTES } from '../cluster/heartbeat/datagram.ts';
import { checkNetworks, type NetworkFindings } from '../cluster/networks/check-networks.ts';
import type { RegisterDocument, ReplicationMode } from '../cluster/register-document.ts';
import { type CertificateAuthority, createAuthority, issueCertificate } from '../host/certificates.ts';
import { type HostConfig, parseConfig, placesIn } from '../host/config.ts';
import { FileAcceptor } from '../host/file-acceptor.ts';
import { identityFolders, writeIdentity } from '../host/identity.ts';
import { machineClock, machineRandom } from '../host/machine.ts';
import { ShareAcceptor } from '../host/share-acceptor.ts';
import { clusterFiles, hostFiles } from './cluster-files.ts';
import { type ClusterMarker, readMarker, replaceFile, writeMarker } from './cluster-marker.ts';
import { FOLDER_LOCK_NAME } from './folder-lock.ts';

const REGISTER_TIMEOUT_MS = 10_000;
const TOKEN_BYTES = 32;
const CLUSTER_ID_BYTES = 16;

export interface HostSpecification {
  readonly name: string;
  readonly roles: readonly HostConfig['hosts'][number]['roles'][number][];
  readonly address: string;
}

export interface ClusterSpecification {
  readonly clusterName: string;
  /** The clustered mailbox server. */
  readonly server: string;
  readonly storageGroups: readonly string[];
  readonly mode: ReplicationMode;
  /** Every port is this plus the well-known one. */
  readonly basePort: number;
  readonly acceptedDomains: readonly string[];
  readonly allowPlaintextLogin: boolean;
  /**
   * The vote beside the nodes': a directory of the cluster's folder, or the host that has the role witness. With `disk` a
   * directory is the only vote.
   */
  readonly witness: ClusterMarker['witness'];
  /** The directory of a witness `share`, where every host and this machine reach it; without it one in the cluster's folder. */
  readonly witnessShare?: string;
  /** The mailbox hosts have a copy of every storage group, in this order of preference. */
  readonly hosts: readonly HostSpecification[];
  /** Without it there is one mixed network, on the hosts' addresses. */
  readonly networks?: NonNullable<HostConfig['networks']>;
}

/** Offsets of the cluster's own ports; the ports of further copies follow the first. */
const CLUSTER_PORT = 3343;
const FIRST_COPY_PORT = 3344;
const clientPortOffsets = { smtp: 25, lmtp: 24, submission: 587, imap: 143, imaps: 993, api: 80 } as const;

export const HIGHEST_PORT_OFFSET = FIRST_COPY_PORT;

/**
 * What the folder is to us. Problem('DataFolderForeign') when it holds something that we did not make: it is never
 * touched then.
 */
export function inspectFolder(folder: string): ClusterMarker | undefined {
  const marker = readMarker(folder);
  if (marker !== undefined || !existsSync(folder)) return marker;
  const strangers = readdirSync(folder).filter((name) => !name.startsWith(FOLDER_LOCK_NAME));
  if (strangers.length === 0) return undefined;
  throw new Problem(
    'DataFolderForeign',
    `Cannot form a cluster in ${folder}: the folder is not empty (${strangers.slice(0, 3).join(', ')}) and was not made by Holdfast. Use another folder with --data.`,
  );
}

/** Removes what forming makes, and nothing else. The caller holds the folder's lock. */
export function forgetCluster(folder: string, marker: ClusterMarker): void {
  writeMarker(folder, { ...marker, formed: false });
  removeOwnFiles(folder, marker);
}

/** The mark goes last, so that an interruption leaves a folder that is still known to be ours. */
function removeOwnFiles(folder: string, marker: ClusterMarker): void {
  const { demo, administrator, authority, witness, quorumDisk } = clusterFiles;
  const own = [demo, administrator, authority, witness, quorumDisk];
  const paths = [...own.map((path) => path(folder)), ...marker.hosts.map((host) => clusterFiles.host(folder, host))];
  for (const path of paths) rmSync(path, { recursive: true, force: true });
  rmSync(clusterFiles.marker(folder), { force: true });
}

/** Forms the cluster in `folder`, which is absolute, and ours or empty. The caller holds the folder's lock. */
export async function formClusterIn(folder: string, specification: ClusterSpecification): Promise<ClusterMarker> {
  assert(isAbsolute(folder), 'Hosts run in folders of their own, so the path is absolute');
  refuseUnfitNetworks(specification);
  const marker = markerOf(specification);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeMarker(folder, marker);
  try {
    await fill(folder, specification, marker.clusterId);
    writeMarker(folder, { ...marker, formed: true });
  } catch (error) {
    removeOwnFiles(folder, marker);
    throw error;
  }
  return { ...marker, formed: true };
}

/** Before anything is made. Problem('NetworksUnfit') */
function refuseUnfitNetworks(specification: ClusterSpecification): void {
  const { refused } = networkFindings(specification);
  if (refused.length === 0) return;
  throw new Problem(
    'NetworksUnfit',
    `Cannot form the cluster ${specification.clusterName}: ${refused.join('; ')}. Correct its networks and form it again.`,
  );
}

/** What the rules for networks say of a cluster that is to be formed; its warnings are for whoever forms it. */
export function networkFindings({ hosts, networks }: ClusterSpecification): NetworkFindings {
  if (networks === undefined) return { refused: [], warnings: [] };
  return checkNetworks(
    networks,
    hosts.map(({ name, roles }) => ({ name, isNode: roles.includes('mailbox') })),
  );
}

function markerOf(specification: ClusterSpecification): ClusterMarker {
  return {
    format: 1,
    what: 'holdfast cluster',
    clusterId: randomBytes(CLUSTER_ID_BYTES).toString('hex'),
    clusterName: specification.clusterName,
    formed: false,
    mode: specification.mode,
    basePort: specification.basePort,
    witness: specification.witness,
    hosts: specification.hosts.map((host) => host.name),
  };
}

async function fill(folder: string, specification: ClusterSpecification, clusterId: string): Promise<void> {
  const authority = await createAuthority(specification.clusterName, clusterId, machineClock.wallMs());
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const heartbeatKey = randomBytes(HEARTBEAT_KEY_BYTES);
  await makeAuthorityAndAdministrator(folder, specification, authority, token);
  if (specification.witness === 'share' && specification.witnessShare === undefined)
    mkdirSync(clusterFiles.witness(folder), { mode: 0o700 });
  if (specification.witness === 'disk') mkdirSync(clusterFiles.quorumDisk(folder), { mode: 0o700 });
  const configurations = configurationsOf(folder, specification, clusterId);
  for (const config of configurations) {
    await makeHost(clusterFiles.host(folder, config.host), config, authority, token);
    writeFileSync(hostFiles.heartbeatKey(clusterFiles.host(folder, config.host)), heartbeatKey, { mode: 0o600 });
  }
  await makeRegister(folder, specification, configurations);
}

/** One more host without a client side, made later. It begins without a vote, and with the certificate of `authority`. */
export async function makeHostFolder(
  dataFolder: string,
  config: HostConfig,
  authority: CertificateAuthority,
): Promise<void> {
  parseConfig(stringify(config), hostFiles.config(dataFolder));
  await makeHost(dataFolder, config, authority, '');
}

async function makeAuthorityAndAdministrator(
  folder: string,
  specification: ClusterSpecification,
  authority: CertificateAuthority,
  token: string,
): Promise<void> {
  writeIdentity(clusterFiles.authority(folder), { ...authority, ca: authority.certificate });
  const request = {
    name: `administrator of ${specification.clusterName}`,
    role: 'administrator',
    alternativeNames: [],
  } as const;
  writeIdentity(clusterFiles.administrator(folder), await issueCertificate(authority, request, machineClock.wallMs()));
  replaceFile(clusterFiles.token(folder), `${token}\n`);
}

async function makeHost(
  dataFolder: string,
  config: HostConfig,
  authority: CertificateAuthority,
  token: string,
): Promise<void> {
  mkdirSync(hostFiles.logFolder(dataFolder), { recursive: true, mode: 0o700 });
  const names = { name: config.host, role: 'host', alternativeNames: [] } as const;
  writeIdentity(
    resolve(dataFolder, identityFolders.host),
    await issueCertificate(authority, names, machineClock.wallMs()),
  );
  const entry = config.hosts.find((host) => host.name === config.host);
  for (const storageGroup of Object.keys(entry?.copyPorts ?? {})) {
    mkdirSync(hostFiles.copy(dataFolder, storageGroup), { recursive: true, mode: 0o700 });
  }
  if (config.clients !== undefined) await makeClientSide(dataFolder, config, config.clients.address, authority, token);
  writeConfigurationIn(dataFolder, config);
}

async function makeClientSide(
  dataFolder: string,
  config: HostConfig,
  address: string,
  authority: CertificateAuthority,
  token: string,
): Promise<void> {
  const alternativeNames = ['localhost', address, config.host];
  const request = { name: config.clusteredMailboxServer.name, role: 'clients', alternativeNames } as const;
  writeIdentity(
    resolve(dataFolder, identityFolders.clients),
    await issueCertificate(authority, request, machineClock.wallMs()),
  );
  writeFileSync(hostFiles.apiTokenSha256(dataFolder), `${createHash('sha256').update(token).digest('hex')}\n`, {
    mode: 0o600,
  });
}

/** Writes holdfast.yaml of one host; what is written is what can be read. */
export function writeConfiguration(folder: string, config: HostConfig): void {
  writeConfigurationIn(clusterFiles.host(folder, config.host), config);
}

function writeConfigurationIn(dataFolder: string, config: HostConfig): void {
  const path = hostFiles.config(dataFolder);
  const text = stringify(config);
  parseConfig(text, path);
  replaceFile(path, text);
}

/** Each host's configuration, for this folder and these ports. */
export function configurationsOf(
  folder: string,
  specification: ClusterSpecification,
  clusterId: string,
): readonly HostConfig[] {
  const { basePort, storageGroups } = specification;
  const hosts = specification.hosts.map((host) => ({
    name: host.name,
    roles: [...host.roles],
    address: host.address,
    clusterPort: basePort + CLUSTER_PORT,
    copyPorts: host.roles.includes('mailbox')
      ? Object.fromEntries(storageGroups.map((name, index) => [name, basePort + FIRST_COPY_PORT + index]))
      : {},
  }));
  return specification.hosts.map((host) => ({
    format: 1,
    cluster: { id: clusterId, name: specification.clusterName },
    host: host.name,
    hosts,
    ...(specification.networks === undefined ? {} : { networks: structuredClone(specification.networks) }),
    ...witnessOf(folder, specification),
    clusteredMailboxServer: { name: specification.server, storageGroups: [...storageGroups] },
    ...(host.roles.includes('hub') || host.roles.includes('access')
      ? { clients: clientPorts(host.address, basePort) }
      : {}),
    acceptedDomains: [...specification.acceptedDomains],
    allowPlaintextLogin: specification.allowPlaintextLogin,
  }));
}

function witnessOf(
  folder: string,
  { witness, witnessShare, hosts }: ClusterSpecification,
): Pick<HostConfig, 'witness' | 'quorumDisk'> {
  if (witness === 'none') return {};
  if (witness === 'disk') return { quorumDisk: clusterFiles.quorumDisk(folder) };
  if (witness === 'share') return { witness: { share: witnessShare ?? clusterFiles.witness(folder) } };
  const host = hosts.find(({ roles }) => roles.includes('witness'))?.name;
  assert(host !== undefined, 'A witness process runs on a host with the role witness');
  return { witness: { host } };
}

function clientPorts(address: string, basePort: number): NonNullable<HostConfig['clients']> {
  const { smtp, lmtp, submission, imap, imaps, api } = clientPortOffsets;
  return {
    address,
    smtp: basePort + smtp,
    lmtp: basePort + lmtp,
    submission: basePort + submission,
    imap: basePort + imap,
    imaps: basePort + imaps,
    api: basePort + api,
  };
}

/** Every acceptor gets its first state, all of them or none count: the register is formed only through a majority. */
async function makeRegister(
  folder: string,
  specification: ClusterSpecification,
  configurations: readonly HostConfig[],
): Promise<void> {
  const [config] = configurations;
  assert(config !== undefined, 'A cluster has hosts');
  const { id } = config.cluster;
  const acceptors = placesIn(config).map((place) => makeAcceptor(folder, place, id));
  for (const acceptor of acceptors) await acceptor.initialise(NO_BALLOT, undefined);
  const register = new CasPaxosRegister({
    acceptors,
    proposer: 'form-cluster',
    clock: machineClock,
    random: machineRandom,
  });
  const outcome = await register.change((document) => firstDocument(document, specification, id), {
    timeoutMs: REGISTER_TIMEOUT_MS,
  });
  if (outcome.kind === 'changed') return;
  const reason = 'reason' in outcome ? outcome.reason : 'it holds a document already';
  throw new Problem(
    'RegisterNotFormed',
    `Cannot form the cluster in ${folder}: the register was not written (${reason}). Try again, with --fresh.`,
  );
}

function makeAcceptor(folder: string, place: AcceptorPlace, clusterId: string): Acceptor {
  const { name } = place;
  const identity = { clusterId, incarnation: 1 };
  return 'path' in place
    ? new ShareAcceptor({ name, identity, folder: place.path })
    : new FileAcceptor({ name, identity, folder: hostFiles.acceptor(clusterFiles.host(folder, name)) });
}

function firstDocument(
  document: RegisterDocument | undefined,
  specification: ClusterSpecification,
  clusterId: string,
): RegisterDocument | undefined {
  const formed = formCluster(clusterId)(document);
  if (formed === undefined) return undefined;
  const copies = specification.hosts.filter((host) => host.roles.includes('mailbox')).map((host) => host.name);
  const { server, mode, storageGroups } = specification;
  const decided = compose(formed, [
    ...storageGroups.map(
      (name) => (current: RegisterDocument) =>
        addStorageGroup(current, { name, copies, mode, sharedStorage: false, circularLogging: true }),
    ),
    (current) => addServer(current, { name: server, storageGroups, redundantMachines: copies }),
  ]);
  // All of it is one change, the first one.
  return decided && { ...decided, version: formed.version };
}
