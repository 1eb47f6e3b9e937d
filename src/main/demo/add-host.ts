/**
 * `holdfast demo add-host NAME`: the folder of one more node, with a certificate of the cluster's authority. Nobody knows of it
 * yet: the commands that it prints start it, make it a node, and give it a copy.
 */
import { existsSync } from 'node:fs';
import { Problem } from '../../base/problem.ts';
import type { HostConfig } from '../../host/config.ts';
import { loadConfig } from '../../host/config.ts';
import { readIdentity } from '../../host/identity.ts';
import { clusterFiles, hostFiles } from '../cluster-files.ts';
import { type ClusterMarker, writeMarker } from '../cluster-marker.ts';
import { makeNodeFolder } from '../provision/make-node.ts';
import { parseHostOptions } from './options.ts';
import { type DemoNode, demoNode, demoNodeCalled, MAX_NODES, SERVER_NAME, STORAGE_GROUP } from './specification.ts';
import { formedDemo } from './start-host.ts';
import { dataOption } from './summary.ts';

export async function addHost(words: readonly string[]): Promise<void> {
  const { folder, host } = parseHostOptions('add', words);
  const marker = formedDemo(folder);
  const node = nodeToMake(folder, host);
  const known = knownConfiguration(folder, marker, host);
  const dataFolder = clusterFiles.host(folder, host);
  const authority = readIdentity(clusterFiles.authority(folder));
  const { name, address, privateAddress } = node;
  const addresses = { Private: privateAddress, Public: address };
  const knownFolder = clusterFiles.host(folder, known.host);
  await makeNodeFolder(dataFolder, { name, address, addresses }, { known, knownFolder, authority });
  writeMarker(folder, { ...marker, hosts: [...marker.hosts.filter((name) => name !== host), host] });
  process.stdout.write(nextSteps(folder, node));
}

/** Problem('HostNameUnfit' | 'HostFolderExists') */
function nodeToMake(folder: string, host: string): DemoNode {
  const node = demoNodeCalled(host);
  const dataFolder = clusterFiles.host(folder, host);
  if (node === undefined) {
    throw new Problem(
      'HostNameUnfit',
      `Cannot make ${host}: the demo's nodes are called ${demoNode(1).name} to ${demoNode(MAX_NODES).name}.`,
    );
  }
  if (!existsSync(dataFolder)) return node;
  throw new Problem(
    'HostFolderExists',
    `Cannot make ${host}: ${dataFolder} is there. If it was evicted with Remove-ClusterNode, move that folder away first.`,
  );
}

/** Of a host that knows the cluster as it is now, with everything but `host`. */
function knownConfiguration(folder: string, marker: ClusterMarker, host: string): HostConfig {
  const hub = marker.hosts
    .filter((name) => name !== host && existsSync(hostFiles.config(clusterFiles.host(folder, name))))
    .map((name) => loadConfig(clusterFiles.host(folder, name)))
    .find(({ clients }) => clients !== undefined);
  if (hub === undefined) {
    throw new Problem('ClusterNotFound', `Cannot make ${host}: no host in ${folder} serves clients. Form it anew.`);
  }
  if (hub.hosts.every(({ name }) => name !== host)) return hub;
  throw new Problem(
    'HostKnown',
    `Cannot make ${host}: the cluster has a node of this name. If that is lost, evict it first with Remove-ClusterNode ${host}.`,
  );
}

function nextSteps(folder: string, { name, address, privateAddress }: DemoNode): string {
  const data = dataOption(folder);
  const networks = `-NetworkAddresses Private=${privateAddress},Public=${address}`;
  return `${name} is made. What makes it a node with a copy:
  bin/holdfast demo start-host ${name}${data}
  bin/holdfast Add-ClusterNode ${name} -Address ${address} ${networks}${data}
  bin/holdfast Enable-StorageGroupCopy '${SERVER_NAME}\\${STORAGE_GROUP}' ${name}${data}
`;
}
