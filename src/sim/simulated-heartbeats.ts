/** A simulated node's heartbeats, where it has more than one network: the production code over simulated datagrams. */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Random } from '../base/random.ts';
import { HEARTBEAT_KEY_BYTES } from '../cluster/heartbeat/datagram.ts';
import { isLoss } from '../cluster/heartbeat/heartbeat-link.ts';
import { Heartbeats } from '../cluster/heartbeat/heartbeats.ts';
import { type ClusterNetwork, defaultHeartbeat } from '../cluster/networks/cluster-network.ts';
import type { SimulatedNetwork } from './simulated-network.ts';
import type { SimulatedProcess } from './simulated-process.ts';

const SECRET = { clusterId: '0'.repeat(32), key: Buffer.alloc(HEARTBEAT_KEY_BYTES, 1) };

export interface SimulatedHeartbeatsOptions {
  readonly host: string;
  readonly nodes: readonly string[];
  readonly network: SimulatedNetwork;
  readonly process: SimulatedProcess;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export function startHeartbeats(options: SimulatedHeartbeatsOptions): Heartbeats {
  const { host, network, process } = options;
  const networks = clusterNetworks(options);
  const heartbeats = new Heartbeats({
    ...options,
    networks: () => networks,
    secret: SECRET,
    datagrams: network.datagramsOf(host, process),
    onChange: (peer, name, state, before) => {
      if (isLoss(before, state)) network.closeOver(host, peer, name);
    },
  });
  heartbeats.start();
  return heartbeats;
}

function clusterNetworks({ network, nodes }: SimulatedHeartbeatsOptions): readonly ClusterNetwork[] {
  return network.names.map((name, index) => ({
    name,
    role: index === network.names.length - 1 ? 'mixed' : 'private',
    priority: index + 1,
    prefixLength: 24,
    heartbeat: defaultHeartbeat,
    addresses: Object.fromEntries(nodes.map((node, at) => [node, `10.0.${index}.${at + 1}`])),
  }));
}
