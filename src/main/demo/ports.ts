/** Whether every port is free, looked at before anything is made or started. */
import { createServer } from 'node:net';
import { messageOf, Problem } from '../../base/problem.ts';
import type { HostConfig } from '../../host/config.ts';
import { locateEndpoint } from '../../host/endpoints.ts';

export interface ListenedPort {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** All ports of all hosts, those of clients first. */
export function portsOf(configurations: readonly HostConfig[]): readonly ListenedPort[] {
  const clients = configurations.flatMap(({ clients: ports }) => {
    if (ports === undefined) return [];
    const { address, ...byName } = ports;
    return Object.entries(byName).map(([name, port]) => ({ name: name.toUpperCase(), address, port }));
  });
  const hosts = configurations.flatMap((config) =>
    config.hosts
      .filter((host) => host.name === config.host)
      .flatMap((host) => [
        ...placesOf(config, `${host.name}/cluster`, `${host.name}, cluster`),
        ...Object.keys(host.copyPorts).flatMap((group) =>
          placesOf(config, `${host.name}/copy/${group}`, `${host.name}, copy of ${group}`),
        ),
      ]),
  );
  return [...clients, ...hosts];
}

function placesOf(config: HostConfig, endpoint: string, name: string): readonly ListenedPort[] {
  return locateEndpoint(config, endpoint).map(({ address, port, network }) => ({
    name: network === '' ? name : `${name}, ${network}`,
    address,
    port,
  }));
}

/** Problem('PortInUse' | 'PortForbidden' | 'AddressMissing') for the first that cannot be listened on. */
export async function checkPorts(ports: readonly ListenedPort[]): Promise<void> {
  for (const place of ports) await tryPort(place);
}

function tryPort(place: ListenedPort): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => reject(portProblem(place, error)));
    server.listen({ host: place.address, port: place.port, exclusive: true }, () => server.close(() => resolve()));
  });
}

function portProblem(place: ListenedPort, error: NodeJS.ErrnoException): Problem {
  const cannot = `Cannot listen on ${place.address}:${place.port} (${place.name})`;
  switch (error.code) {
    case 'EADDRINUSE':
      return new Problem(
        'PortInUse',
        `${cannot}: port ${place.port} is in use. Stop what uses it, or take others with --port BASE.`,
      );
    case 'EACCES':
      return new Problem(
        'PortForbidden',
        `${cannot}: ports this low are not for ordinary users. Take others with --port BASE.`,
      );
    case 'EADDRNOTAVAIL':
      return new Problem(
        'AddressMissing',
        `${cannot}: this machine has no address ${place.address}. Add it (macOS: sudo ifconfig lo0 alias ${place.address}).`,
      );
    default:
      return new Problem('CannotListen', `${cannot}: ${messageOf(error)}.`);
  }
}
