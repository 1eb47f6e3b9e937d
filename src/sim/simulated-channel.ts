/**
 * A connection between two processes: two directions, each a queue of whole frames that arrive in order, or not at
 * all. While the way is cut they wait, as TCP's do, and arrive late when it heals before somebody has given up; that
 * is what a fence must stand.
 */
import type { Channel } from '../base/network.ts';
import { networkLimits } from '../base/network.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import { sealOf, type WireNoise } from './wire-noise.ts';

/** What a direction needs to know of the network. */
export interface Wire {
  delayMs(from: string, to: string): number;
  isCut(from: string, to: string): boolean;
  after(delayMs: number, fire: () => void): void;
  /** What goes wrong on the way at present. */
  noise(from: string, to: string): WireNoise | undefined;
  /** A frame that was not what was sent, or not in its place, has arrived. False: nobody looks. */
  refuses(): boolean;
}

interface Item {
  readonly dueMs: number;
  /** Its place among the frames of this direction; 0 for the close. */
  readonly number: number;
  /** Of frames that were sent into noise: others are not touched. */
  readonly seal: number | undefined;
  /** undefined: the close. */
  readonly frame: Buffer | undefined;
  readonly reason: string;
}

/** One end of a connection, as its process holds it. */
export class SimulatedChannel implements Channel {
  readonly remoteHost: string;
  readonly localHost: string;
  readonly process: SimulatedProcess;
  readonly #wire: Wire;
  readonly #now: () => number;
  readonly #queue: Item[] = [];
  #sentFrames = 0;
  #arrivedFrames = 0;
  #isMoving = false;
  #isStalled = false;
  #peer: SimulatedChannel | undefined;
  #frameHandler: ((frame: Buffer) => void) | undefined;
  #closeHandler: ((reason: string) => void) | undefined;
  #early: Buffer[] = [];
  #unsentBytes = 0;
  #drainWaiters: (() => void)[] = [];
  #closed: string | undefined;
  readonly #onGone: (channel: SimulatedChannel) => void;

  constructor(options: {
    wire: Wire;
    now: () => number;
    process: SimulatedProcess;
    localHost: string;
    remoteHost: string;
    onGone: (channel: SimulatedChannel) => void;
  }) {
    this.#wire = options.wire;
    this.#now = options.now;
    this.process = options.process;
    this.localHost = options.localHost;
    this.remoteHost = options.remoteHost;
    this.#onGone = options.onGone;
  }

  join(peer: SimulatedChannel): void {
    this.#peer = peer;
  }

  get peer(): SimulatedChannel | undefined {
    return this.#peer;
  }

  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  send(frame: Uint8Array): void {
    if (this.#closed !== undefined || !this.process.isAlive) return;
    const copy = Buffer.from(frame);
    this.#unsentBytes += copy.length;
    this.#put(copy, '');
  }

  drained(): Promise<void> {
    if (this.#closed !== undefined || this.#unsentBytes < networkLimits.highWaterBytes) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drainWaiters.push(resolve);
    });
  }

