/**
 * Who votes on the register, as data: the sets that make sense, and why others are refused. Whatever the set, a decision
 * needs a majority of it, so that any two decisions have a vote in common.
 *
 *   majority of nodes    3, 5, ... nodes; each has a vote on its own disk
 *   nodes and witness    2, 4, ... nodes, and a third place that settles a cut between halves: a share or a process
 *   quorum disk          one vote on storage that all nodes reach; who cannot reach it decides nothing
 *
 * A witness beside an odd number of nodes would make the number even: it could be lost without anybody noticing, and would
 * help nobody. It is kept in the configuration and votes again when the number of nodes is even.
 */
import { Problem } from '../base/problem.ts';
import { MAX_ACCEPTORS } from './limits.ts';

export type Witness = { readonly share: string } | { readonly host: string };

/** What an administrator states. */
export interface QuorumDescription {
  /** Hosts that may run copies. */
  readonly nodes: readonly string[];
  readonly witness?: Witness | undefined;
  /** A directory on shared storage: the only vote, then. */
  readonly quorumDisk?: string | undefined;
}

export type AcceptorPlace =
  | { readonly kind: 'host' | 'process'; readonly name: string }
  | { readonly kind: 'share' | 'disk'; readonly name: string; readonly path: string };

/** The share's name among the votes, and the quorum disk's: no host may have it. */
export const SHARE_NAME = 'witness';
export const DISK_NAME = 'quorum';

/** Problem('QuorumInvalid') */
export function placesOf(quorum: QuorumDescription): readonly AcceptorPlace[] {
  const fault = faultOf(quorum);
  if (fault !== undefined) throw new Problem('QuorumInvalid', `Cannot form a quorum: ${fault}.`);
  if (quorum.quorumDisk !== undefined) return [{ kind: 'disk', name: DISK_NAME, path: quorum.quorumDisk }];
  const nodes = quorum.nodes.map((name): AcceptorPlace => ({ kind: 'host', name }));
  return quorum.witness === undefined || isOdd(nodes.length) ? nodes : [...nodes, witnessPlace(quorum.witness)];
}

function faultOf({ nodes, witness, quorumDisk }: QuorumDescription): string | undefined {
  const twice = nodes.find((name, index) => nodes.indexOf(name) !== index);
  const reserved = nodes.find((name) => name === SHARE_NAME || name === DISK_NAME);
  if (nodes.length === 0) return 'there is no node. Give at least one host the role mailbox';
  if (twice !== undefined) return `${twice} is named twice, and would vote twice. Name it once`;
  if (reserved !== undefined) return `a host called ${reserved} would be taken for another vote. Give it another name`;
  if (quorumDisk !== undefined) {
    return witness === undefined
      ? undefined
      : 'a quorum disk is the only vote, and there is a witness beside it. Take one of them away';
  }
  if (witness === undefined && !isOdd(nodes.length)) {
    return `${nodes.length} nodes are an even number, and when they lose each other nobody has a majority. Add a witness, or one more node`;
  }
  if (witness !== undefined && 'host' in witness && nodes.includes(witness.host)) {
    return `${witness.host} is the witness and a node, and would vote twice. Take another host as the witness`;
  }
  const count = nodes.length + (isOdd(nodes.length) ? 0 : 1);
  return count > MAX_ACCEPTORS ? `${count} votes are more than ${MAX_ACCEPTORS}. Take fewer nodes` : undefined;
}

function witnessPlace(witness: Witness): AcceptorPlace {
  return 'share' in witness
    ? { kind: 'share', name: SHARE_NAME, path: witness.share }
    : { kind: 'process', name: witness.host };
}

function isOdd(count: number): boolean {
  return count % 2 === 1;
}
