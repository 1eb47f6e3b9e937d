/**
 * One vote of a simulated cluster: the acceptors' rules over a file of a simulated disk, one request at a time. It is
 * reached over the network, also by its own host, whose way to itself is never cut; a share without a process of ours is
 * reached in the same way, for what differs (how its file is replaced atomically) is the host's.
 */
import type { Clock } from '../base/clock.ts';
import type { Network } from '../base/network.ts';
import { isProblem } from '../base/problem.ts';
import { Rpc } from '../base/rpc.ts';
import {
  type Accepted,
  type Acceptor,
  type AcceptorIdentity,
  type AcceptorReply,
  type AcceptorRequest,
  type AskAcceptor,
  acceptorFrom,
  type Ballot,
} from '../cluster/acceptor.ts';
import { decodeAcceptorState, encodeAcceptorState } from '../cluster/acceptor-codec.ts';
import { parseAcceptorReply, parseAcceptorRequest } from '../cluster/acceptor-message.ts';
import { type AcceptorState, stepAcceptor } from '../cluster/acceptor-state.ts';
import type { Disk } from '../log/disk.ts';
import { decodedLast } from './decoded-last.ts';

const VOTE_FILE = 'vote';
/** More than any register's. */
const MAX_VOTE_BYTES = 1024 * 1024;
const ASK_TIMEOUT_MS = 2_000;
const CONNECT_TIMEOUT_MS = 1_000;
const ASK = 'ask';

export interface VoteRules {
  readonly step: typeof stepAcceptor;
  /** `before` is undefined for a vote's first state. */
  readonly onStored: (before: AcceptorState | undefined, after: AcceptorState) => void;
  /** On a share anybody may put another file in its place: it is read for every request. */
  readonly isOnShare: boolean;
}

export class SimulatedVote {
  readonly #disk: Disk;
  readonly #decode = decodedLast(decodeAcceptorState);
  readonly #rules: VoteRules;
  #last: Promise<unknown> = Promise.resolve();
  /** Read once and then known, as a host's vote is: only a change waits for the disk. */
  #known: AcceptorState | undefined;
  #lastShown: { promised: Ballot; accepted: Accepted | undefined; text: string } | undefined;

  constructor(disk: Disk, rules: Partial<VoteRules> = {}) {
    this.#disk = disk;
    this.#rules = { step: stepAcceptor, onStored: () => undefined, isOnShare: false, ...rules };
  }

  ask(request: AcceptorRequest): Promise<AcceptorReply> {
    const turn = this.#last.then(() => this.#step(request));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** The vote as its own host uses it. */
  as(name: string, identity: AcceptorIdentity): Acceptor {
    return acceptorFrom(name, identity, (request) => this.ask(request));
  }

  listen(network: Network, host: string, clock: Clock): void {
    network.listen(voteEndpoint(host), (channel) => {
      const read = decodedLast((body) => parseAcceptorRequest(JSON.parse(body.toString('utf8'))));
      new Rpc(channel, {
        clock,
        handlers: { [ASK]: async (body) => Buffer.from(this.#encode(await this.ask(read(body)))) },
      });
    });
  }

  /** Looks at a vote come several times between two changes of it, and are most of what it is asked. */
  #encode(reply: AcceptorReply): string {
    if (reply.kind !== 'state') return JSON.stringify(reply);
    const { promised, accepted } = reply;
    const last = this.#lastShown;
    if (last !== undefined && last.promised === promised && last.accepted === accepted) return last.text;
    const text = JSON.stringify(reply);
    this.#lastShown = { promised, accepted, text };
    return text;
  }

  async #step(request: AcceptorRequest): Promise<AcceptorReply> {
    const state = this.#known ?? (await this.#load());
    const step = this.#rules.step(state, request);
    if (step.state !== undefined && step.state !== state) {
      this.#known = undefined;
      await this.#disk.writeAtomically(VOTE_FILE, encodeAcceptorState(step.state));
      this.#rules.onStored(state, step.state);
    }
    if (!this.#rules.isOnShare) this.#known = step.state ?? state;
    return step.reply;
  }

  async #load(): Promise<AcceptorState | undefined> {
    const bytes = await this.#read();
    if (bytes === undefined) return undefined;
    const state = this.#decode(bytes);
    if (!this.#rules.isOnShare) await this.#disk.syncFolder('');
    return state;
  }

  /** In one operation: on a share it is done for every request. */
  async #read(): Promise<Buffer | undefined> {
    try {
      return await this.#disk.read(VOTE_FILE, 0, MAX_VOTE_BYTES);
    } catch (error) {
      if (isProblem(error, 'FileMissing')) return undefined;
      throw error;
    }
  }
}

/** Another host's vote. */
export function remoteVote(host: string, identity: AcceptorIdentity, network: Network, clock: Clock): Acceptor {
  return acceptorFrom(host, identity, askRemoteVote(host, network, clock));
}

/** Over a connection that is made anew when it broke. */
export function askRemoteVote(host: string, network: Network, clock: Clock): AskAcceptor {
  let connection: Promise<Rpc> | undefined;
  const read = decodedLast((bytes) => parseAcceptorReply(JSON.parse(bytes.toString('utf8'))));
  const connect = async (): Promise<Rpc> => {
    const forget = (): void => {
      connection = undefined;
    };
    try {
      return new Rpc(await network.connect(voteEndpoint(host), CONNECT_TIMEOUT_MS), { clock, onClose: forget });
    } catch (error) {
      forget();
      throw error;
    }
  };
  return async (request) => {
    connection ??= connect();
    const rpc = await connection;
    return read(await rpc.ask(ASK, Buffer.from(JSON.stringify(request)), ASK_TIMEOUT_MS));
  };
}

function voteEndpoint(host: string): string {
  return `${host}/vote`;
}
