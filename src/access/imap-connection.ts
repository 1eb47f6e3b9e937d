/**
 * One IMAP client of the access role, from its first byte to its last:
 *
 *     greeting (here: TLS, password) ──login──► joined (bytes both ways to the session in the active copy's process)
 *
 * Joined, this is a pipe with back-pressure: whoever reads slowly makes the other side wait. It ends as a whole: when
 * the session's channel closes, or another copy becomes active, the client is cut off at once, because the sooner it
 * comes again the sooner it is served.
 */
import type net from 'node:net';
import tls from 'node:tls';
import type { Cancel, Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { type Channel, type Network, networkLimits } from '../base/network.ts';
import { messageOf } from '../base/problem.ts';
import type { ActiveCopy, CopyFinder } from '../directory/copy-finder.ts';
import { copyEndpoint, encodeHello, IMAP_SERVICE } from '../directory/copy-protocol.ts';
import type { LoginRequest, LoginResult } from './authentication.ts';
import { type GreetingEffect, GreetingSession } from './imap/greeting-session.ts';

export const imapConnectionLimits = {
  /** From the first byte to the login; a slow speller does not hold a place for ever. */
  loginTimeoutMs: 60_000,
  /** Without a byte in either direction; the session itself ends idle clients sooner, with a word (RFC 3501 5.4). */
  idleTimeoutMs: 35 * 60_000,
  connectTimeoutMs: 2_000,
  /** After our end of the connection, for the client's. */
  closeTimeoutMs: 5_000,
  /** Unread bytes for the client, above which the session is made to wait. */
  highWaterBytes: 1024 * 1024,
};

export interface ImapConnectionOptions {
  readonly socket: net.Socket;
  readonly implicitTls: boolean;
  readonly secureContext: tls.SecureContext;
  readonly allowPlaintextLogin: boolean;
  readonly verify: (request: LoginRequest) => Promise<LoginResult>;
  readonly finders: readonly CopyFinder[];
  readonly network: Network;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class ImapConnection {
  readonly #options: ImapConnectionOptions;
  readonly #session: GreetingSession;
  readonly #remoteAddress: string;
  readonly #cancelLoginTimeout: Cancel;
  /** The one that the client's bytes come from: the TLS one once there is one. */
  #socket: net.Socket;
  #channel: Channel | undefined;
  #stopWatching: (() => void) | undefined;
  #closed = false;

  constructor(options: ImapConnectionOptions) {
    this.#options = options;
    const { socket, implicitTls, allowPlaintextLogin, clock } = options;
    this.#socket = socket;
    this.#remoteAddress = socket.remoteAddress ?? '';
    this.#session = new GreetingSession({
      secure: implicitTls,
      startTls: !implicitTls,
      allowPlaintext: allowPlaintextLogin,
    });
    this.#cancelLoginTimeout = clock.after(imapConnectionLimits.loginTimeoutMs, () => this.close('no login in time'));
    socket.setNoDelay(true);
    socket.setTimeout(imapConnectionLimits.idleTimeoutMs, () => this.close('idle'));
    socket.on('error', (error) => this.close(messageOf(error)));
    socket.on('close', () => this.close('the client left'));
    if (implicitTls) this.#beginTls(() => this.#greet());
    else this.#greet();
  }

  /** Ends both sides; what was written for the client still goes out. */
  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelLoginTimeout();
    this.#stopWatching?.();
    this.#channel?.close(reason);
    const { socket, clock } = this.#options;
    this.#socket.end();
    this.#socket.resume(); // whatever still comes is dropped, so that the client's end is seen
    const cancel = clock.after(imapConnectionLimits.closeTimeoutMs, () => socket.destroy());
    if (socket.destroyed) cancel();
    else socket.once('close', cancel);
  }

  #greet(): void {
    this.#socket.on('data', this.#onGreetingData);
    this.#carryOut(this.#session.greet());
  }

  readonly #onGreetingData = (bytes: Buffer): void => {
    this.#carryOut(this.#session.feed(bytes));
  };

  #carryOut(effects: readonly GreetingEffect[]): void {
    for (const effect of effects) {
      if (this.#closed) return;
      if (effect.type === 'send') this.#write(effect.bytes);
      else if (effect.type === 'startTls') this.#startTls();
      else if (effect.type === 'close') this.close('the greeting ended');
      else this.#login(effect);
    }
  }

  /** A client that talks and does not listen is not listened to. */
  #write(bytes: Buffer): void {
    const socket = this.#socket;
    if (socket.write(bytes) || socket.isPaused()) return;
    socket.pause();
    socket.once('drain', () => {
      if (socket === this.#socket) socket.resume();
    });
  }

  /** Reading stops before the handshake has the socket: what came before it in the clear must not look like a command. */
  #startTls(): void {
    const socket = this.#socket;
    socket.pause();
    socket.off('data', this.#onGreetingData);
    socket.removeAllListeners('drain');
    if (socket.readableLength > 0) return this.close('plaintext behind STARTTLS');
    this.#beginTls(() => {
      this.#session.tlsStarted();
      this.#socket.on('data', this.#onGreetingData);
    });
  }

  #beginTls(onSecure: () => void): void {
    const { socket, secureContext } = this.#options;
    // Strict ALPN: a browser that was led here is refused in the handshake (ALPACA).
    const secured = new tls.TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: ['imap'] });
    secured.on('error', (error) => this.close(messageOf(error)));
    secured.on('close', () => this.close('the client left'));
    secured.once('secure', () => {
      if (!this.#closed) onSecure();
    });
    this.#socket = secured;
  }

  #login(effect: Extract<GreetingEffect, { type: 'authenticate' }>): void {
    this.#socket.pause();
    this.#tryLogin(effect.user, effect.password)
      .catch((error: unknown) => {
        this.#options.logger.error({ error: messageOf(error) }, 'imap: internal error');
        this.close('internal error');
      })
      .finally(() => {
        if (this.#channel === undefined) this.#socket.resume();
      });
  }

  async #tryLogin(user: string, password: string): Promise<void> {
    const result = await this.#options.verify({ user, password, remoteAddress: this.#remoteAddress });
    if (this.#closed) return;
    if (result.outcome !== 'ok') {
      return this.#carryOut(this.#session.refused(result.outcome === 'wrong' ? 'wrong' : 'temporary'));
    }
    const finder = this.#options.finders.find((candidate) => candidate.storageGroup === result.storageGroup);
    const copy = finder?.active();
    const channel = copy === undefined ? undefined : await this.#open(copy, result.storageGroup);
    if (this.#closed) return channel?.close('the client left');
    if (finder === undefined || copy === undefined || channel === undefined) {
      return this.#carryOut(this.#session.refused('temporary'));
    }
    this.#join(channel, result.mailboxId);
    this.#stopWatching = finder.onChange((active) => {
      if (active !== undefined && active.epoch > copy.epoch) this.close('another copy became active');
    });
  }

  async #open(copy: ActiveCopy, storageGroup: string): Promise<Channel | undefined> {
    try {
      return await this.#options.network.connect(
        copyEndpoint(copy.host, storageGroup),
        imapConnectionLimits.connectTimeoutMs,
      );
    } catch (error) {
      this.#options.logger.warn(
        { host: copy.host, error: messageOf(error) },
        'imap: the active copy cannot be reached',
      );
      return undefined;
    }
  }

  #join(channel: Channel, mailboxId: number): void {
    this.#cancelLoginTimeout();
    this.#channel = channel;
    const socket = this.#socket;
    socket.off('data', this.#onGreetingData);
    socket.removeAllListeners('drain');
    channel.onClose((reason) => this.close(reason));
    channel.onFrame((bytes) => {
      socket.write(bytes);
      if (socket.writableLength > imapConnectionLimits.highWaterBytes) channel.pause?.();
    });
    socket.on('drain', () => channel.resume?.());
    const { tag, rest } = this.#session.handOver();
    channel.send(encodeHello({ service: IMAP_SERVICE, mailboxId, tag }));
    if (rest.length > 0) channel.send(rest);
    socket.on('data', (bytes: Buffer) => this.#forward(channel, bytes));
    socket.resume();
  }

  #forward(channel: Channel, bytes: Buffer): void {
    channel.send(bytes);
    if (channel.unsentBytes <= networkLimits.highWaterBytes) return;
    this.#socket.pause();
    void channel.drained().then(() => this.#socket.resume());
  }
}
