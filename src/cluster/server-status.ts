/** Get-ClusteredMailboxServerStatus: what administrators see of a clustered mailbox server. The register names who is active. */
import { member, type RegisterDocument, type StorageGroupRecord } from './register-document.ts';

export type ServerState = 'Online' | 'Partially Online' | 'Online Pending' | 'Offline' | 'Offline Pending' | 'Failed';

export interface ServerFacts {
  readonly document: RegisterDocument;
  readonly server: string;
  /** Hosts that answer. */
  readonly reachableHosts: ReadonlySet<string>;
  /** Storage groups that serve clients at this moment. */
  readonly serving: ReadonlySet<string>;
  /** Storage groups that nobody can lead without an administrator, with the reason. */
  readonly blocked: ReadonlyMap<string, string>;
}

export interface ServerStatus {
  readonly state: ServerState;
  /** As the command prints them: "mbx01-node1 <Active, Quorum Owner>". */
  readonly operationalMachines: readonly string[];
  /** Storage groups that are blocked, with the reason. */
  readonly failedResources: readonly string[];
}

/** undefined when there is no such server. */
export function serverStatus(facts: ServerFacts): ServerStatus | undefined {
  const server = member(facts.document.clusteredMailboxServers, facts.server);
  if (server === undefined) return undefined;
  return {
    state: stateOf(facts, server.storageGroups, server.stopped !== undefined),
    operationalMachines: machinesOf(facts, server.redundantMachines, server.storageGroups),
    failedResources: server.storageGroups.flatMap((group) => {
      const reason = facts.blocked.get(group);
      return reason === undefined ? [] : [`${group}: ${reason}`];
    }),
  };
}

function stateOf(facts: ServerFacts, names: readonly string[], isStopped: boolean): ServerState {
  const servingCount = names.filter((name) => facts.serving.has(name)).length;
  if (isStopped) return servingCount > 0 ? 'Offline Pending' : 'Offline';
  const wanted = names.filter((name) => member(facts.document.storageGroups, name)?.mounted ?? false);
  if (wanted.length === 0) return servingCount > 0 ? 'Offline Pending' : 'Offline';
  if (servingCount === names.length) return 'Online';
  if (servingCount > 0) return 'Partially Online';
  return wanted.every((name) => facts.blocked.has(name)) ? 'Failed' : 'Online Pending';
}

function machinesOf(facts: ServerFacts, machines: readonly string[], names: readonly string[]): readonly string[] {
  const groups = names.flatMap((name) => member(facts.document.storageGroups, name) ?? []);
  const owner = quorumOwner(facts);
  return machines
    .filter((machine) => facts.reachableHosts.has(machine))
    .map((machine) => {
      const labels = [
        ...(groups.some((group) => group.active === machine) ? ['Active'] : []),
        ...(machine === owner ? ['Quorum Owner'] : []),
      ];
      return labels.length === 0 ? machine : `${machine} <${labels.join(', ')}>`;
    });
}

/**
 * The reachable host whose lease carries the most storage groups; the first by name when equal. Ours is a register
 * without an owner, so the title goes to the one that renews the lease which the most depends on.
 */
export function quorumOwner(facts: Pick<ServerFacts, 'document' | 'reachableHosts'>): string | undefined {
  const groups: StorageGroupRecord[] = Object.values(facts.document.storageGroups);
  const count = (host: string) => groups.filter((group) => group.active === host).length;
  const hosts = [...facts.reachableHosts].filter((host) => count(host) > 0);
  return hosts.sort((left, right) => count(right) - count(left) || (left < right ? -1 : 1))[0];
}