  onFrame(handler: (frame: Buffer) => void): void {
    this.#frameHandler = handler;
    for (const frame of this.#early.splice(0)) handler(frame);
  }

  onClose(handler: (reason: string) => void): void {
    this.#closeHandler = handler;
    if (this.#closed !== undefined) this.#tellClosed(this.#closed);
  }

  close(reason: string): void {
    if (this.#closed !== undefined || !this.process.isAlive) return;
    this.#put(undefined, reason);
    this.#end(reason);
  }

  /** The machine says that the process is gone, after all that it had sent. */
  processDied(): void {
    if (this.#closed !== undefined) return;
    this.#closed = 'its process is gone';
    this.#put(undefined, 'the other side is gone');
    this.#onGone(this);
  }

  /** Its machine lost its power: not even the close is sent. */
  lostPower(): void {
    this.#queue.length = 0;
    this.#closed ??= 'its machine lost its power';
  }

  /** This end gives the connection up: it has heard nothing for too long. */
  giveUp(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#queue.length = 0;
    this.#put(undefined, reason);
    this.#end(reason);
  }

  /** The connection breaks; what was under way is lost. */
  break(reason: string): void {
    this.#queue.length = 0;
    this.#end(reason);
  }

  /** The way is open again: what waited goes on. */
  resume(): void {
    if (!this.#isStalled) return;
    this.#isStalled = false;
    this.#isMoving = true;
    this.#wire.after(this.#wire.delayMs(this.localHost, this.remoteHost) * 20, () => this.#arrive());
  }

  #put(frame: Buffer | undefined, reason: string): void {
    const dueMs = this.#now() + this.#wire.delayMs(this.localHost, this.remoteHost);
    const noise = frame && this.#wire.noise(this.localHost, this.remoteHost);
    const number = frame === undefined ? 0 : ++this.#sentFrames;
    const item = { dueMs, number, seal: noise && frame && sealOf(number, frame), frame, reason };
    if (noise === undefined) this.#queue.push(item);
    else this.#disturb(noise, item);
    if (!this.#isMoving && !this.#isStalled) this.#move();
  }

  #disturb(noise: WireNoise, item: Item): void {
    const what = noise.next();
    const before = what === 'overtaken' ? this.#queue.pop() : undefined;
    const altered = what === 'altered' && item.frame !== undefined ? { frame: noise.altered(item.frame) } : {};
    this.#queue.push({ ...item, ...altered });
    if (what === 'doubled') this.#queue.push(item);
    if (before !== undefined) this.#queue.push(before);
  }

  /** As TLS does: what is not the next frame as it was sent ends the connection. */
  #isSound({ number, seal, frame }: Item): boolean {
    const isNext = number === this.#arrivedFrames + 1;
    this.#arrivedFrames = Math.max(this.#arrivedFrames, number);
    const isAsSent = seal === undefined || frame === undefined || seal === sealOf(number, frame);
    return (isNext && isAsSent) || !this.#wire.refuses();
  }

  #move(): void {
    const head = this.#queue[0];
    this.#isMoving = head !== undefined;
    if (head !== undefined) this.#wire.after(head.dueMs - this.#now(), () => this.#arrive());
  }

  #arrive(): void {
    if (this.#wire.isCut(this.localHost, this.remoteHost)) {
      this.#isMoving = false;
      this.#isStalled = true;
      return;
    }
    const item = this.#queue.shift();
    if (item?.frame !== undefined) {
      this.#unsentBytes -= item.frame.length;
      this.#wakeDrained();
      if (this.#isSound(item)) this.#peer?.receive(item.frame);
      else this.#peer?.refuse();
    } else if (item !== undefined) this.#peer?.closedByPeer(item.reason);
    this.#move();
  }

  #wakeDrained(): void {
    if (this.#closed === undefined && this.#unsentBytes >= networkLimits.highWaterBytes) return;
    for (const wake of this.#drainWaiters.splice(0)) this.process.run(wake);
  }

  receive(frame: Buffer): void {
    this.process.run(() => {
      if (this.#closed !== undefined) return;
      if (this.#frameHandler === undefined) this.#early.push(frame);
      else this.#frameHandler(frame);
    });
  }

  /** What came is not what was sent. */
  refuse(): void {
    this.process.run(() => this.giveUp('a frame does not verify'));
  }

  closedByPeer(reason: string): void {
    this.process.run(() => this.#end(reason));
  }

  #end(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    this.#onGone(this);
    this.#wakeDrained();
    this.#tellClosed(reason);
  }

  /** In a turn of its own: nobody is called back out of his own call. */
  #tellClosed(reason: string): void {
    const handler = this.#closeHandler;
    if (handler !== undefined) this.#wire.after(0, () => this.process.run(() => handler(reason)));
  }
}
