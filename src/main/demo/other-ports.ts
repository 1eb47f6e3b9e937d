/** A host's configuration with every port moved by the same number: what else stands in it has its own story by now. */
import type { HostConfig } from '../../host/config.ts';

export function onOtherPorts(config: HostConfig, by: number): HostConfig {
  const hosts = config.hosts.map((host) => ({
    ...host,
    clusterPort: host.clusterPort + by,
    copyPorts: movedPorts(host.copyPorts, by),
  }));
  if (config.clients === undefined) return { ...config, hosts };
  const { address, ...ports } = config.clients;
  return { ...config, hosts, clients: { address, ...movedPorts(ports, by) } };
}

function movedPorts<P extends Readonly<Record<string, number>>>(ports: P, by: number): P {
  return Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, port + by])) as P;
}
