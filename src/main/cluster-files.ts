/**
 * Where the files of a cluster that was formed on one machine lie. One place, because the one who forms it, the demo
 * that starts it and the shell that administers it must agree.
 *
 *   DIR/cluster.json           whose folder this is: format, cluster id, whether forming was finished
 *   DIR/demo.json              what runs where now
 *   DIR/admin/                 the administrator's certificate, and the token of the HTTP API
 *   DIR/ca/                    the cluster's own authority
 *   DIR/witness/               the file share witness
 *   DIR/quorum/                or the directory that is the only vote
 *   DIR/<host>/                a host's data folder
 */
import { join } from 'node:path';
import { CONFIG_FILE_NAME } from '../host/config-file-name.ts';

export const clusterFiles = {
  marker: (folder: string) => join(folder, 'cluster.json'),
  demo: (folder: string) => join(folder, 'demo.json'),
  administrator: (folder: string) => join(folder, 'admin'),
  token: (folder: string) => join(folder, 'admin', 'token'),
  authority: (folder: string) => join(folder, 'ca'),
  witness: (folder: string) => join(folder, 'witness'),
  quorumDisk: (folder: string) => join(folder, 'quorum'),
  host: (folder: string, host: string) => join(folder, host),
} as const;

/** In a host's data folder. */
export const hostFiles = {
  config: (dataFolder: string) => join(dataFolder, CONFIG_FILE_NAME),
  /** The folder of this host's vote in the cluster's register. */
  acceptor: (dataFolder: string) => join(dataFolder, 'acceptor'),
  /** Who votes on the register, as this host last learned it. */
  votes: (dataFolder: string) => join(dataFolder, 'votes.json'),
  /** Once it was evicted. */
  evicted: (dataFolder: string) => join(dataFolder, 'evicted'),
  copies: (dataFolder: string) => join(dataFolder, 'copies'),
  /** The secret by which hosts of this cluster know each other's heartbeats. */
  heartbeatKey: (dataFolder: string) => join(dataFolder, 'heartbeat.key'),
  /** Log and database of one storage group. */
  copy: (dataFolder: string, storageGroup: string) => join(dataFolder, 'copies', storageGroup),
  /** Logs of messages that a hub has answered for. */
  queues: (dataFolder: string) => join(dataFolder, 'queues'),
  /** The addresses that a hub knows, for when no copy can be asked. */
  recipients: (dataFolder: string) => join(dataFolder, 'recipients'),
  /** How each storage group commits, as last told. */
  modes: (dataFolder: string) => join(dataFolder, 'modes.json'),
  /** SHA-256 of the token of the HTTP API, as hex. */
  apiTokenSha256: (dataFolder: string) => join(dataFolder, 'api-token.sha256'),
  /** The process group that the demo started for it last. */
  processGroup: (dataFolder: string) => join(dataFolder, 'process-group'),
  logFolder: (dataFolder: string) => join(dataFolder, 'log'),
  /** What its processes print. */
  log: (dataFolder: string) => join(dataFolder, 'log', 'host.log'),
} as const;
