/**
 * A network that a test can cut: it stands at an address of its own and passes TCP and UDP on to one host. Cut, it
 * swallows everything and closes nothing, as a switch that has died does; new connections come about and stay mute.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface ProxyPlace {
  /** Where it stands. */
  readonly address: string;
  /** The host behind it. */
  readonly target: string;
  readonly tcpPorts: readonly number[];
  readonly udpPort: number;
}

export class NetworkProxy {
  readonly #place: ProxyPlace;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  #udp: UdpSocket | undefined;
  #isCut = false;
  /** Connections that were passed on. */
  connections = 0;

  private constructor(place: ProxyPlace) {
    this.#place = place;
  }

  static async open(place: ProxyPlace): Promise<NetworkProxy> {
    const proxy = new NetworkProxy(place);
    for (const port of place.tcpPorts) await proxy.#listen(port);
    await proxy.#openUdp();
    return proxy;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** What was connected while it was cut breaks: its packets are long gone. */
  heal(): void {
    this.#isCut = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#udp?.close();
  }

  #listen(port: number): Promise<void> {
    const server = createServer((near) => this.#accept(near, port));
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, this.#place.address, () => resolve());
    });
  }

  #accept(near: Socket, port: number): void {
    this.#keep(near);
    if (this.#isCut) return void near.pause();
    this.connections += 1;
    const far = connect(port, this.#place.target);
    this.#keep(far);
    near.pipe(far);
    far.pipe(near);
    near.once('close', () => far.destroy());
    far.once('close', () => near.destroy());
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #openUdp(): Promise<void> {
    const { address, target, udpPort } = this.#place;
    const udp = createSocket('udp4');
    this.#udp = udp;
    udp.on('message', (bytes) => {
      if (!this.#isCut) udp.send(bytes, udpPort, target);
    });
    return new Promise((resolve, reject) => {
      udp.once('error', reject);
      udp.bind(udpPort, address, () => resolve());
    });
  }
}
