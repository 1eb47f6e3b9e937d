/**
 * Where IMAP clients connect: 143 with STARTTLS and 993 with TLS from the first byte. Each connection is its own object
 * (imap-connection.ts); here is what they share: ports, certificate, and how many there may be.
 */
import net from 'node:net';
import tls from 'node:tls';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Network } from '../base/network.ts';
import { messageOf } from '../base/problem.ts';
import type { CopyFinder } from '../directory/copy-finder.ts';
import type { LoginRequest, LoginResult } from './authentication.ts';
import { ImapConnection } from './imap-connection.ts';

export const imapFrontLimits = {
  maxConnections: 2_000,
  maxConnectionsPerAddress: 200,
};

export interface ImapFrontOptions {
  readonly listeners: readonly { readonly address: string; readonly port: number; readonly implicitTls: boolean }[];
  /** PEM. */
  readonly certificate: { readonly certificate: string; readonly key: string };
  /** Passwords may come without TLS: only sensible over loopback. */
  readonly allowPlaintextLogin: boolean;
  readonly verify: (request: LoginRequest) => Promise<LoginResult>;
  readonly finders: readonly CopyFinder[];
  readonly network: Network;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: Partial<typeof imapFrontLimits>;
}

export interface ImapFront {
  /** As bound, in the order of `listeners`. */
  readonly ports: readonly number[];
  readonly connectionCount: () => number;
  close(): Promise<void>;
}

/** Rejects with the system's error when a port cannot be bound. */
export async function startImapFront(options: ImapFrontOptions): Promise<ImapFront> {
  const clients = new ClientSet({ ...imapFrontLimits, ...options.limits });
  const { certificate, key } = options.certificate;
  const secureContext = tls.createSecureContext({ cert: certificate, key, minVersion: 'TLSv1.2' });
  const servers: net.Server[] = [];
  const close = async () => {
    const closed = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    clients.closeAll();
    await Promise.all(closed);
  };
  try {
    const ports: number[] = [];
    for (const { address, port, implicitTls } of options.listeners) {
      const server = net.createServer({ pauseOnConnect: false }, (socket) => {
        clients.admit(socket, () => new ImapConnection({ ...options, socket, implicitTls, secureContext }));
      });
      servers.push(server);
      ports.push(await listen(server, address, port, options.logger));
    }
    return { ports, close, connectionCount: () => clients.size };
  } catch (error) {
    await close();
    throw error;
  }
}

function listen(server: net.Server, address: string, port: number, logger: Logger): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => {
      server.off('error', reject);
      server.on('error', (error) => logger.error({ error: messageOf(error) }, 'imap: listener error'));
      const bound = server.address();
      resolve(bound !== null && typeof bound === 'object' ? bound.port : port);
    });
  });
}

class ClientSet {
  readonly #limits: typeof imapFrontLimits;
  readonly #clients = new Map<net.Socket, ImapConnection>();
  readonly #countByAddress = new Map<string, number>();

  constructor(limits: typeof imapFrontLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** Beyond the bounds nobody is told why: a word would cost more than it helps. */
  admit(socket: net.Socket, begin: () => ImapConnection): void {
    socket.on('error', () => socket.destroy());
    const address = socket.remoteAddress ?? '';
    const sameAddress = this.#countByAddress.get(address) ?? 0;
    if (this.#clients.size >= this.#limits.maxConnections || sameAddress >= this.#limits.maxConnectionsPerAddress) {
      socket.destroy();
      return;
    }
    this.#countByAddress.set(address, sameAddress + 1);
    this.#clients.set(socket, begin());
    socket.once('close', () => this.#leave(socket, address));
  }

  closeAll(): void {
    for (const [socket, connection] of this.#clients) {
      connection.close('the service stops');
      socket.destroySoon();
    }
  }

  #leave(socket: net.Socket, address: string): void {
    this.#clients.delete(socket);
    const left = (this.#countByAddress.get(address) ?? 1) - 1;
    if (left === 0) this.#countByAddress.delete(address);
    else this.#countByAddress.set(address, left);
  }
}
