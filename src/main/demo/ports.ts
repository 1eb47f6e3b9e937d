/** Whether every port is free, looked at before anything is made or started. */
import { createServer } from 'node:net';
import { messageOf, Problem } from '../../base/problem.ts';
import type { HostConfig } from '../../host/config.ts';

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
  const hosts = (configurations[0]?.hosts ?? []).flatMap((host) => [
    { name: `${host.name}, cluster`, address: host.address, port: host.clusterPort },
    ...Object.entries(host.copyPorts).map(([group, port]) => ({
      name: `${host.name}, copy of ${group}`,
      address: host.address,
      port,
    })),
  ]);
  return [...clients, ...hosts];
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
