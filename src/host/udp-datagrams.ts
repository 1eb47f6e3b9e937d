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

export function openUdpDatagrams(options: UdpDatagramsOptions): Datagrams {
  const { host, networks, portOf } = options;
  let onDatagram: (network: string, bytes: Buffer) => void = () => undefined;
  const sockets = new Map<string, Socket>();
  for (const network of networks()) {
    const address = addressOn(network, host);
    if (address === undefined || network.role === 'public') continue;
    const socket = openSocket(network.name, address, portOf(host), options.logger);
    socket.on('message', (bytes) => onDatagram(network.name, bytes));
    sockets.set(network.name, socket);
  }
  return {
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

function openSocket(network: string, address: string, port: number, logger: Logger): Socket {
  const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4' });
  socket.on('error', (error) => logger.warn({ network, address, port, reason: messageOf(error) }, 'heartbeats fail'));
  socket.bind(port, address);
  return socket;
}
