/**
 * A host that was down, or cut off, when a node came or went learns it from the register, and so needs no order: Add-ClusterNode
 * and Remove-ClusterNode go on without it. What is seen may never have been decided; then the list names a host too many for a moment.
 */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { hostsToLearn } from '../cluster/known-hosts.ts';
import type { Register } from '../cluster/register.ts';
import { type Periodical, runPeriodically } from '../cluster/run-periodically.ts';
import { type HostConfig, rolesSchema } from '../host/config.ts';
import type { HostList } from './host-list.ts';

const LOOK_INTERVAL_MS = 3_000;
const PEEK_TIMEOUT_MS = 2_000;

export interface HostListWatchOptions {
  readonly config: HostConfig;
  readonly register: Pick<Register, 'peek'>;
  readonly hostList: HostList;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Looks from now on. */
export function watchHostList(options: HostListWatchOptions): Periodical {
  const { clock, logger } = options;
  const period = { clock, logger, name: 'list of hosts', intervalMs: LOOK_INTERVAL_MS };
  return runPeriodically(period, () => learnHosts(options));
}

/** Problem of HostList, which the next look may not have. */
export async function learnHosts({ config, register, hostList }: HostListWatchOptions): Promise<void> {
  const peeked = await register.peek({ timeoutMs: PEEK_TIMEOUT_MS });
  if (peeked === undefined) return;
  const { add, remove } = hostsToLearn(peeked.document, config.hosts, config.host, hostList.addedOver);
  for (const host of remove) hostList.remove({ host });
  for (const { name, place } of add) {
    const { addresses, address, clusterPort, copyPorts } = place;
    const entry = { name, address, clusterPort, copyPorts: { ...copyPorts }, roles: rolesSchema.parse(place.roles) };
    hostList.add({ entry, addresses, version: peeked.document.version });
  }
}
