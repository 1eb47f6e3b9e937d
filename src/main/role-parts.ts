/** The parts that the hub's and the access role's processes have in common, made from the host's configuration. */
import { join } from 'node:path';
import { Authenticator } from '../access/authentication.ts';
import { assert } from '../base/assert.ts';
import type { Logger } from '../base/logger.ts';
import { CopyFinder } from '../directory/copy-finder.ts';
import { adoptHosts } from '../host/adopt-hosts.ts';
import { type ClientPorts, type HostConfig, loadConfig } from '../host/config.ts';
import { locateEndpoint } from '../host/endpoints.ts';
import { type Identity, identityFolders, readIdentity } from '../host/identity.ts';
import { machineClock, machineRandom } from '../host/machine.ts';
import { pinoLogger } from '../host/pino-logger.ts';
import { TlsNetwork } from '../host/tls-network.ts';
import { endOnInternalError } from './lifeline.ts';

export interface RoleParts {
  readonly config: HostConfig;
  readonly clients: ClientPorts;
  readonly logger: Logger;
  readonly network: TlsNetwork;
  readonly finders: readonly CopyFinder[];
  readonly authenticator: Authenticator;
  /** Nodes have come or gone: the file says which. */
  readonly rereadHosts: () => void;
  /** What clients are shown. */
  readonly certificate: Identity;
}

export function openRole(dataFolder: string, role: 'hub' | 'access'): RoleParts {
  const config = loadConfig(dataFolder);
  const { clients } = config;
  assert(clients !== undefined, `A host with the role ${role} has ports for clients`);
  const logger = pinoLogger({ host: config.host, role });
  endOnInternalError(logger);
  const network = new TlsNetwork({
    identity: readIdentity(join(dataFolder, identityFolders.host)),
    locate: (endpoint) => locateEndpoint(config, endpoint),
    logger,
    onListenError: () => undefined, // these roles have no endpoint of their own
  });
  const finders = config.clusteredMailboxServer.storageGroups.map((storageGroup) => {
    const hosts = hostsWithCopy(config, storageGroup);
    return new CopyFinder({ network, clock: machineClock, logger, storageGroup, hosts });
  });
  const rereadHosts = (): void => {
    adoptHosts(config, loadConfig(dataFolder), network);
    for (const finder of finders) finder.lookOn(hostsWithCopy(config, finder.storageGroup));
  };
  const authenticator = new Authenticator({ finders, clock: machineClock, random: machineRandom, logger });
  const certificate = readIdentity(join(dataFolder, identityFolders.clients));
  return { config, clients, logger, network, finders, authenticator, rereadHosts, certificate };
}

function hostsWithCopy(config: HostConfig, storageGroup: string): readonly string[] {
  return config.hosts.filter((host) => Object.hasOwn(host.copyPorts, storageGroup)).map((host) => host.name);
}
