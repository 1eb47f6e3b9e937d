/**
 * From the places of acceptors to votes that can be asked: this host's own file, another host's over its connection (a node,
 * or a witness process: the same question, the same answer), a directory that every host reaches.
 */
import { Problem } from '../base/problem.ts';
import type { RpcHandler } from '../base/rpc.ts';
import { parseAcceptorReply, parseAcceptorRequest } from '../cluster/acceptor-message.ts';
import type { AcceptorPlace } from '../cluster/acceptor-places.ts';
import type { Vote } from '../cluster/acceptor-set.ts';
import { type HostConfig, hostEntry } from '../host/config.ts';
import { FileAcceptor } from '../host/file-acceptor.ts';
import { ShareAcceptor } from '../host/share-acceptor.ts';
import { hostFiles } from './cluster-files.ts';
import type { HostLinks } from './host-links.ts';

const ACCEPTOR_TIMEOUT_MS = 1_000;

/** The vote on this host's disk, on hosts whose role lets them have one; whether it counts is the set's matter. */
export function localVote(config: HostConfig, dataFolder: string): FileAcceptor | undefined {
  const { roles } = hostEntry(config, config.host);
  if (!roles.includes('mailbox') && !roles.includes('witness')) return undefined;
  return new FileAcceptor({ name: config.host, identity: identityOf(config), folder: hostFiles.acceptor(dataFolder) });
}

export function openVote(
  config: HostConfig,
  place: AcceptorPlace,
  links: HostLinks,
  local: FileAcceptor | undefined,
): Vote {
  const { name } = place;
  if ('path' in place) {
    const share = new ShareAcceptor({ name, identity: identityOf(config), folder: place.path });
    return { name, ask: (request) => share.ask(request) };
  }
  if (name === config.host && local !== undefined) return { name, ask: (request) => local.ask(request) };
  const ask: Vote['ask'] = async (request) =>
    parseAcceptorReply(await links.ask(name, 'acceptor', request, ACCEPTOR_TIMEOUT_MS));
  return { name, ask };
}

/**
 * This host's vote, for the other hosts of the cluster. Whoever has a certificate of it may look: a node that was evicted while
 * it was dead learns so from what the votes hold.
 */
export function voteHandler(
  isHost: (name: string) => boolean,
  local: FileAcceptor | undefined,
): Record<string, RpcHandler> {
  if (local === undefined) return {};
  return {
    acceptor: async (body, remoteHost) => {
      const request = parseAcceptorRequest(JSON.parse(body.toString('utf8')));
      if (!isHost(remoteHost) && request.kind !== 'peek') {
        throw new Problem('NotAllowed', `Cannot vote for ${remoteHost}: it is not a host of this cluster`);
      }
      return Buffer.from(JSON.stringify(await local.ask(request)));
    },
  };
}

/** Files answer requests of every incarnation by what they hold; their own identity is not used here. */
function identityOf(config: HostConfig): { clusterId: string; incarnation: number } {
  return { clusterId: config.cluster.id, incarnation: 1 };
}
