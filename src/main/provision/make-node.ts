/**
 * The folder of a host that comes later: its configuration like that of a host which knows the cluster as it is now, a certificate of the
 * cluster's authority, the key of the heartbeats, and who votes. It begins without a vote and without a copy.
 */
import { copyFileSync } from 'node:fs';
import { Problem } from '../../base/problem.ts';
import type { HostConfig } from '../../host/config.ts';
import type { Identity } from '../../host/identity.ts';
import { hostFiles } from '../cluster-files.ts';
import { makeHostFolder } from '../form-cluster.ts';

export interface NewNode {
  readonly name: string;
  readonly address: string;
  /** By network, where there is a list of networks. */
  readonly addresses: Readonly<Record<string, string>>;
}

export interface NodeOrigin {
  /** Of a host that knows the cluster as it is now. */
  readonly known: HostConfig;
  readonly knownFolder: string;
  readonly authority: Identity;
}

/** Makes `dataFolder`, which is not there. Problem('ConfigInvalid' | 'NetworksUnfit' | 'NoNodeToBeLike') */
export async function makeNodeFolder(dataFolder: string, node: NewNode, origin: NodeOrigin): Promise<void> {
  await makeHostFolder(dataFolder, withNode(origin.known, node), origin.authority);
  for (const file of [hostFiles.heartbeatKey, hostFiles.votes])
    copyFileSync(file(origin.knownFolder), file(dataFolder));
}

/** One that the cluster knows already is made as it is known there: its folder was lost. */
function withNode(known: HostConfig, node: NewNode): HostConfig {
  const { clients: _clients, ...config } = structuredClone(known);
  const { name, address, addresses } = node;
  if (config.hosts.some((host) => host.name === name)) return { ...config, host: name };
  const like = config.hosts.find(({ roles }) => roles.includes('mailbox'));
  if (like === undefined) {
    throw new Problem('NoNodeToBeLike', `Cannot make ${name}: the cluster has no node to be like.`);
  }
  const networks = config.networks?.map((network) => {
    const there = addresses[network.name];
    return there === undefined ? network : { ...network, addresses: { ...network.addresses, [name]: there } };
  });
  return {
    ...config,
    host: name,
    hosts: [...config.hosts, { ...like, name, address }],
    ...(networks === undefined ? {} : { networks }),
  };
}
