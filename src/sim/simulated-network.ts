/**
 * The network between the hosts of a simulated world. Each direction between two hosts can be cut, healed, and slowed
 * on its own. A cut is not noticed as such: frames stop arriving, and a side that hears nothing for the silence limit
 * gives the connection up, as the real network's heartbeats do (host/tls-network.ts). A process that is killed has its
 * connections closed by its machine; a machine without power says nothing any more.
 *
 * Between nodes there may be several networks, the preferred one first; everybody else is on the last one only. One of
 * them can be cut alone. A connection stays on the network that it was made over.
 */
import { assert } from '../base/assert.ts';
import type { Channel, EndpointName, Network } from '../base/network.ts';
import { Problem } from '../base/problem.ts';
import type { Random } from '../base/random.ts';
import type { Datagrams } from '../cluster/heartbeat/datagrams.ts';
import { SimulatedChannel, type Wire } from './simulated-channel.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { SimulatedTime } from './simulated-time.ts';
import type { WireNoise } from './wire-noise.ts';

const SILENCE_LIMIT_MS = 4_000;
const SILENCE_SPREAD_MS = 1_000;
/** One way, in microseconds: usual ones, and one in fifty that waits behind others. */
const USUAL_DELAY_US = 800;
const LONG_DELAY_US = 15_000;

/** A way that has not come about for this long is left for the next one. */
const NEXT_WAY_MS = 250;

export interface NetworkWays {
  /** Preferred first; the last one is everybody's. */
  readonly names: readonly string[];
  /** Hosts that are on all of them. */
  readonly nodes: readonly string[];
}

type IsDown = (peer: string, network: string) => boolean;

interface Receiver {
  readonly process: SimulatedProcess;
  readonly accept: (network: string, bytes: Buffer) => void;
}

