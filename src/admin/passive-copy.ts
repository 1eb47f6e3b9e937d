/** Which copy a command is about: replication commands are always about a passive one. */
import { isProblem, Problem } from '../base/problem.ts';
import type { RegisterDocument } from '../cluster/register-document.ts';
import type { AdminContext, HostMethod } from './context.ts';
import { findStorageGroup, type StorageGroup, sameName } from './objects.ts';

export interface PassiveCopy {
  readonly group: StorageGroup;
  readonly host: string;
}

/** Problem('StorageGroupNotFound' | 'CopyNotFound' | 'CopyActive' | 'CopyAmbiguous'); `verb` goes into the message. */
export function choosePassiveCopy(
  verb: string,
  document: RegisterDocument,
  identity: string,
  machine: string | undefined,
): PassiveCopy {
  const group = findStorageGroup(document, identity);
  const { active, copies } = group.record;
  const cannot = `Cannot ${verb} the copy of ${group.identity}`;
  if (machine !== undefined) return { group, host: passiveOn(group, machine, cannot) };
  const passive = copies.filter((host) => host !== active);
  if (passive.length === 0) throw new Problem('CopyNotFound', `${cannot}: it has no passive copy`);
  if (passive.length === 1 && passive[0] !== undefined) return { group, host: passive[0] };
  throw new Problem(
    'CopyAmbiguous',
    `${cannot}: there are several (${passive.join(', ')}). Say which with -StandbyMachine.`,
  );
}

function passiveOn(group: StorageGroup, machine: string, cannot: string): string {
  const { active, copies } = group.record;
  const host = sameName(copies, machine);
  if (host === undefined) {
    throw new Problem(
      'CopyNotFound',
      `${cannot} on ${machine}: there is none. Hosts with a copy: ${copies.join(', ')}.`,
    );
  }
  if (host !== active) return host;
  throw new Problem(
    'CopyActive',
    `${cannot} on ${host}: it is the active one. Move-ClusteredMailboxServer makes it passive.`,
  );
}

/** Such an order may have been carried out; giving it once more does no harm. */
const unanswered: ReadonlySet<string> = new Set(['Unreachable', 'TimedOut', 'ChannelClosed']);

/** For orders that end up in the register: the copy's own host first, the active one's when that is away. */
export async function askHostOrPeer(
  context: AdminContext,
  group: StorageGroup,
  host: string,
  method: HostMethod,
  body: object,
): Promise<unknown> {
  try {
    return await context.askHost(host, method, body);
  } catch (error) {
    const { active } = group.record;
    const isAway = isProblem(error) && unanswered.has(error.code);
    if (!isAway || active === null || active === host) throw error;
    return await context.askHost(active, method, body);
  }
}
