/**
 * The network between the hosts of a simulated world. Each direction between two hosts can be cut, healed, and slowed
 * on its own. A cut is not noticed as such: frames stop arriving, and a side that hears nothing for the silence limit
 * gives the connection up, as the real network's heartbeats do (host/tls-network.ts). A process that is killed has its
 * connections closed by its machine; a machine without power says nothing any more.
 */
import { assert } from '../base/assert.ts';
import type { Channel, EndpointName, Network } from '../base/network.ts';
import { Problem } from '../base/problem.ts';
import type { Random } from '../base/random.ts';
import { SimulatedChannel, type Wire } from './simulated-channel.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { SimulatedTime } from './simulated-time.ts';

const SILENCE_LIMIT_MS = 4_000;
const SILENCE_SPREAD_MS = 1_000;
/** One way, in microseconds: usual ones, and one in fifty that waits behind others. */
const USUAL_DELAY_US = 800;
const LONG_DELAY_US = 15_000;

interface Listener {
  readonly process: SimulatedProcess;
  readonly accept: (channel: Channel) => void;
}

export class SimulatedNetwork {
  readonly #time: SimulatedTime;
  readonly #random: Random;
  readonly #listeners = new Map<EndpointName, Listener>();
  readonly #channels = new Set<SimulatedChannel>();
  /** `from>to` */
  readonly #cuts = new Set<string>();
  readonly #slowMs = new Map<string, number>();
  readonly #dark = new Set<string>();
  readonly #wire: Wire;

