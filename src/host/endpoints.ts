/** From the names of endpoints to addresses, by the configuration. */
import type { EndpointName } from '../base/network.ts';
import { addressOn, type ClusterNetwork, networksBetween } from '../cluster/networks/cluster-network.ts';
import { type HostConfig, type HostEntry, networkHosts, networksOf } from './config.ts';

/** One way to an endpoint. */
export interface Place {
  readonly address: string;
  readonly port: number;
  /** The cluster network that the address belongs to. */
  readonly network: string;
}

/** Whether heartbeats call the way to a host over a network down. */
export type IsDown = (host: string, network: ClusterNetwork) => boolean;

const nothingIsDown: IsDown = () => false;

/**
 * The ways to an endpoint, best first; none = it is not in the configuration. `HOST/cluster` is a host's cluster
 * service, `HOST/copy/STORAGE GROUP` the process of one of its copies. For an endpoint of this host: where it listens.
 */
export function locateEndpoint(
  config: HostConfig,
  endpoint: EndpointName,
  isDown: IsDown = nothingIsDown,
): readonly Place[] {
  const slash = endpoint.indexOf('/');
  const host = config.hosts.find((entry) => entry.name === endpoint.slice(0, slash));
  const port = host && portOf(host, endpoint.slice(slash + 1));
  if (host === undefined || port === undefined) return [];
  return host.name === config.host ? ownPlaces(config, host, port) : placesAt(config, host, port, isDown);
}

function portOf(host: HostEntry, service: string): number | undefined {
  if (service === 'cluster') return host.clusterPort;
  if (!service.startsWith('copy/')) return undefined;
  const storageGroup = service.slice('copy/'.length);
  return Object.hasOwn(host.copyPorts, storageGroup) ? host.copyPorts[storageGroup] : undefined;
}

function placesAt(config: HostConfig, host: HostEntry, port: number, isDown: IsDown): readonly Place[] {
  const hosts = networkHosts(config);
  const from = hosts.find(({ name }) => name === config.host);
  const to = hosts.find(({ name }) => name === host.name);
  if (from === undefined || to === undefined) return [];
  return networksBetween(networksOf(config), from, to, (network) => isDown(host.name, network)).flatMap((network) => {
    const address = addressOn(network, host.name);
    return address === undefined ? [] : [{ address, port, network: network.name }];
  });
}

/** Every address of this host, and the one that administrators know it by, if that is on no network. */
function ownPlaces(config: HostConfig, host: HostEntry, port: number): readonly Place[] {
  const places = networksOf(config).flatMap((network) => {
    const address = addressOn(network, host.name);
    return address === undefined ? [] : [{ address, port, network: network.name }];
  });
  const isListed = places.some(({ address }) => address === host.address);
  return isListed ? places : [...places, { address: host.address, port, network: '' }];
}
