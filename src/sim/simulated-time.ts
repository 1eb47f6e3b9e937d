/**
 * True time of a simulated world, which no host can see, and the queue of everything that is going to happen in it. One
 * event after the other, in the order of time; what falls on the same moment is ordered by chance, so that nobody comes
 * to rely on an order which the real world does not promise. Between two events all promises run out: an event is one
 * turn of the machine's event loop, and nothing in it takes time.
 */
import { setImmediate } from 'node:timers';
import type { Cancel } from '../base/clock.ts';
import type { Random } from '../base/random.ts';

interface Event {
  readonly atMs: number;
  readonly tie: number;
  fire: (() => void) | undefined;
}

/** Turns of the event loop that are asked for at once: a turn each, without a look at sockets in between. */
const TURNS_AT_ONCE = 64;

export class SimulatedTime {
  readonly #random: Random;
  readonly #heap: Event[] = [];
  #nowMs = 0;
  #events = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** How many events have happened. */
  get events(): number {
    return this.#events;
  }

  after(delayMs: number, fire: () => void): Cancel {
    const event: Event = { atMs: this.#nowMs + Math.max(0, delayMs), tie: this.#random.below(0x1_0000_0000), fire };
    this.#push(event);
    return () => {
      event.fire = undefined;
    };
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, resolve);
    });
  }

  /** Lets things happen until `work` has ended; rejects as it does. Rejects when nothing is left that could end it. */
  run<T>(work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let ended = false;
      const end = (): void => {
        ended = true;
      };
      work.then(resolve, reject);
      work.then(end, end);
      let planned = 0;
      const turn = (): void => {
        planned -= 1;
        if (ended) return;
        try {
          if (!this.#step()) throw new Error('The simulated world stands still: nothing is left that could happen');
        } catch (error) {
          ended = true;
          reject(error instanceof Error ? error : new Error(String(error)));
          return;
        }
        if (planned > 0) return;
        for (; planned < TURNS_AT_ONCE; planned++) setImmediate(turn);
      };
      planned = 1;
      setImmediate(turn);
    });
  }

  #step(): boolean {
    for (let event = this.#pop(); event !== undefined; event = this.#pop()) {
      if (event.fire === undefined) continue;
      this.#nowMs = event.atMs;
      this.#events += 1;
      event.fire();
      return true;
    }
    return false;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Event;
      if (!isBefore(event, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child += 1;
      const below = heap[child] as Event;
      if (!isBefore(below, last)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function isBefore(left: Event, right: Event): boolean {
  return left.atMs === right.atMs ? left.tie < right.tie : left.atMs < right.atMs;
}
