/** What the commands on the set of votes have in common: the set as it is, and a witness as an administrator names it. */
import { Problem } from '../base/problem.ts';
import type { AcceptorPlace, Witness } from '../cluster/acceptor-places.ts';
import type { AcceptorReport, AdminContext } from './context.ts';
import { quoted, sameName } from './objects.ts';

export interface WitnessParameters {
  readonly WitnessShare?: string | undefined;
  readonly WitnessHost?: string | undefined;
}

export function nodesOf(acceptors: readonly AcceptorReport[]): readonly string[] {
  return acceptors.filter(({ kind }) => kind === 'host').map(({ name }) => name);
}

/** Problem('QuorumInvalid' | 'HostNotFound' | 'HostIsNoWitness') */
export async function witnessFrom(context: AdminContext, parameters: WitnessParameters): Promise<Witness | undefined> {
  const { WitnessShare: share, WitnessHost: host } = parameters;
  if (share !== undefined && host !== undefined) {
    throw new Problem('QuorumInvalid', 'Cannot take two witnesses: give -WitnessShare or -WitnessHost.');
  }
  if (share !== undefined) return { share };
  return host === undefined ? undefined : { host: await witnessHost(context, host) };
}

async function witnessHost(context: AdminContext, host: string): Promise<string> {
  const hosts = await context.hostReports();
  const name = sameName(
    hosts.map((each) => each.host),
    host,
  );
  if (name === undefined)
    throw new Problem('HostNotFound', `Cannot find host ${quoted(host)}: it is not in holdfast.yaml.`);
  if (hosts.some((each) => each.host === name && each.roles.includes('witness'))) return name;
  throw new Problem(
    'HostIsNoWitness',
    `Cannot make ${name} the witness: it has not that role. Give it the role witness in each host's holdfast.yaml, and restart them.`,
  );
}

export function describePlaces(places: readonly AcceptorPlace[]): string {
  return places.map((place) => ('path' in place ? `${place.name} (${place.path})` : place.name)).join(', ');
}
