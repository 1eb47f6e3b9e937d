/**
 * A host's configuration: one YAML file in its data folder, written when the cluster is formed or joined, read at
 * start. It says who this host is and where the others are, which changes only when a node comes or goes (config-edit.ts); everything
 * that the cluster decides (who is active, in-sync sets, modes) is in the cluster register, never here.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { isProblem, messageOf, Problem } from '../base/problem.ts';
import { type AcceptorPlace, placesOf } from '../cluster/acceptor-places.ts';
import { MAX_NETWORK_PRIORITY } from '../cluster/limits.ts';
import { checkNetworks } from '../cluster/networks/check-networks.ts';
import {
  type ClusterNetwork,
  defaultHeartbeat,
  type NetworkHost,
  onlyNetwork,
} from '../cluster/networks/cluster-network.ts';
import { CONFIG_FILE_NAME } from './config-file-name.ts';

const port = z.number().int().min(1).max(65535);
export const hostNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/, 'a host name: letters, digits and hyphens');

const name = hostNameSchema;
export const rolesSchema = z.array(z.enum(['mailbox', 'hub', 'access', 'witness']));

const hostSchema = z.strictObject({
  name,
  roles: rolesSchema,
  address: z.string(),
  /** The cluster service: register, status, administration; mutual TLS. */
  clusterPort: port,
  /** One port for each copy that this host has, by storage group. */
  copyPorts: z.record(z.string(), port),
});

/** Bounds of heartbeats: below them they burden the machine, above them nobody needs them any more. */
const heartbeatSchema = z
  .strictObject({
    intervalMs: z.number().int().min(50).max(5_000),
    toleratedMissed: z.number().int().min(3).max(50),
  })
  .default(defaultHeartbeat);

/** Without a list there is one mixed network, on the hosts' addresses. */
export const networkSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 -]{0,62}$/, 'a network name: letters, digits, spaces and hyphens'),
  role: z.enum(['private', 'public', 'mixed']),
  priority: z.number().int().min(1).max(MAX_NETWORK_PRIORITY),
  prefixLength: z.number().int().min(1).max(128),
  heartbeat: heartbeatSchema,
  addresses: z.record(z.string(), z.string()),
  hostNames: z.record(name, name).optional(),
});

const clientPortsSchema = z.strictObject({
  address: z.string(),
  smtp: port,
  lmtp: port,
  submission: port,
  imap: port,
  imaps: port,
  api: port,
});

const configSchema = z.strictObject({
  format: z.literal(1),
  cluster: z.strictObject({ id: z.string().regex(/^[0-9a-f]{32}$/), name }),
  host: name,
  hosts: z.array(hostSchema).min(1).max(16),
  networks: z.array(networkSchema).min(1).max(8).optional(),
  /** The vote beside the nodes': a file share, as this host reaches it, or a host that runs nothing but its vote. */
  witness: z.union([z.strictObject({ share: z.string().min(1) }), z.strictObject({ host: name })]).optional(),
  /** A directory on shared storage that is the only vote, then. */
  quorumDisk: z.string().min(1).optional(),
  clusteredMailboxServer: z.strictObject({ name, storageGroups: z.array(z.string()).min(1) }),
  /** Where clients connect; only on hosts with the role hub or access. */
  clients: clientPortsSchema.optional(),
  /** Domains whose recipients are ours. */
  acceptedDomains: z.array(z.string()),
  /** Log in without TLS: only sensible where clients connect over loopback. */
  allowPlaintextLogin: z.boolean(),
});

export type HostConfig = z.infer<typeof configSchema>;
export type HostEntry = z.infer<typeof hostSchema>;
export type ClientPorts = z.infer<typeof clientPortsSchema>;

/** Problem('ConfigUnreadable' | 'ConfigInvalid'), each with the file and the line or field. */
export function loadConfig(dataFolder: string): HostConfig {
  const path = join(dataFolder, CONFIG_FILE_NAME);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Problem('ConfigUnreadable', `Cannot read the configuration ${path}: ${unreadable(error)}.`, {
      cause: error,
    });
  }
  return parseConfig(text, path);
}

function unreadable(error: unknown): string {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  return isMissing
    ? 'it is not there. Give the right folder with --data; if the folder of this host was lost, put holdfast.yaml and tls/ back from a backup, start the host, then make its copy anew with Update-StorageGroupCopy'
    : `${messageOf(error)}. Mend that, or give another folder with --data`;
}

export function parseConfig(text: string, path: string): HostConfig {
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    throw new Problem(
      'ConfigInvalid',
      `Cannot use the configuration ${path}: it is not YAML (${messageOf(error).split('\n')[0]}). Correct it and start again.`,
      { cause: error },
    );
  }
  const result = configSchema.safeParse(document);
  if (!result.success) {
    const issue = result.error.issues[0];
    const field = issue?.path.join('.') || 'the whole file';
    throw new Problem(
      'ConfigInvalid',
      `Cannot use the configuration ${path}: ${field}: ${issue?.message ?? 'invalid'}. Correct it and start again.`,
    );
  }
  const config = result.data;
  checkQuorum(config, path);
  if (!config.hosts.some((host) => host.name === config.host)) {
    throw new Problem(
      'ConfigInvalid',
      `Cannot use the configuration ${path}: host: ${config.host} is not in the list of hosts. Correct it and start again.`,
    );
  }
  refuseUnfitNetworks(config, path);
  return config;
}

function checkQuorum(config: HostConfig, path: string): void {
  try {
    placesIn(config);
  } catch (error) {
    if (!isProblem(error)) throw error;
    throw new Problem(
      'ConfigInvalid',
      `Cannot use the configuration ${path}: ${error.message} Correct it and start again.`,
      { cause: error },
    );
  }
}

/** Who votes on the register. Problem('QuorumInvalid') */
export function placesIn({ hosts, witness, quorumDisk }: HostConfig): readonly AcceptorPlace[] {
  const nodes = hosts.filter((host) => host.roles.includes('mailbox')).map((host) => host.name);
  if (witness !== undefined && 'host' in witness) {
    const { host } = witness;
    const isWitness = hosts.some((entry) => entry.name === host && entry.roles.includes('witness'));
    if (!isWitness) {
      throw new Problem(
        'QuorumInvalid',
        `Cannot form a quorum: ${host} is to be the witness and has not that role. Give it the role witness.`,
      );
    }
  }
  return placesOf({ nodes, witness, quorumDisk });
}

function refuseUnfitNetworks(config: HostConfig, path: string): void {
  if (config.networks === undefined) return;
  const { refused } = checkNetworks(config.networks, networkHosts(config));
  if (refused.length === 0) return;
  throw new Problem(
    'NetworksUnfit',
    `Cannot use the networks in ${path}: ${refused.join('; ')}. Correct networks and start again.`,
  );
}

export function networksOf(config: HostConfig): readonly ClusterNetwork[] {
  return config.networks ?? [onlyNetwork(Object.fromEntries(config.hosts.map(({ name, address }) => [name, address])))];
}

export function networkHosts(config: HostConfig): readonly NetworkHost[] {
  return config.hosts.map(({ name, roles }) => ({ name, isNode: roles.includes('mailbox') }));
}

export function hostEntry(config: HostConfig, hostName: string): HostEntry {
  const entry = config.hosts.find((host) => host.name === hostName);
  if (entry === undefined)
    throw new Problem('HostUnknown', `Cannot find host ${hostName}: it is not in the configuration`);
  return entry;
}
