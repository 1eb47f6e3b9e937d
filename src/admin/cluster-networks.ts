/** A change of the cluster's networks: judged before anybody is told, then told to every host. */
import { Problem } from '../base/problem.ts';
import { checkNetworks } from '../cluster/networks/check-networks.ts';
import { changeNetworks, type NetworkChange } from '../cluster/networks/network-changes.ts';
import { tellHosts } from './cluster-nodes.ts';
import type { AdminContext } from './context.ts';

/**
 * `first`: the host that is told before the others, because it may refuse. The one that was asked comes last, so that an interrupted
 * command finds what it was about when it is given again. Problem('NetworksUnfit' | 'HostsSilent'), or what a host says.
 */
export async function applyToNetworks(context: AdminContext, change: NetworkChange, first?: string): Promise<void> {
  const { networks, hosts } = context.networks;
  const after = checkNetworks(changeNetworks(networks, change), hosts);
  if (after.refused.length > 0) {
    throw new Problem('NetworksUnfit', `Cannot change the networks: ${after.refused.join('; ')}. Nothing was changed.`);
  }
  const known = checkNetworks(networks, hosts).warnings;
  for (const warning of after.warnings) if (!known.includes(warning)) context.reportProgress(`Warning: ${warning}`);
  const rank = (name: string): number => (name === first ? 0 : name === context.hostName ? 2 : 1);
  const names = context.configuration.hosts.map(({ name }) => name);
  await tellHosts(
    context,
    names.toSorted((left, right) => rank(left) - rank(right)),
    'change-networks',
    change,
  );
}
