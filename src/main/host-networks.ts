/**
 * The cluster's networks as this host's service uses them: heartbeats on each, the choice of a network by what they
 * say, the end of connections over one that is lost, so that they are formed again over the next, and word of one that is back.
 */
import { readFileSync } from 'node:fs';
import type { Cancel } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { messageOf } from '../base/problem.ts';
import { HEARTBEAT_KEY_BYTES } from '../cluster/heartbeat/datagram.ts';
import { isLoss, type LinkState } from '../cluster/heartbeat/heartbeat-link.ts';
import { Heartbeats, type LinkStatus } from '../cluster/heartbeat/heartbeats.ts';
import { type HostConfig, hostEntry, networksOf } from '../host/config.ts';
import { machineClock, machineRandom } from '../host/machine.ts';
import { openUdpDatagrams } from '../host/udp-datagrams.ts';
import { hostFiles } from './cluster-files.ts';

/** Connections return to a network that has been up for so long. */
const BACK_AFTER_MS = 5_000;

export interface HostNetworks {
  start(): void;
  stop(): void;
  /** Hosts or networks have come, gone or changed. */
  hostsChanged(): void;
  isDown(peer: string, network: string): boolean;
  /** What this host's heartbeats say; empty without heartbeats. */
  status(): readonly LinkStatus[];
}

export function openHostNetworks(options: {
  readonly config: HostConfig;
  readonly dataFolder: string;
  readonly logger: Logger;
  readonly onLost: (peer: string, network: string) => void;
  /** It was lost, and has worked for a while since. */
  readonly onBack: (peer: string, network: string) => void;
}): HostNetworks {
  const { config, dataFolder, logger, onLost } = options;
  const key = readKey(dataFolder, logger);
  if (key === undefined) return silent;
  const networks = (): ReturnType<typeof networksOf> => networksOf(config);
  const portOf = (host: string): number => hostEntry(config, host).clusterPort;
  const datagrams = openUdpDatagrams({ host: config.host, networks, portOf, logger });
  const backs = new BackForAWhile(options.onBack);
  const heartbeats = new Heartbeats({
    host: config.host,
    networks,
    secret: { clusterId: config.cluster.id, key },
    datagrams,
    clock: machineClock,
    random: machineRandom,
    logger,
    onChange: (peer, network, state, before) => {
      backs.note(peer, network, state);
      if (isLoss(before, state)) onLost(peer, network);
    },
  });
  return {
    start: () => heartbeats.start(),
    stop: () => heartbeats.stop(),
    hostsChanged: () => {
      datagrams.networksChanged();
      heartbeats.hostsChanged();
    },
    isDown: (peer, network) => heartbeats.isDown(peer, network),
    status: () => heartbeats.status(),
  };
}

/** A network that has just come back may go again: what runs well over another one is not moved for a moment's sake. */
class BackForAWhile {
  readonly #onBack: (peer: string, network: string) => void;
  readonly #pending = new Map<string, Cancel>();

  constructor(onBack: (peer: string, network: string) => void) {
    this.#onBack = onBack;
  }

  note(peer: string, network: string, state: LinkState): void {
    const way = `${peer}/${network}`;
    this.#pending.get(way)?.();
    this.#pending.delete(way);
    if (state !== 'up') return;
    const cancel = machineClock.after(BACK_AFTER_MS, () => {
      this.#pending.delete(way);
      this.#onBack(peer, network);
    });
    this.#pending.set(way, cancel);
  }
}

const silent: HostNetworks = {
  start: () => undefined,
  stop: () => undefined,
  hostsChanged: () => undefined,
  isDown: () => false,
  status: () => [],
};

/** A cluster that was formed before there were heartbeats has no key: connections alone tell then. */
function readKey(dataFolder: string, logger: Logger): Buffer | undefined {
  const path = hostFiles.heartbeatKey(dataFolder);
  try {
    const key = readFileSync(path);
    if (key.length === HEARTBEAT_KEY_BYTES) return key;
    logger.warn({ path, sizeBytes: key.length }, 'no heartbeats: the key has another length');
  } catch (error) {
    logger.warn({ path, reason: messageOf(error) }, 'no heartbeats: the key cannot be read');
  }
  return undefined;
}
