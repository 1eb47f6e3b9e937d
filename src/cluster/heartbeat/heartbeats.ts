/**
 * Heartbeats between the hosts, on every network that carries more than clients. They say which network works between
 * whom: for the choice of the network of a connection, for giving up connections over a lost one before they fall silent
 * for long, and for the status. They decide nothing about ownership: a lost packet never costs a failover.
 */
import type { Cancel, Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Random } from '../../base/random.ts';
import { addressOn, type ClusterNetwork } from '../networks/cluster-network.ts';
import { encodeBeat, type HeartbeatSecret, parseBeat } from './datagram.ts';
import type { Datagrams } from './datagrams.ts';
import { HeartbeatLink, type LinkState } from './heartbeat-link.ts';

export interface LinkStatus {
  readonly network: string;
  readonly peer: string;
  readonly state: LinkState;
  readonly isLate: boolean;
}

export interface HeartbeatsOptions {
  readonly host: string;
  /** Asked anew when hosts have come or gone. */
  readonly networks: () => readonly ClusterNetwork[];
  readonly secret: HeartbeatSecret;
  readonly datagrams: Datagrams;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly onChange: (peer: string, network: string, state: LinkState, before: LinkState) => void;
}

interface Way {
  readonly network: ClusterNetwork;
  readonly peer: string;
  readonly link: HeartbeatLink;
}

export class Heartbeats {
  readonly #options: HeartbeatsOptions;
  readonly #run: string;
  #ways: readonly Way[];
  #cancels: Cancel[] = [];
  /** Names of the networks on which heartbeats are sent. */
  readonly #ticking = new Set<string>();
  #refused = 0;
  #isStopped = false;

  constructor(options: HeartbeatsOptions) {
    this.#options = options;
    this.#run = options.random.bytes(8).toString('hex');
    this.#ways = waysOf(options, this.#run);
    options.datagrams.onDatagram((network, bytes) => this.#onDatagram(network, bytes));
  }

  start(): void {
    this.#startTicking();
  }

  /** Hosts have come or gone. What is known of the ways to the others stays. */
  hostsChanged(): void {
    const before = this.#ways;
    this.#ways = waysOf(this.#options, this.#run).map(
      (way) => before.find(({ network, peer }) => network.name === way.network.name && peer === way.peer) ?? way,
    );
    if (this.#ticking.size > 0) this.#startTicking();
  }

  #startTicking(): void {
    for (const { network } of this.#ways) {
      if (this.#ticking.has(network.name)) continue;
      this.#ticking.add(network.name);
      this.#tick(network, this.#options.clock.monotonicMs());
    }
  }

  stop(): void {
    this.#isStopped = true;
    for (const cancel of this.#cancels) cancel();
    this.#options.datagrams.close();
  }

  /** Datagrams that no host of this cluster sent now: forged, recorded earlier, or of another cluster. */
  get refused(): number {
    return this.#refused;
  }

  status(): readonly LinkStatus[] {
    const nowMs = this.#options.clock.monotonicMs();
    return this.#ways.map(({ network, peer, link }) => ({
      network: network.name,
      peer,
      state: link.state,
      isLate: link.isLate(nowMs),
    }));
  }

  /** Only of what is known: a way that has no heartbeats is not down. */
  isDown(peer: string, network: string): boolean {
    const way = this.#wayTo(peer, network);
    return way !== undefined && (way.link.state === 'down' || way.link.state === 'one-way');
  }

  #wayTo(peer: string, network: string): Way | undefined {
    return this.#ways.find((way) => way.peer === peer && way.network.name === network);
  }

  #tick(network: ClusterNetwork, dueMs: number): void {
    if (this.#isStopped) return;
    const { clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const { intervalMs } = network.heartbeat;
    for (const way of this.#ways) {
      if (way.network.name !== network.name) continue;
      if (nowMs - dueMs > intervalMs) way.link.stoodStill(nowMs - dueMs);
      this.#send(way, nowMs);
      this.#update(way, nowMs);
    }
    const cancel = clock.after(intervalMs, () => {
      this.#cancels = this.#cancels.filter((other) => other !== cancel);
      this.#tick(network, nowMs + intervalMs);
    });
    this.#cancels.push(cancel);
  }

  #send({ network, peer, link }: Way, nowMs: number): void {
    const { host, secret, datagrams } = this.#options;
    const beat = { from: host, to: peer, network: network.name, run: this.#run, ...link.next(nowMs) };
    datagrams.send(network.name, peer, encodeBeat(beat, secret));
  }

  #update({ network, peer, link }: Way, nowMs: number): void {
    const before = link.state;
    const state = link.update(nowMs);
    if (state === before) return;
    const { logger, onChange } = this.#options;
    if (state === 'up') logger.info({ network: network.name, peer, state }, 'a network is up');
    else logger.warn({ network: network.name, peer, state }, 'a network is lost');
    onChange(peer, network.name, state, before);
  }

  #onDatagram(network: string, bytes: Buffer): void {
    const { host, secret, clock } = this.#options;
    const beat = parseBeat(bytes, secret);
    const way = beat && beat.to === host && beat.network === network ? this.#wayTo(beat.from, network) : undefined;
    if (beat === undefined || way === undefined || way.link.receive(beat, clock.monotonicMs()) === 'refused') {
      this.#refused += 1;
    }
  }
}

function waysOf({ host, networks, clock }: HeartbeatsOptions, run: string): readonly Way[] {
  const nowMs = clock.monotonicMs();
  return networks()
    .filter((network) => network.role !== 'public' && addressOn(network, host) !== undefined)
    .flatMap((network) =>
      Object.keys(network.addresses)
        .filter((peer) => peer !== host)
        .map((peer) => ({ network, peer, link: new HeartbeatLink(network.heartbeat, run, nowMs) })),
    );
}
