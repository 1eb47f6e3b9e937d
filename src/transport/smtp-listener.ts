/**
 * One listening port of the reception. What the three kinds have in common is the session; what differs is who may talk
 * and for whom:
 *
 *   smtp        25: anybody, for our recipients
 *   lmtp        24: our own mail servers, for our recipients; a reply for each
 *   submission 587: our users after a login, as themselves; in this release for our recipients only
 */
import type net from 'node:net';
import {
  SMTPServer,
  type SMTPServerAddress,
  type SMTPServerAuthentication,
  type SMTPServerAuthenticationResponse,
  type SMTPServerOptions,
  type SMTPServerSession,
} from 'smtp-server';
import { present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { messageOf } from '../base/problem.ts';
import type { RecipientAnswer } from '../directory/recipients.ts';
import { canonicalAddress } from '../mail/address.ts';
import { parseHeader } from '../mail/header.ts';
import type { AcceptedRecipient, IncomingMessage, Verdict } from './acceptance.ts';
import type { ReceptionLimits } from './limits.ts';
import type { ReceivingMemory } from './receiving-memory.ts';
import { type Reply, replies } from './replies.ts';
import { type SessionHost, SmtpSession, type WholeMessage } from './smtp-session.ts';
import { traceOf } from './trace.ts';

export type ReceptionKind = 'smtp' | 'lmtp' | 'submission';

export type LoginOutcome =
  | { readonly outcome: 'ok'; readonly mailboxId: number; readonly address: string }
  | { readonly outcome: 'wrong' | 'unavailable' };

/** What the reception wants from the rest of the hub. */
export interface ReceptionPorts {
  resolve(recipient: string): Promise<RecipientAnswer>;
  accept(message: IncomingMessage): Promise<Verdict>;
  login(request: { user: string; password: string; remoteAddress: string }): Promise<LoginOutcome>;
}

/** PEM. */
export interface ServerCertificate {
  readonly certificate: string;
  readonly key: string;
}

export interface SmtpListenerOptions extends ReceptionPorts {
  readonly kind: ReceptionKind;
  /** As it greets. */
  readonly hostName: string;
  readonly certificate: ServerCertificate;
  /** Passwords may come without TLS: only sensible over loopback. */
  readonly allowPlaintextLogin: boolean;
  readonly limits: ReceptionLimits;
  readonly memory: ReceivingMemory;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Of the library's commands, those that are not for us. */
const NEVER = ['XCLIENT', 'XFORWARD', 'WIZ', 'SHELL', 'KILL'];

/** Shutdown: so long a message that is being accepted may take to get its answer. */
const CLOSE_TIMEOUT_MS = 2_000;

interface SessionState {
  failedLogins: number;
  /** The RCPTs of the transaction that were accepted, by address as given. */
  readonly recipients: Map<string, AcceptedRecipient>;
}

export class SmtpListener extends SMTPServer implements SessionHost {
  readonly limits: ReceptionLimits;
  readonly memory: ReceivingMemory;
  readonly clock: Clock;
  readonly eventLog: Logger;
  readonly isLmtp: boolean;
  readonly maxErrors: number;
  readonly #ports: SmtpListenerOptions;
  readonly #sockets = new Set<net.Socket>();
  readonly #states = new WeakMap<SMTPServerSession, SessionState>();

  constructor(options: SmtpListenerOptions) {
    super(libraryOptions(options));
    this.#ports = options;
    this.limits = options.limits;
    this.memory = options.memory;
    this.clock = options.clock;
    this.eventLog = options.logger.child({ listener: options.kind });
    this.isLmtp = options.kind === 'lmtp';
    this.maxErrors = this.isLmtp ? Number.POSITIVE_INFINITY : options.limits.maxErrors;
    // Broken connections and failed handshakes are the clients' business, and end nothing but themselves.
    this.on('error', (error) => this.eventLog.info({ error: messageOf(error) }, 'connection error'));
  }

  /** The port that was bound. Rejects with the system's error. */
  start(address: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, address, () => {
        this.server.off('error', reject);
        const bound = this.server.address();
        resolve(bound !== null && typeof bound === 'object' ? bound.port : port);
      });
    });
  }

  /** Idle clients are told at once, a message that is being accepted gets its answer, within a bound. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.close(resolve));
    for (const connection of this.connections) {
      if (connection._dataStream === false) connection.send(replies.closing.code, replies.closing.text);
    }
    await closed;
    for (const socket of this.#sockets) socket.destroy();
  }

  override connect(...[socket, socketOptions]: Parameters<SMTPServer['connect']>): void {
    const session = new SmtpSession(this, socket, socketOptions);
    this.connections.add(session);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    session.on('error', (error) => this._onError(error));
    session.init();
  }

  override onConnect(session: SMTPServerSession, callback: Callback): void {
    this.#states.set(session, { failedLogins: 0, recipients: new Map() });
    const { kind, allowPlaintextLogin } = this.#ports;
    // A password that is offered in the clear has been seen already: AUTH does not exist before TLS.
    if (kind === 'submission' && !allowPlaintextLogin) session.disabledCommands = [...NEVER, 'AUTH'];
    let sameAddress = 0;
    for (const connection of this.connections) if (connection.remoteAddress === session.remoteAddress) sameAddress += 1;
    if (!this.isLmtp && sameAddress > this.limits.maxConnectionsPerAddress)
      return callback(errorOf(replies.tooManyFromAddress));
    callback();
  }

  override onSecure(_socket: net.Socket, session: SMTPServerSession, callback: Callback): void {
    if (this.#ports.kind === 'submission') session.disabledCommands = NEVER;
    callback();
  }

  override onAuth(auth: SMTPServerAuthentication, session: SMTPServerSession, callback: AuthCallback): void {
    const { username, password, authzid } = auth;
    const actsForAnother = authzid !== undefined && authzid !== '' && authzid !== username;
    if (auth.method !== 'PLAIN' || username === undefined || typeof password !== 'string' || actsForAnother) {
      return callback(errorOf(replies.loginWrong));
    }
    this.#ports.login({ user: username, password, remoteAddress: session.remoteAddress }).then(
      (outcome) => {
        if (outcome.outcome === 'ok') return callback(null, { user: { address: outcome.address } });
        if (outcome.outcome === 'unavailable') return callback(errorOf(replies.loginUnavailable));
        const state = this.#stateOf(session);
        state.failedLogins += 1;
        const isLast = state.failedLogins >= this.limits.maxFailedLogins;
        callback(errorOf(isLast ? replies.tooManyErrors : replies.loginWrong));
      },
      (error: unknown) => this.#fail(error, callback),
    );
  }

  override onMailFrom(sender: SMTPServerAddress, session: SMTPServerSession, callback: Callback): void {
    this.#stateOf(session).recipients.clear();
    if (this.#ports.kind !== 'submission') return callback();
    const login = loginOf(session);
    if (login === undefined) return callback(errorOf(replies.loginFirst));
    callback(canonicalAddress(sender.address) === canonicalAddress(login) ? null : errorOf(replies.senderNotLogin));
  }

  override onRcptTo(recipient: SMTPServerAddress, session: SMTPServerSession, callback: Callback): void {
    this.#ports.resolve(recipient.address).then(
      (answer) => {
        if (answer.outcome !== 'known') return callback(errorOf(replies.recipient[answer.outcome]));
        const { address, storageGroup } = answer;
        this.#stateOf(session).recipients.set(recipient.address, { address, storageGroup });
        callback();
      },
      (error: unknown) => this.#fail(error, callback),
    );
  }

  async accept(message: WholeMessage, session: SMTPServerSession): Promise<Verdict> {
    const refusal = this.#refusal(message);
    const { rcptTo, mailFrom } = session.envelope;
    if (refusal !== undefined) return { kind: 'answer', replies: rcptTo.map(() => refusal), receipt: undefined };
    const { recipients } = this.#stateOf(session);
    return this.#ports.accept({
      sender: mailFrom === false ? '' : mailFrom.address,
      recipients: rcptTo.map(({ address }) => present(recipients.get(address), 'A recipient was accepted before')),
      bytes: message.bytes,
      trace: traceOf(session, this.#ports.hostName, this.clock.wallMs()),
    });
  }

  #refusal(message: WholeMessage): Reply | undefined {
    if (message.receivedCount > this.limits.maxReceivedFields) return replies.loop;
    if (this.#ports.kind !== 'submission') return undefined;
    const fromFields = parseHeader(message.bytes).filter((field) => field.lowerName === 'from');
    return fromFields.length === 1 ? undefined : replies.notOneFrom;
  }

  #stateOf(session: SMTPServerSession): SessionState {
    return present(this.#states.get(session), 'A session begins with onConnect');
  }

  #fail(error: unknown, callback: (error: Error) => void): void {
    this.eventLog.error({ error: messageOf(error) }, 'reception: internal error');
    callback(errorOf(replies.internal));
  }
}

type Callback = (error?: Error | null) => void;
type AuthCallback = (error: Error | null | undefined, response?: SMTPServerAuthenticationResponse) => void;

function loginOf(session: SMTPServerSession): string | undefined {
  const user: unknown = session.user;
  if (typeof user !== 'object' || user === null || !('address' in user)) return undefined;
  return typeof user.address === 'string' ? user.address : undefined;
}

function errorOf(reply: Reply): Error {
  return Object.assign(new Error(reply.text), { responseCode: reply.code });
}

function libraryOptions(options: SmtpListenerOptions): SMTPServerOptions {
  const { limits, kind } = options;
  return {
    name: options.hostName,
    lmtp: kind === 'lmtp',
    key: options.certificate.key,
    cert: options.certificate.certificate,
    size: limits.maxMessageBytes,
    hideENHANCEDSTATUSCODES: false,
    heloResponse: '%s',
    disabledCommands: kind === 'submission' ? NEVER : [...NEVER, 'AUTH'],
    authMethods: ['PLAIN'],
    authRequiredMessage: replies.loginFirst.text,
    allowInsecureAuth: options.allowPlaintextLogin,
    disableReverseLookup: true,
    logger: false,
    maxClients: limits.maxConnections,
    maxRecipients: limits.maxRecipients,
    maxCommandLength: limits.maxCommandBytes,
    maxAllowedUnauthenticatedCommands: limits.maxErrors,
    socketTimeout: limits.idleTimeoutMs,
    closeTimeout: CLOSE_TIMEOUT_MS,
  };
}
