/**
 * `holdfast init-host NAME`: the folder of one more node, or of one whose folder was lost, for a machine that it is carried to. It is
 * made from the folder of a host that runs, which knows the cluster as it is now, and from the authority's, which signs.
 */
import { existsSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { Problem } from '../../base/problem.ts';
import { type HostConfig, hostNameSchema, loadConfig } from '../../host/config.ts';
import { readIdentity } from '../../host/identity.ts';
import { explainSystemError } from '../error-line.ts';
import { makeNodeFolder, type NewNode } from './make-node.ts';
import { invalid, parseWords } from './words.ts';

const usage =
  'holdfast init-host NAME --from HOST_FOLDER --authority CA_FOLDER --to DIR [--address ADDRESS] [--network NETWORK=ADDRESS …]';

/** Problem('ArgumentInvalid' | 'HostFolderExists' | 'HostHasClients' | 'ConfigInvalid' | 'NetworksUnfit'), or what its files have. */
export async function runInitHost(words: readonly string[], print: (line: string) => void): Promise<void> {
  const { values, positionals } = parseWords(words, usage, optionsOf, ['from', 'authority', 'to']);
  const [name = ''] = positionals;
  if (positionals.length !== 1 || !hostNameSchema.safeParse(name).success)
    throw invalid('one name of a host is wanted', usage);
  const knownFolder = resolve(String(values['from']));
  const known = loadConfig(knownFolder);
  const authority = readIdentity(resolve(String(values['authority'])));
  const dataFolder = resolve(String(values['to']));
  if (existsSync(dataFolder)) {
    throw new Problem(
      'HostFolderExists',
      `Cannot make ${name}: ${dataFolder} is there. Give another folder with --to.`,
    );
  }
  const isKnown = known.hosts.some((host) => host.name === name);
  const node = isKnown ? knownNode(known, name) : newNode(known, name, values);
  try {
    await makeNodeFolder(dataFolder, node, { known, knownFolder, authority });
  } catch (error) {
    rmSync(dataFolder, { recursive: true, force: true });
    throw explainSystemError(`make ${name} in ${dataFolder}`, error);
  }
  for (const line of isKnown ? stepsBack(node, dataFolder) : stepsIn(node, dataFolder)) print(line);
}

const optionsOf = {
  from: { type: 'string' },
  authority: { type: 'string' },
  to: { type: 'string' },
  address: { type: 'string' },
  network: { type: 'string', multiple: true },
} as const;

/** What clients are shown and the token of the HTTP interface are nobody's but the lost folder's. */
function knownNode(known: HostConfig, name: string): NewNode {
  const entry = known.hosts.find((host) => host.name === name);
  if (entry !== undefined && !entry.roles.some((role) => role === 'hub' || role === 'access')) {
    return { name, address: entry.address, addresses: {} };
  }
  throw new Problem(
    'HostHasClients',
    `Cannot make ${name} anew: it serves clients, and their certificate is only in its own folder. Put holdfast.yaml, tls/, tls-clients/ and api-token.sha256 back from a backup.`,
  );
}

function newNode(known: HostConfig, name: string, values: Readonly<Record<string, unknown>>): NewNode {
  const { address, network: given = [] } = values as { address?: string; network?: readonly string[] };
  if (address === undefined) throw invalid('--address is missing', usage);
  const names = (known.networks ?? []).map((network) => network.name);
  const addresses = given.map((each) => {
    const [called = '', there = ''] = each.split('=');
    const network = names.find((one) => one.toLowerCase() === called.toLowerCase());
    if (network === undefined || there === '') {
      throw invalid(`--network ${each} is not NETWORK=ADDRESS with one of ${names.join(', ') || 'no networks'}`, usage);
    }
    return [network, there] as const;
  });
  return { name, address, addresses: Object.fromEntries(addresses) };
}

function stepsIn({ name, address, addresses }: NewNode, dataFolder: string): readonly string[] {
  const networks = Object.entries(addresses).map(([network, there]) => `'${network}=${there}'`);
  const where = networks.length === 0 ? '' : ` -NetworkAddresses ${networks.join(',')}`;
  return [
    `${name} is made in ${dataFolder}. What makes it a node with a copy:`,
    `  carry ${dataFolder} to its machine, delete it here, and start it there: bin/holdfast host --data FOLDER`,
    `  bin/holdfast Add-ClusterNode ${name} -Address ${address}${where}`,
    `  bin/holdfast Enable-StorageGroupCopy STORAGE_GROUP ${name}`,
  ];
}

function stepsBack({ name }: NewNode, dataFolder: string): readonly string[] {
  return [
    `${name}, which the cluster knows, is made anew in ${dataFolder}. What brings it back:`,
    `  carry ${dataFolder} to its machine, delete it here, and start it there: bin/holdfast host --data FOLDER`,
    `  bin/holdfast Update-StorageGroupCopy STORAGE_GROUP -DeleteExistingFiles, if its copy is not Healthy after a while`,
    `  bin/holdfast Restore-ClusterVote ${name}`,
  ];
}
