/** What adding and evicting a node have in common: who the nodes are, who votes then, and the word to every host. */
import { isProblem, Problem } from '../base/problem.ts';
import { type AcceptorPlace, placesOf, type Witness } from '../cluster/acceptor-places.ts';
import { compose } from '../cluster/changes.ts';
import type { RegisterDocument } from '../cluster/register-document.ts';
import type { AcceptorReport, AdminContext, HostMethod } from './context.ts';
import { describePlaces, nodesOf, type WitnessParameters, witnessFrom } from './quorum.ts';

/** A witness as it is to be from now on. `named`: by this command, and so to be written down. */
export interface NextWitness {
  readonly witness: Witness | undefined;
  readonly named: Witness | undefined;
}

/** As the command names it, as it votes now, or as the configuration has it for later. */
export async function nextWitness(
  context: AdminContext,
  parameters: WitnessParameters,
  acceptors: readonly AcceptorReport[],
): Promise<NextWitness> {
  const named = await witnessFrom(context, parameters);
  return { witness: named ?? votingWitness(acceptors) ?? context.configuration.witness, named };
}

function votingWitness(acceptors: readonly AcceptorReport[]): Witness | undefined {
  for (const { kind, name, path } of acceptors) {
    if (kind === 'share' && path !== null) return { share: path };
    if (kind === 'process') return { host: name };
  }
  return undefined;
}

/**
 * Who votes when these are the nodes; undefined when a quorum disk is the only vote, whoever the nodes are.
 * Problem('QuorumInvalid')
 */
export function nextPlaces(
  acceptors: readonly AcceptorReport[],
  change: (nodes: readonly string[]) => readonly string[],
  { witness }: NextWitness,
): readonly AcceptorPlace[] | undefined {
  if (acceptors.some(({ kind }) => kind === 'disk')) return undefined;
  return placesOf({ nodes: change(nodesOf(acceptors)), witness });
}

export async function changeVotes(context: AdminContext, places: readonly AcceptorPlace[] | undefined): Promise<void> {
  if (places === undefined) return;
  context.reportProgress(`From now on these vote: ${describePlaces(places)}`);
  try {
    await context.changeAcceptors(places);
  } catch (error) {
    // The command is given once more after it was interrupted.
    if (!isProblem(error, 'VotesSame')) throw error;
  }
}

/** One change of the register for every clustered mailbox server and storage group; nothing to change is no error. */
export async function changeAll(
  context: AdminContext,
  changesOf: (document: RegisterDocument) => readonly ((document: RegisterDocument) => RegisterDocument | undefined)[],
): Promise<void> {
  await context.changeRegister((document) => compose(document, changesOf(document)));
}

/** Who does not answer learns it from the register, and is said. Returns who was told. */
export async function tellThoseThatAnswer(
  context: AdminContext,
  hosts: readonly string[],
  method: HostMethod,
  order: object,
): Promise<readonly string[]> {
  const reports = await context.hostReports();
  const isSilent = (host: string): boolean => reports.some((report) => report.host === host && !report.reachable);
  const silent = hosts.filter(isSilent);
  const hearing = hosts.filter((host) => !isSilent(host));
  for (const host of hearing) await context.askHost(host, method, order);
  if (silent.length > 0) context.reportProgress(`${silent.join(', ')} will hear of it from the register`);
  return hearing;
}

/** Problem('HostsSilent') when one of them does not answer, before any is told. */
export async function tellHosts(
  context: AdminContext,
  hosts: readonly string[],
  method: HostMethod,
  order: object,
): Promise<void> {
  const reports = await context.hostReports();
  const silent = hosts.filter((host) => reports.some((report) => report.host === host && !report.reachable));
  if (silent.length > 0) {
    throw new Problem(
      'HostsSilent',
      `Cannot tell every host: ${silent.join(', ')} would not hear of it. Start what is down, or evict a node that is lost with Remove-ClusterNode.`,
      { temporary: true },
    );
  }
  for (const host of hosts) await context.askHost(host, method, order);
}