  constructor(time: SimulatedTime, random: Random) {
    this.#time = time;
    this.#random = random;
    this.#wire = {
      delayMs: (from, to) => this.#delayMs(from, to),
      isCut: (from, to) => this.isCut(from, to),
      after: (delayMs, fire) => void time.after(delayMs, fire),
    };
  }

  /** The network as a process on `host` uses it. */
  of(host: string, process: SimulatedProcess): Network {
    return {
      connect: (endpoint, timeoutMs) => this.#connect(host, process, endpoint, timeoutMs),
      listen: (endpoint, accept) => this.#listen(endpoint, { process, accept }),
    };
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.has(`${from}>${to}`) || this.#dark.has(from) || this.#dark.has(to);
  }

  /** Nothing passes from `from` to `to` any more; the way back is another matter. */
  cut(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`);
    this.#watchSilence((channel) => channel.localHost === to && channel.remoteHost === from);
  }

  heal(from: string, to: string): void {
    this.#cuts.delete(`${from}>${to}`);
    this.#resume();
  }

  healAll(): void {
    this.#cuts.clear();
    this.#slowMs.clear();
    this.#resume();
  }

  /** Adds up to `extraMs` to every frame of this direction. */
  slow(from: string, to: string, extraMs: number): void {
    this.#slowMs.set(`${from}>${to}`, extraMs);
  }

  /** The host has lost its power: its processes are dead and nobody is told. */
  darken(host: string): void {
    this.#dark.add(host);
    for (const channel of this.#channels) if (channel.localHost === host) channel.lostPower();
    this.#watchSilence((channel) => channel.remoteHost === host);
  }

  /** Power is back; connections from before are unknown to the machine, which says so to whoever uses one. */
  lighten(host: string): void {
    if (!this.#dark.delete(host)) return;
    for (const channel of this.#channels) if (channel.remoteHost === host) channel.closedByPeer('connection reset');
    this.#resume();
  }

  /** All connections between two hosts break; what was under way is lost. */
  breakChannels(one: string, other: string): void {
    for (const channel of this.#channels) {
      const isBetween =
        (channel.localHost === one && channel.remoteHost === other) ||
        (channel.localHost === other && channel.remoteHost === one);
      if (isBetween) channel.break('connection reset');
    }
  }

  /** A process stands still: the other sides hear nothing of it. */
  paused(process: SimulatedProcess): void {
    this.#watchSilence((channel) => channel.peer?.process === process);
  }

  processDied(process: SimulatedProcess): void {
    for (const [endpoint, listener] of this.#listeners)
      if (listener.process === process) this.#listeners.delete(endpoint);
    for (const channel of this.#channels) if (channel.process === process) channel.processDied();
  }

  #resume(): void {
    for (const channel of this.#channels) if (!this.isCut(channel.localHost, channel.remoteHost)) channel.resume();
  }

  #watchSilence(concerns: (listening: SimulatedChannel) => boolean): void {
    for (const channel of this.#channels) {
      if (!concerns(channel)) continue;
      const limitMs = SILENCE_LIMIT_MS + this.#random.below(SILENCE_SPREAD_MS);
      this.#time.after(limitMs, () => {
        const speaker = channel.peer?.process;
        const isSilent = this.isCut(channel.remoteHost, channel.localHost) || speaker?.isRunning !== true;
        if (isSilent && !channel.isClosed) channel.process.run(() => channel.giveUp('nothing heard for too long'));
      });
    }
  }

  #delayMs(from: string, to: string): number {
    const usualUs = this.#random.below(50) === 0 ? LONG_DELAY_US : USUAL_DELAY_US;
    const extraMs = this.#slowMs.get(`${from}>${to}`) ?? 0;
    return (50 + this.#random.below(usualUs)) / 1_000 + (extraMs === 0 ? 0 : this.#random.below(extraMs));
  }

  #connect(from: string, process: SimulatedProcess, endpoint: EndpointName, timeoutMs: number): Promise<Channel> {
    const to = endpoint.split('/')[0] ?? '';
    return new Promise((resolve, reject) => {
      const fail = (state: string): void => {
        process.run(() =>
          reject(new Problem('Unreachable', `Cannot reach ${endpoint}: ${state}`, { temporary: true })),
        );
      };
      let isOver = false;
      const cancel = this.#time.after(timeoutMs, () => {
        isOver = true;
        fail('no answer in time');
      });
      this.#time.after(this.#delayMs(from, to), () => {
        if (this.isCut(from, to)) return;
        const listener = this.#listeners.get(endpoint);
        if (listener === undefined) {
          if (this.isCut(to, from)) return;
          cancel();
          return fail('nobody listens');
        }
        listener.process.run(() => {
          if (this.isCut(to, from) || this.isCut(from, to) || !process.isAlive) return;
          const [near, far] = this.#pair(from, process, to, listener.process);
          listener.accept(far);
          this.#time.after(this.#delayMs(to, from), () => {
            if (!process.isAlive) return near.processDied();
            if (isOver) return process.run(() => near.close('too late'));
            cancel();
            process.run(() => resolve(near));
          });
        });
      });
    });
  }

  #pair(
    from: string,
    near: SimulatedProcess,
    to: string,
    far: SimulatedProcess,
  ): [near: SimulatedChannel, far: SimulatedChannel] {
    const common = {
      wire: this.#wire,
      now: () => this.#time.nowMs,
      onGone: (channel: SimulatedChannel) => this.#forget(channel),
    };
    const nearEnd = new SimulatedChannel({ ...common, process: near, localHost: from, remoteHost: to });
    const farEnd = new SimulatedChannel({ ...common, process: far, localHost: to, remoteHost: from });
    nearEnd.join(farEnd);
    farEnd.join(nearEnd);
    this.#channels.add(nearEnd).add(farEnd);
    return [nearEnd, farEnd];
  }

  /** A connection that one side has closed stays until the other one knows. */
  #forget(channel: SimulatedChannel): void {
    if (channel.peer?.isClosed !== true) return;
    this.#channels.delete(channel);
    this.#channels.delete(channel.peer);
  }

  #listen(endpoint: EndpointName, listener: Listener): () => void {
    assert(!this.#listeners.has(endpoint), `Somebody listens at ${endpoint} already`);
    this.#listeners.set(endpoint, listener);
    return () => {
      if (this.#listeners.get(endpoint) === listener) this.#listeners.delete(endpoint);
    };
  }
}
