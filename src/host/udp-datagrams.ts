/**
 * Heartbeats' datagrams on UDP: one socket for each network, bound to this host's address there and to the number of
 * the cluster's port. A socket that cannot be opened or fails is a network that is down, which is what its silence says.
 */
import { createSocket, type Socket } from 'node:dgram';
import type { Logger } from '../base/logger.ts';
import { messageOf } from '../base/problem.ts';
import type { Datagrams } from '../cluster/heartbeat/datagrams.ts';
import { addressOn, type ClusterNetwork } from '../cluster/networks/cluster-network.ts';

export interface UdpDatagramsOptions {
  readonly host: string;
  /** Asked anew for every datagram: hosts come and go. */
  readonly networks: () => readonly ClusterNetwork[];
  readonly portOf: (host: string) => number;
  readonly logger: Logger;
}

export interface UdpDatagrams extends Datagrams {
  /** Networks, or this host's addresses on them, are others than before. */
  networksChanged(): void;
}

export function openUdpDatagrams(options: UdpDatagramsOptions): UdpDatagrams {
  const { host, networks, portOf } = options;
  let onDatagram: (network: string, bytes: Buffer) => void = () => undefined;
  const sockets = new Map<string, Socket>();
  const openNew = (): void => {
    for (const [name, address] of placesOf(host, networks())) {
      if (sockets.has(name)) continue;
      const socket = openSocket(name, address, portOf(host), options.logger);
      socket.on('message', (bytes) => onDatagram(name, bytes));
      sockets.set(name, socket);
    }
  };
  const closeGone = (): void => {
    const places = placesOf(host, networks());
    for (const [name, socket] of sockets) {
      if (places.has(name)) continue;
      socket.close();
      sockets.delete(name);
    }
  };
  openNew();
  return {
    networksChanged: () => {
      closeGone();
      openNew();
    },
    send: (name, to, bytes) => {
      const network = networks().find((each) => each.name === name);
      const address = network && addressOn(network, to);
      // What does not go out is a lost datagram; the callback keeps the socket from calling it an error of its own.
      if (address !== undefined) sockets.get(name)?.send(bytes, portOf(to), address, () => undefined);
    },
    onDatagram: (handler) => {
      onDatagram = handler;
    },
    close: () => {
      for (const socket of sockets.values()) socket.close();
      sockets.clear();
    },
  };
}

/** Where heartbeats are sent from, by network. */
function placesOf(host: string, networks: readonly ClusterNetwork[]): ReadonlyMap<string, string> {
  return new Map(
    networks.flatMap((network) => {
      const address = network.role === 'public' ? undefined : addressOn(network, host);
      return address === undefined ? [] : [[network.name, address] as const];
    }),
  );
}

function openSocket(network: string, address: string, port: number, logger: Logger): Socket {
  const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4' });
  socket.on('error', (error) => logger.warn({ network, address, port, reason: messageOf(error) }, 'heartbeats fail'));
  socket.bind(port, address);
  return socket;
}
