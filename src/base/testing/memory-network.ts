/**
 * A network within one process, for tests: the same promises as the real one (ordered whole frames until the close,
 * the other end learns of the close) without sockets. Frames travel when the `schedule` says so: at once (next
 * microtask), or when a test calls `deliver()`. Hosts can be cut off with a close that everybody sees, or fall silent
 * as behind a broken switch, where only a timeout tells.
 */
import { assert } from '../assert.ts';
import type { Channel, EndpointName, Network } from '../network.ts';
import { networkLimits } from '../network.ts';
import { Problem } from '../problem.ts';

export class MemoryNetwork {
  readonly #listeners = new Map<EndpointName, (channel: Channel) => void>();
  readonly #silent = new Set<string>();
  readonly #ends = new Set<MemoryChannel>();
  readonly #waiting: (() => void)[] = [];
  readonly #manual: boolean;

  constructor(options: { readonly manual?: boolean } = {}) {
    this.#manual = options.manual ?? false;
  }

  /** The network as `name` sees it. */
  host(name: string): Network {
    return {
      connect: (endpoint) => this.#connect(name, endpoint),
      listen: (endpoint, accept) => this.#listen(endpoint, accept),
    };
  }

  /** Closes every channel of `host`, as its crash would. Listeners stay: what restarts, listens again at once. */
  cut(host: string): void {
    for (const end of this.#ends) if (end.localHost === host) end.close('cut');
  }

  /** Frames from and to `host` vanish, connections fail, nothing closes; `false` undoes it for new frames. */
  silence(host: string, silent: boolean): void {
    if (silent) this.#silent.add(host);
    else this.#silent.delete(host);
  }

  /** Manual mode: runs what is under way, and what that causes, up to `limit` steps; returns how many. */
  async deliver(limit = 100_000): Promise<number> {
    let steps = 0;
    while (steps < limit) {
      const step = this.#waiting.shift();
      if (step === undefined) break;
      step();
      steps += 1;
      await Promise.resolve();
    }
    return steps;
  }

  schedule(task: () => void): void {
    if (this.#manual) this.#waiting.push(task);
    else void Promise.resolve().then(task);
  }

  isSilent(host: string): boolean {
    return this.#silent.has(host);
  }

  forget(end: MemoryChannel): void {
    this.#ends.delete(end);
  }

  async #connect(from: string, endpoint: EndpointName): Promise<Channel> {
    const to = endpoint.split('/')[0] ?? '';
    await new Promise<void>((resolve) => this.schedule(resolve));
    const accept = this.#listeners.get(endpoint);
    if (accept === undefined || this.isSilent(from) || this.isSilent(to)) {
      throw new Problem('Unreachable', `Cannot connect to ${endpoint}: nobody listens`, { temporary: true });
    }
    const near = new MemoryChannel(this, from, to);
    const far = new MemoryChannel(this, to, from);
    near.join(far);
    far.join(near);
    this.#ends.add(near).add(far);
    accept(far);
    return near;
  }

  #listen(endpoint: EndpointName, accept: (channel: Channel) => void): () => void {
    assert(!this.#listeners.has(endpoint), `Somebody listens at ${endpoint} already`);
    this.#listeners.set(endpoint, accept);
    return () => this.#listeners.delete(endpoint);
  }
}

class MemoryChannel implements Channel {
  readonly localHost: string;
  readonly remoteHost: string;
  readonly #network: MemoryNetwork;
  #peer: MemoryChannel | undefined;
  #onFrame: ((frame: Buffer) => void) | undefined;
  #onClose: ((reason: string) => void) | undefined;
  #early: Buffer[] = [];
  #unsentBytes = 0;
  /** Frames that wait for this end's `resume`; they count as unsent at the other end. */
  #heldBack: (() => void)[] | undefined;
  #drainWaiters: (() => void)[] = [];
  #state: 'open' | 'closing' | 'closed' = 'open';

  constructor(network: MemoryNetwork, localHost: string, remoteHost: string) {
    this.#network = network;
    this.localHost = localHost;
    this.remoteHost = remoteHost;
  }

  join(peer: MemoryChannel): void {
    this.#peer = peer;
  }

  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  send(frame: Uint8Array): void {
    if (this.#state !== 'open') return;
    assert(frame.length <= networkLimits.maxFrameBytes, 'A frame is at most maxFrameBytes long');
    const copy = Buffer.from(frame); // the sender may use its memory again
    this.#unsentBytes += copy.length;
    const arrive = () => {
      this.#unsentBytes -= copy.length;
      this.#wakeWhenLow();
      const lost = this.#network.isSilent(this.localHost) || this.#network.isSilent(this.remoteHost);
      if (!lost) this.#peer?.receive(copy);
    };
    this.#network.schedule(() => this.#peer?.take(arrive));
  }

  /** In order: nothing overtakes what was held back before it. */
  take(arrive: () => void): void {
    if (this.#heldBack === undefined) arrive();
    else this.#heldBack.push(arrive);
  }

  pause(): void {
    this.#heldBack ??= [];
  }

  resume(): void {
    const heldBack = this.#heldBack;
    this.#heldBack = undefined;
    for (const arrive of heldBack ?? []) this.take(arrive);
  }

  drained(): Promise<void> {
    if (this.#state === 'closed' || this.#unsentBytes <= networkLimits.highWaterBytes) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drainWaiters.push(resolve);
    });
  }

  onFrame(handler: (frame: Buffer) => void): void {
    this.#onFrame = handler;
    for (const frame of this.#early.splice(0)) handler(frame);
  }

  onClose(handler: (reason: string) => void): void {
    this.#onClose = handler;
  }

  close(reason: string): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#network.schedule(() => {
      this.finish(reason);
      this.#peer?.finish(reason);
    });
  }

  receive(frame: Buffer): void {
    if (this.#state === 'closed') return;
    if (this.#onFrame === undefined) this.#early.push(frame);
    else this.#onFrame(frame);
  }

  finish(reason: string): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#network.forget(this);
    this.#wakeWhenLow();
    this.#onClose?.(reason);
  }

  #wakeWhenLow(): void {
    if (this.#state !== 'closed' && this.#unsentBytes > networkLimits.highWaterBytes) return;
    for (const wake of this.#drainWaiters.splice(0)) wake();
  }
}
