/**
 * The network port on mutual TLS. Both ends show a certificate of the cluster's own CA; the name in it is who they are,
 * and a server that is not the host it was called as is refused. A CRC is for disks, never for peers: TLS protects the
 * frames.
 *
 * A frame is its length (u32, little endian) and its bytes. Length 0 is a heartbeat: a side that has sent nothing for a
 * while sends one, and a side that has heard nothing for longer closes, so that a machine whose plug was pulled is
 * noticed although no FIN ever comes.
 */
import { createServer, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { assert } from '../base/assert.ts';
import type { Logger } from '../base/logger.ts';
import { type Channel, type ConnectOptions, type EndpointName, type Network, networkLimits } from '../base/network.ts';
import { messageOf, Problem } from '../base/problem.ts';
import type { Place } from './endpoints.ts';
import { firstToConnect } from './first-to-connect.ts';
import { RefusalLog } from './refusal-log.ts';

const HEARTBEAT_INTERVAL_MS = 1_000;
const SILENCE_LIMIT_MS = 4_000;
const HANDSHAKE_LIMIT_MS = 5_000;
/** A way that has not come about for this long gets company from the next one. */
const NEXT_WAY_MS = 250;
const MAX_CHANNELS_PER_ENDPOINT = 4_096;
/** Up to here, frames of one turn are copied into one write; larger ones go out one by one. */
const COALESCE_BYTES = 64 * 1024;

export interface TlsIdentity {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
}

export interface TlsNetworkOptions {
  readonly identity: TlsIdentity;
  /** The ways to an endpoint, best first, or where one of this host listens; none = not known. */
  readonly locate: (endpoint: EndpointName) => readonly Place[];
  readonly logger: Logger;
  /** Called when an endpoint cannot listen; the process cannot do its work then. */
  readonly onListenError: (endpoint: EndpointName, problem: Problem) => void;
}

export class TlsNetwork implements Network {
  readonly #options: TlsNetworkOptions;
  readonly #refusals: RefusalLog;
  readonly #channels = new Set<TlsChannel>();
  /** What connected to where, without a network named for it, and which networks led there then, best first. */
  readonly #freelyMade = new WeakMap<
    TlsChannel,
    { readonly endpoint: EndpointName; readonly networks: readonly string[] }
  >();
  readonly #listeners = new Set<Listener>();

  constructor(options: TlsNetworkOptions) {
    this.#options = options;
    this.#refusals = new RefusalLog(options.logger);
  }

  /**
   * Tries the ways in their order. The next one begins when one fails, or has not come about for a moment: a network
   * that swallows everything must not cost the whole time. The first to come about is taken.
   */
  async connect(endpoint: EndpointName, timeoutMs: number, options: ConnectOptions = {}): Promise<Channel> {
    const all = this.#options.locate(endpoint);
    if (all.length === 0) throw unreachable(endpoint, 'it is not in the configuration');
    const places = options.network === undefined ? all : all.filter(({ network }) => network === options.network);
    if (places.length === 0) throw unreachable(endpoint, `it has no address on ${options.network}`);
    const attempts = new AbortController();
    try {
      const ways = places.map((place) => (signal: AbortSignal) => this.#dial(endpoint, place, timeoutMs, signal));
      const channel = await firstToConnect(ways, NEXT_WAY_MS, attempts.signal);
      if (options.network === undefined) {
        this.#freelyMade.set(channel, { endpoint, networks: all.map(({ network }) => network) });
      }
      return channel;
    } finally {
      attempts.abort();
    }
  }

  /** Closes what runs over one network between this host and another, so that it is formed again over the next one. */
  closeOver(remoteHost: string, network: string, reason: string): void {
    for (const channel of this.#channels)
      if (channel.remoteHost === remoteHost && channel.network === network) channel.abandon(reason);
  }

  /**
   * Closes what this process connected to another host over a network that comes after `network` there, so that it is formed again
   * over the better one. What was to take a network by name stays.
   */
  returnTo(remoteHost: string, network: string): void {
    for (const channel of this.#channels) {
      const made = this.#freelyMade.get(channel);
      if (made === undefined || channel.remoteHost !== remoteHost) continue;
      const names = this.#networksTo(made.endpoint);
      const isBetter = names.includes(network) && names.indexOf(network) < names.indexOf(channel.network);
      if (isBetter) channel.close(`${network} is back`);
    }
  }

  /**
   * Hosts or networks are others than before: listens where it is to be listened now, and forms again what would take another
   * network from now on, in this order. What runs where it still belongs is not touched.
   */
  placesChanged(): void {
    for (const listener of this.#listeners) listener.settle();
    for (const channel of this.#channels) {
      const made = this.#freelyMade.get(channel);
      if (made === undefined) continue;
      const names = this.#networksTo(made.endpoint);
      const isSame = names.length === made.networks.length && names.every((name, at) => name === made.networks[at]);
      if (!isSame && names[0] !== channel.network) channel.close('the networks have changed');
    }
  }

  #networksTo(endpoint: EndpointName): readonly string[] {
    return this.#options.locate(endpoint).map((place) => place.network);
  }

  #dial(endpoint: EndpointName, place: Place, timeoutMs: number, signal: AbortSignal): Promise<TlsChannel> {
    const expectedHost = hostOf(endpoint);
    return new Promise((resolve, reject) => {
      const { certificate, key, ca } = this.#options.identity;
      const socket = tlsConnect({
        host: place.address,
        port: place.port,
        cert: certificate,
        key,
        ca,
        minVersion: 'TLSv1.3',
        servername: '',
        checkServerIdentity: (_name, shown) =>
          shown.subject.CN === expectedHost
            ? undefined
            : new Error(`it showed the certificate of ${String(shown.subject.CN)}`),
      });
      const timer = setTimeout(() => fail(`no connection within ${timeoutMs} ms`), timeoutMs);
      const onAbort = (): void => fail('another way was faster');
      const fail = (state: string): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        socket.destroy();
        reject(unreachable(endpoint, state));
      };
      signal.addEventListener('abort', onAbort);
      const onError = (error: Error): void => fail(messageOf(error));
      socket.once('error', onError);
      socket.once('secureConnect', () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        socket.off('error', onError);
        resolve(this.#channel(socket, expectedHost, place.network));
      });
    });
  }

  #channel(socket: TLSSocket, remoteHost: string, network: string): TlsChannel {
    const channel = new TlsChannel(socket, remoteHost, network);
    this.#channels.add(channel);
    socket.once('close', () => this.#channels.delete(channel));
    return channel;
  }

  listen(endpoint: EndpointName, accept: (channel: Channel) => void): () => void {
    assert(this.#options.locate(endpoint).length > 0, `Cannot listen on ${endpoint}: it is not in the configuration`);
    const listener = new Listener({
      places: () => this.#options.locate(endpoint),
      open: (place) => this.#listenAt(endpoint, place, accept),
    });
    this.#listeners.add(listener);
    listener.settle();
    return () => {
      this.#listeners.delete(listener);
      listener.stop();
    };
  }

  #listenAt(endpoint: EndpointName, place: Place, accept: (channel: Channel) => void): () => void {
    const { certificate, key, ca } = this.#options.identity;
    const server = createServer({
      cert: certificate,
      key,
      ca,
      minVersion: 'TLSv1.3',
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: HANDSHAKE_LIMIT_MS,
    });
    const sockets = new Set<TLSSocket>();
    server.maxConnections = MAX_CHANNELS_PER_ENDPOINT;
    server.on('secureConnection', (socket) => {
      const name = socket.getPeerCertificate().subject?.CN;
      if (typeof name !== 'string' || name === '') return void socket.destroy();
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      accept(this.#channel(socket, name, place.network));
    });
    server.on('tlsClientError', (error, socket) => {
      this.#refusals.note(endpoint, socket.remoteAddress ?? '', messageOf(error));
      socket.destroy();
    });
    server.on('error', (error) => this.#options.onListenError(endpoint, listenProblem(endpoint, place, error)));
    server.listen(place.port, place.address);
    return () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    };
  }
}

/** One endpoint on all the places where it is to be reached; they may change. */
class Listener {
  readonly #options: { readonly places: () => readonly Place[]; readonly open: (place: Place) => () => void };
  /** By network and address, what ends it. */
  readonly #open = new Map<string, () => void>();

  constructor(options: { readonly places: () => readonly Place[]; readonly open: (place: Place) => () => void }) {
    this.#options = options;
  }

  /** What is gone first: a place that has another network now is opened anew. */
  settle(): void {
    const places = new Map(this.#options.places().map((place) => [JSON.stringify(place), place] as const));
    for (const [key, end] of this.#open) {
      if (places.has(key)) continue;
      end();
      this.#open.delete(key);
    }
    for (const [key, place] of places) if (!this.#open.has(key)) this.#open.set(key, this.#options.open(place));
  }

  stop(): void {
    for (const end of this.#open.values()) end();
    this.#open.clear();
  }
}

function hostOf(endpoint: EndpointName): string {
  return endpoint.slice(0, endpoint.indexOf('/'));
}

function unreachable(endpoint: EndpointName, state: string): Problem {
  return new Problem('Unreachable', `Cannot reach ${endpoint}: ${state}`, { temporary: true });
}

function listenProblem(endpoint: EndpointName, place: { address: string; port: number }, error: Error): Problem {
  const where = `${place.address}:${place.port}`;
  if ('code' in error && error.code === 'EADDRINUSE') {
    return new Problem(
      'PortInUse',
      `Cannot listen on ${where} for ${endpoint}: the port is in use. Stop what uses it, or change the port.`,
    );
  }
  return new Problem('CannotListen', `Cannot listen on ${where} for ${endpoint}: ${messageOf(error)}`);
}

class TlsChannel implements Channel {
  readonly remoteHost: string;
  readonly network: string;
  readonly #socket: TLSSocket;
  readonly #decoder = new FrameDecoder();
  #outgoing: Uint8Array[] = [];
  #outgoingBytes = 0;
  #flushPlanned = false;
  #frameHandler: ((frame: Buffer) => void) | undefined;
  #closeHandler: ((reason: string) => void) | undefined;
  #closed: string | undefined;
  #sentSinceHeartbeat = false;
  #heardAt = performance.now();
  #paused = false;
  #drainWaiters: (() => void)[] = [];
  readonly #heartbeat: NodeJS.Timeout;

  constructor(socket: TLSSocket, remoteHost: string, network: string) {
    this.remoteHost = remoteHost;
    this.network = network;
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('drain', () => this.#releaseDrained());
    socket.on('error', (error) => this.#end(messageOf(error)));
    socket.on('end', () => this.#end('the other side closed'));
    socket.on('close', () => this.#end('the connection broke'));
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_INTERVAL_MS);
    this.#heartbeat.unref();
  }

  get unsentBytes(): number {
    return this.#outgoingBytes + this.#socket.writableLength;
  }

  send(frame: Uint8Array): void {
    if (this.#closed !== undefined) return;
    assert(
      frame.length > 0 && frame.length <= networkLimits.maxFrameBytes,
      `A frame of ${frame.length} bytes cannot be sent`,
    );
    const head = Buffer.allocUnsafe(4);
    head.writeUInt32LE(frame.length);
    this.#queue(head);
    this.#queue(frame);
  }

  #queue(bytes: Uint8Array): void {
    this.#outgoing.push(bytes);
    this.#outgoingBytes += bytes.length;
    if (this.#flushPlanned) return;
    this.#flushPlanned = true;
    setImmediate(() => this.#flush());
  }

  /**
   * All frames of one turn of the event loop leave together, also those that different sockets and threads gave rise to:
   * one TLS record and one system call instead of one each.
   */
  #flush(): void {
    this.#flushPlanned = false;
    if (this.#outgoing.length === 0 || this.#closed !== undefined) return;
    const pieces = this.#outgoing;
    const bytes = this.#outgoingBytes;
    this.#outgoing = [];
    this.#outgoingBytes = 0;
    this.#sentSinceHeartbeat = true;
    if (bytes <= COALESCE_BYTES) {
      this.#socket.write(Buffer.concat(pieces, bytes));
      return;
    }
    this.#socket.cork();
    for (const piece of pieces) this.#socket.write(piece);
    this.#socket.uncork();
  }

  drained(): Promise<void> {
    if (this.#closed !== undefined || this.unsentBytes < networkLimits.highWaterBytes) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drainWaiters.push(resolve);
    });
  }

  /** While paused, silence is our own doing and says nothing about the other side. */
  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#heardAt = performance.now();
    this.#socket.resume();
  }

  #releaseDrained(): void {
    const waiters = this.#drainWaiters;
    this.#drainWaiters = [];
    for (const resolve of waiters) resolve();
  }

  onFrame(handler: (frame: Buffer) => void): void {
    this.#frameHandler = handler;
  }

  onClose(handler: (reason: string) => void): void {
    this.#closeHandler = handler;
    if (this.#closed !== undefined) queueMicrotask(() => handler(this.#closed ?? ''));
  }

  close(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#flush();
    this.#socket.end();
    this.#end(reason);
  }

  /** Without a word to the other side: what it would be said over is believed to be cut. */
  abandon(reason: string): void {
    this.#socket.destroy();
    this.#end(reason);
  }

  #onData(chunk: Buffer): void {
    this.#heardAt = performance.now();
    try {
      this.#decoder.push(chunk);
      for (let frame = this.#decoder.next(); frame !== undefined; frame = this.#decoder.next()) {
        if (this.#closed !== undefined) return;
        if (frame.length > 0) this.#frameHandler?.(frame);
      }
    } catch (error) {
      this.#socket.destroy();
      this.#end(messageOf(error));
    }
  }

  #beat(): void {
    if (!this.#paused && performance.now() - this.#heardAt > SILENCE_LIMIT_MS) {
      this.#socket.destroy();
      return this.#end(`nothing was heard for ${SILENCE_LIMIT_MS} ms`);
    }
    if (!this.#sentSinceHeartbeat && this.#socket.writableLength === 0) this.#socket.write(Buffer.alloc(4));
    this.#sentSinceHeartbeat = false;
  }

  #end(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    clearInterval(this.#heartbeat);
    this.#releaseDrained();
    const socket = this.#socket;
    setTimeout(() => socket.destroy(), HANDSHAKE_LIMIT_MS).unref();
    queueMicrotask(() => this.#closeHandler?.(reason));
  }
}

/** Cuts a byte stream into frames, without copying a frame more than once and without trusting its length. */
export class FrameDecoder {
  #chunks: Buffer[] = [];
  #bytes = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** The next whole frame (empty = heartbeat), or undefined. Problem('FrameTooLarge') */
  next(): Buffer | undefined {
    if (this.#bytes < 4) return undefined;
    const length = this.#peekLength();
    if (length > networkLimits.maxFrameBytes) {
      throw new Problem(
        'FrameTooLarge',
        `Cannot accept a frame of ${length} bytes: the limit is ${networkLimits.maxFrameBytes}`,
      );
    }
    if (this.#bytes < 4 + length) return undefined;
    return this.#take(4 + length).subarray(4);
  }

  #peekLength(): number {
    const first = this.#chunks[0];
    if (first !== undefined && first.length >= 4) return first.readUInt32LE(0);
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined.readUInt32LE(0);
  }

  #take(length: number): Buffer {
    const first = this.#chunks[0];
    assert(first !== undefined, 'A frame that is whole has bytes');
    this.#bytes -= length;
    if (first.length >= length) {
      if (first.length === length) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    const pieces: Buffer[] = [];
    let missing = length;
    let used = 0;
    for (const chunk of this.#chunks) {
      if (missing === 0) break;
      const piece = chunk.subarray(0, missing);
      pieces.push(piece);
      missing -= piece.length;
      if (piece.length === chunk.length) used += 1;
      else this.#chunks[used] = chunk.subarray(piece.length);
    }
    this.#chunks.splice(0, used);
    return Buffer.concat(pieces, length);
  }
}