interface Call {
  readonly from: string;
  readonly process: SimulatedProcess;
  readonly endpoint: EndpointName;
}

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
  readonly #noises = new Map<string, WireNoise>();
  /** For planted bugs: nobody looks whether what comes is what was sent. */
  readonly #isUnsealed: boolean;
  /** Frames on which a connection was given up, because they were not what was sent. */
  refusedFrames = 0;
  readonly #dark = new Set<string>();
  readonly #ways: NetworkWays;
  readonly #networkOf = new WeakMap<SimulatedChannel, string>();
  readonly #receivers = new Map<string, Receiver>();

  constructor(
    time: SimulatedTime,
    random: Random,
    ways: NetworkWays = { names: ['Public'], nodes: [] },
    { isUnsealed = false } = {},
  ) {
    this.#isUnsealed = isUnsealed;
    this.#time = time;
    this.#random = random;
    this.#ways = ways;
  }

  /** Preferred first. */
  get names(): readonly string[] {
    return this.#ways.names;
  }

  #wire(network: string): Wire {
    return {
      delayMs: (from, to) => this.#delayMs(from, to),
      isCut: (from, to) => this.isCut(from, to, network),
      after: (delayMs, fire) => void this.#time.after(delayMs, fire),
      noise: (from, to) => this.#noises.get(`${from}>${to}`),
      refuses: () => {
        if (!this.#isUnsealed) this.refusedFrames += 1;
        return !this.#isUnsealed;
      },
    };
  }

  /** The network as a process on `host` uses it. `isDown`: what its heartbeats say. */
  of(host: string, process: SimulatedProcess, isDown: IsDown = () => false): Network {
    return {
      connect: (endpoint, timeoutMs, options) => {
        const all = this.#namesBetween(host, endpoint.split('/')[0] ?? '', isDown);
        const names = options?.network === undefined ? all : [options.network];
        return this.#connectOver(names, { from: host, process, endpoint }, timeoutMs);
      },
      listen: (endpoint, accept) => this.#listen(endpoint, { process, accept }),
    };
  }

  #namesBetween(from: string, to: string, isDown: IsDown): readonly string[] {
    const { names, nodes } = this.#ways;
    if (!nodes.includes(from) || !nodes.includes(to)) return names.slice(-1);
    return [...names.filter((name) => !isDown(to, name)), ...names.filter((name) => isDown(to, name))];
  }

  /** Without a network: all of them, or what both are on. */
  isCut(from: string, to: string, network?: string): boolean {
    if (this.#cuts.has(`${from}>${to}`) || this.#dark.has(from) || this.#dark.has(to)) return true;
    return network !== undefined && this.#cuts.has(`${from}>${to}@${network}`);
  }

  /** One of several networks between two nodes, both ways. */
  cutNetwork(network: string, one: string, other: string): void {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      this.#cuts.add(`${from}>${to}@${network}`);
      this.#watchSilence((channel) => channel.localHost === to && channel.remoteHost === from);
    }
  }

  healNetwork(network: string, one: string, other: string): void {
    this.#cuts.delete(`${one}>${other}@${network}`);
    this.#cuts.delete(`${other}>${one}@${network}`);
    this.#resume();
  }

  /** The processes of `host` give up what they have over one network to `peer`, as its heartbeats advise. */
  closeOver(host: string, peer: string, network: string): void {
    for (const channel of this.#channels) {
      const isMeant = channel.localHost === host && channel.remoteHost === peer;
      if (isMeant && this.#networkOf.get(channel) === network && !channel.isClosed)
        channel.process.run(() => channel.giveUp(`${network} is lost`));
    }
  }

  datagramsOf(host: string, process: SimulatedProcess): Datagrams {
    return {
      send: (network, to, bytes) => {
        if (this.isCut(host, to, network) || !process.isRunning) return;
        const noise = this.#noises.get(`${host}>${to}`);
        const what = noise?.next();
        const copy = noise !== undefined && what === 'altered' ? noise.altered(Buffer.from(bytes)) : Buffer.from(bytes);
        const lateMs = noise !== undefined && what !== undefined ? noise.lateMs() : 0;
        this.#sendDatagram(network, to, copy, this.#delayMs(host, to) + (what === 'overtaken' ? lateMs : 0));
        if (what === 'doubled') this.#sendDatagram(network, to, copy, lateMs);
      },
      onDatagram: (accept) => void this.#receivers.set(host, { process, accept }),
      close: () => void this.#receivers.delete(host),
    };
  }

  #sendDatagram(network: string, to: string, bytes: Buffer, delayMs: number): void {
    this.#time.after(delayMs, () => {
      const receiver = this.#receivers.get(to);
      if (receiver?.process.isAlive === true) receiver.process.run(() => receiver.accept(network, bytes));
    });
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
    this.#noises.clear();
    this.#resume();
  }

  /** Adds up to `extraMs` to every frame of this direction. */
  slow(from: string, to: string, extraMs: number): void {
    this.#slowMs.set(`${from}>${to}`, extraMs);
  }

  /** What goes wrong with frames of this direction from now on; undefined: nothing. */
  disturb(from: string, to: string, noise: WireNoise | undefined): void {
    if (noise === undefined) this.#noises.delete(`${from}>${to}`);
    else this.#noises.set(`${from}>${to}`, noise);
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
    for (const channel of this.#channels) if (!this.#isCutFor(channel, 'out')) channel.resume();
  }

  #isCutFor(channel: SimulatedChannel, direction: 'in' | 'out'): boolean {
    const { localHost, remoteHost } = channel;
    const network = this.#networkOf.get(channel);
    return direction === 'out'
      ? this.isCut(localHost, remoteHost, network)
      : this.isCut(remoteHost, localHost, network);
  }

  #watchSilence(concerns: (listening: SimulatedChannel) => boolean): void {
    for (const channel of this.#channels) {
      if (!concerns(channel)) continue;
      const limitMs = SILENCE_LIMIT_MS + this.#random.below(SILENCE_SPREAD_MS);
      this.#time.after(limitMs, () => {
        const speaker = channel.peer?.process;
        const isSilent = this.#isCutFor(channel, 'in') || speaker?.isRunning !== true;
        if (isSilent && !channel.isClosed) channel.process.run(() => channel.giveUp('nothing heard for too long'));
      });
    }
  }

  #delayMs(from: string, to: string): number {
    const usualUs = this.#random.below(50) === 0 ? LONG_DELAY_US : USUAL_DELAY_US;
    const extraMs = this.#slowMs.get(`${from}>${to}`) ?? 0;
    return (50 + this.#random.below(usualUs)) / 1_000 + (extraMs === 0 ? 0 : this.#random.below(extraMs));
  }

  async #connectOver(names: readonly string[], call: Call, timeoutMs: number): Promise<Channel> {
    const [network = '', ...others] = names;
    if (others.length === 0) return this.#connect(network, call, timeoutMs);
    try {
      return await this.#connect(network, call, Math.min(timeoutMs, NEXT_WAY_MS));
    } catch (error) {
      if (timeoutMs <= NEXT_WAY_MS) throw error;
      return await this.#connectOver(others, call, timeoutMs - NEXT_WAY_MS);
    }
  }

  #connect(network: string, { from, process, endpoint }: Call, timeoutMs: number): Promise<Channel> {
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
        if (this.isCut(from, to, network)) return;
        const listener = this.#listeners.get(endpoint);
        if (listener === undefined) {
          if (this.isCut(to, from, network)) return;
          cancel();
          return fail('nobody listens');
        }
        listener.process.run(() => {
          if (this.isCut(to, from, network) || this.isCut(from, to, network) || !process.isAlive) return;
          const [near, far] = this.#pair(network, from, process, to, listener.process);
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
    network: string,
    from: string,
    near: SimulatedProcess,
    to: string,
    far: SimulatedProcess,
  ): [near: SimulatedChannel, far: SimulatedChannel] {
    const common = {
      wire: this.#wire(network),
      now: () => this.#time.nowMs,
      onGone: (channel: SimulatedChannel) => this.#forget(channel),
    };
    const nearEnd = new SimulatedChannel({ ...common, process: near, localHost: from, remoteHost: to });
    const farEnd = new SimulatedChannel({ ...common, process: far, localHost: to, remoteHost: from });
    nearEnd.join(farEnd);
    farEnd.join(nearEnd);
    this.#channels.add(nearEnd).add(farEnd);
    for (const end of [nearEnd, farEnd]) this.#networkOf.set(end, network);
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
