/**
 * Hosts come and go while everything runs. Every part of a process holds the same configuration and asks it when it needs an
 * address, so the lists in it are replaced in place; nothing else of it ever changes.
 */
import type { HostConfig } from './config.ts';

/**
 * Everything that reads `config` reads the hosts and networks of `latest` from now on; `network` listens and connects by
 * them.
 */
export function adoptHosts(
  config: HostConfig,
  latest: Pick<HostConfig, 'hosts' | 'networks'>,
  network?: { placesChanged(): void },
): void {
  config.hosts.splice(0, config.hosts.length, ...latest.hosts);
  if (latest.networks !== undefined) config.networks?.splice(0, config.networks.length, ...latest.networks);
  network?.placesChanged();
}
