/**
 * Questions from one host's cluster service to the others'. One connection per host, made when it is first needed and
 * again after it broke; a host that cannot be reached is left alone for a moment, so that a dead one costs nothing.
 */
import type { Clock } from '../base/clock.ts';
import type { Network } from '../base/network.ts';
import { isProblem, Problem } from '../base/problem.ts';
import { Rpc } from '../base/rpc.ts';

const CONNECT_TIMEOUT_MS = 1_000;
/** After a failed attempt, questions to that host fail at once for this long. */
const REST_MS = 100;

/** By this notice a host tells how far a long step is; its body is one line of UTF-8. */
export const STEP_PROGRESS_NOTICE = 'step-progress';

interface Link {
  rpc: Rpc | undefined;
  connecting: Promise<Rpc> | undefined;
  restUntilMs: number;
}

export class HostLinks {
  readonly #network: Network;
  readonly #clock: Clock;
  readonly #links = new Map<string, Link>();

  constructor(options: { network: Network; clock: Clock }) {
    this.#network = options.network;
    this.#clock = options.clock;
  }

  isConnected(host: string): boolean {
    return this.#links.get(host)?.rpc?.isClosed === false;
  }

  /** Problem('Unreachable' | 'TimedOut' | 'ChannelClosed'), or what the host answers. */
  async ask(host: string, method: string, body: unknown, timeoutMs: number): Promise<unknown> {
    const rpc = await this.#rpc(host);
    return JSON.parse((await rpc.ask(method, Buffer.from(JSON.stringify(body ?? null)), timeoutMs)).toString('utf8'));
  }

  async answers(host: string, timeoutMs: number): Promise<boolean> {
    try {
      await this.ask(host, 'ping', {}, timeoutMs);
      return true;
    } catch (error) {
      if (!isProblem(error)) throw error;
      return false;
    }
  }

  /** On a connection of its own, whose progress notices go to `onProgress`. */
  async askLong(
    host: string,
    method: string,
    body: unknown,
    timeoutMs: number,
    onProgress: (line: string) => void,
  ): Promise<unknown> {
    const channel = await this.#network.connect(`${host}/cluster`, CONNECT_TIMEOUT_MS);
    const rpc = new Rpc(channel, {
      clock: this.#clock,
      notices: { [STEP_PROGRESS_NOTICE]: (line) => onProgress(line.toString('utf8')) },
    });
    try {
      return JSON.parse((await rpc.ask(method, Buffer.from(JSON.stringify(body ?? null)), timeoutMs)).toString('utf8'));
    } finally {
      channel.close('done');
    }
  }

  async #rpc(host: string): Promise<Rpc> {
    const link = this.#links.get(host) ?? { rpc: undefined, connecting: undefined, restUntilMs: 0 };
    this.#links.set(host, link);
    if (link.rpc !== undefined && !link.rpc.isClosed) return link.rpc;
    if (link.connecting === undefined && this.#clock.monotonicMs() < link.restUntilMs) {
      throw new Problem('Unreachable', `Cannot reach ${host}: it did not answer a moment ago`, { temporary: true });
    }
    link.connecting ??= this.#connect(host, link);
    return link.connecting;
  }

  async #connect(host: string, link: Link): Promise<Rpc> {
    try {
      const channel = await this.#network.connect(`${host}/cluster`, CONNECT_TIMEOUT_MS);
      link.rpc = new Rpc(channel, { clock: this.#clock });
      return link.rpc;
    } catch (error) {
      link.restUntilMs = this.#clock.monotonicMs() + REST_MS;
      throw error;
    } finally {
      link.connecting = undefined;
    }
  }
}
