/**
 * Where is the active copy of a storage group? The finder holds a channel to every copy and believes the highest epoch
 * that says it is active: two copies may both say so for a moment, and the one with the lower epoch is fenced off by
 * the copies themselves, so following it costs a refused question and never a wrong answer.
 */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Network } from '../base/network.ts';
import type { Rpc } from '../base/rpc.ts';
import { CopyPeer } from './copy-peer.ts';
import { type CopyState, copyEndpoint } from './copy-protocol.ts';
import { type ChannelPace, directoryLimits } from './limits.ts';

export interface ActiveCopy {
  readonly host: string;
  readonly epoch: number;
  readonly lossy: boolean;
  readonly mode: CopyState['mode'];
  readonly rpc: Rpc;
}

export interface CopyFinderOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly storageGroup: string;
  /** Hosts that have a copy. */
  readonly hosts: readonly string[];
  /** Absent: that of hosts that are close together. */
  readonly pace?: ChannelPace;
}

export class CopyFinder {
  readonly storageGroup: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #options: CopyFinderOptions;
  readonly #peers = new Map<string, CopyPeer>();
  readonly #listeners = new Set<(active: ActiveCopy | undefined) => void>();
  #active: ActiveCopy | undefined;

  constructor(options: CopyFinderOptions) {
    this.storageGroup = options.storageGroup;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#options = options;
    this.lookOn(options.hosts);
  }

  /** On these hosts from now on, and on no other. */
  lookOn(hosts: readonly string[]): void {
    for (const [host, peer] of this.#peers) {
      if (hosts.includes(host)) continue;
      this.#peers.delete(host);
      peer.close();
    }
    for (const host of hosts) if (!this.#peers.has(host)) this.#peers.set(host, this.#peer(host));
    this.#reconsider();
  }

  active(): ActiveCopy | undefined {
    return this.#active;
  }

  /** The active copy as soon as there is one; undefined when there is none within `timeoutMs`. */
  whenActive(timeoutMs: number): Promise<ActiveCopy | undefined> {
    if (this.#active !== undefined) return Promise.resolve(this.#active);
    return new Promise((resolve) => {
      const finish = (active: ActiveCopy | undefined) => {
        undo();
        cancel();
        resolve(active);
      };
      const undo = this.onChange((active) => active !== undefined && finish(active));
      const cancel = this.#clock.after(timeoutMs, () => finish(undefined));
    });
  }

  /** Calls `listener` whenever the active copy, its epoch or the channel to it is another one; returns the undo. */
  onChange(listener: (active: ActiveCopy | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** What every reachable copy says about itself, for status pages. */
  states(): readonly CopyState[] {
    return [...this.#peers.values()].flatMap((peer) => peer.connection?.state ?? []);
  }

  close(): void {
    for (const peer of this.#peers.values()) peer.close();
  }

  #peer(host: string): CopyPeer {
    const { network, clock, logger, storageGroup, pace = directoryLimits } = this.#options;
    const endpoint = copyEndpoint(host, storageGroup);
    return new CopyPeer({ network, clock, logger, endpoint, pace, onChange: () => this.#reconsider() });
  }

  #reconsider(): void {
    const next = this.#best();
    if (sameCopy(next, this.#active)) return;
    this.#active = next;
    const { storageGroup } = this;
    this.#logger.info({ storageGroup, host: next?.host ?? null, epoch: next?.epoch ?? null }, 'active copy changed');
    // One that is added by another hears of the next change.
    const listeners = [...this.#listeners];
    for (const listener of listeners) listener(next);
  }

  #best(): ActiveCopy | undefined {
    let best: ActiveCopy | undefined;
    for (const peer of this.#peers.values()) {
      const { rpc, state } = peer.connection ?? {};
      if (rpc === undefined || state === undefined || !state.active) continue;
      if (best === undefined || state.epoch > best.epoch) {
        best = { host: state.host, epoch: state.epoch, lossy: state.lossy, mode: state.mode, rpc };
      }
    }
    return best;
  }
}

function sameCopy(left: ActiveCopy | undefined, right: ActiveCopy | undefined): boolean {
  return (
    left?.rpc === right?.rpc &&
    left?.epoch === right?.epoch &&
    left?.lossy === right?.lossy &&
    left?.mode === right?.mode
  );
}
