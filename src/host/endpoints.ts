/** From the names of endpoints to addresses, by the configuration. */
import type { EndpointName } from '../base/network.ts';
import type { HostConfig } from './config.ts';

/** `HOST/cluster` is a host's cluster service, `HOST/copy/STORAGE GROUP` the process of one of its copies. */
export function locateEndpoint(
  config: HostConfig,
  endpoint: EndpointName,
): { address: string; port: number } | undefined {
  const slash = endpoint.indexOf('/');
  const host = config.hosts.find((entry) => entry.name === endpoint.slice(0, slash));
  const service = endpoint.slice(slash + 1);
  if (host === undefined) return undefined;
  if (service === 'cluster') return { address: host.address, port: host.clusterPort };
  if (!service.startsWith('copy/')) return undefined;
  const storageGroup = service.slice('copy/'.length);
  const port = Object.hasOwn(host.copyPorts, storageGroup) ? host.copyPorts[storageGroup] : undefined;
  return port === undefined ? undefined : { address: host.address, port };
}
