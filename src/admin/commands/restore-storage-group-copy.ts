/**
 * Restore-StorageGroupCopy: a copy is made the active one by an administrator's word, when none may become it by
 * itself (case 5 and 10 of the protocol). What may be lost is said before, in words and figures, and nothing happens
 * until somebody accepts it: at a terminal by a second yes, elsewhere by -Force. A living owner is never overruled: the
 * host of the copy watches the lease itself, and refuses while it may hold.
 */
import { z } from 'zod';
import { Problem } from '../../base/problem.ts';
import { estimateLoss } from '../../cluster/estimate-loss.ts';
import { type ClusterFacts, gatherFacts, isServing, viewOf } from '../cluster-facts.ts';
import { declareCommand } from '../command.ts';
import type { AdminContext } from '../context.ts';
import { describeMissing } from '../loss.ts';
import { findStorageGroup, type StorageGroup, sameName } from '../objects.ts';
import { flag, name, storageGroupIdentity } from '../schemas.ts';

interface Candidate {
  readonly group: StorageGroup;
  readonly host: string;
  /** What may be lost, without a full stop. */
  readonly loss: string;
}

export const restoreStorageGroupCopy = declareCommand({
  name: 'Restore-StorageGroupCopy',
  synopsis: 'Makes a copy the active one although records may be lost.',
  description:
    'For when no copy may take over by itself because the only one that holds everything acknowledged is gone. The copy becomes the active one with what it has; what the others had beyond that is lost to the clients, and the loss is recorded (Get-LossReport). Refused while another copy is active or may still be, and without -Force, which says that the loss is accepted; a terminal is asked twice instead. Bring the lost host back instead if you can. If it comes back later, its copy puts what nobody else has into its quarantine folder and follows, or is Failed because its database holds it: then copy its folder away, if you want what was lost, before Update-StorageGroupCopy.',
  parameters: z.strictObject({
    Identity: storageGroupIdentity,
    StandbyMachine: name('The host of the copy; needed only where several could be activated.').optional(),
    Force: flag('Accepts the loss, and does not ask.'),
  }),
  positional: ['Identity'],
  permission: 'Server Administrator',
  change: {
    asks: true,
    describe: ({ Identity: identity, StandbyMachine: machine }) =>
      `Make the copy of ${identity}${machine === undefined ? '' : ` on ${machine}`} the active one with what it has`,
    consequence: async (context, { Identity: identity, StandbyMachine: machine }) => {
      const { host, loss } = await chooseCandidate(context, identity, machine);
      return `on ${host}, ${loss}`;
    },
  },
  columns: [
    { name: 'Identity', type: 'text', description: 'server\\name' },
    { name: 'ActiveCopy', type: 'text', description: 'The host that owns it now.' },
    { name: 'Loss', type: 'text', description: 'What may have been lost.' },
  ],
  table: ['Identity', 'ActiveCopy', 'Loss'],
  defaultFormat: 'List',
  examples: [
    {
      line: "Restore-StorageGroupCopy 'mbx01\\First Storage Group' -Force",
      what: 'Serves with the copy that is left, although the other one had more.',
    },
  ],
  handler: async (context, { Identity: identity, StandbyMachine: machine, Force: isAccepted }) => {
    const { group, host, loss } = await chooseCandidate(context, identity, machine);
    if (!isAccepted) {
      throw new Problem(
        'LossNotAccepted',
        `Cannot activate the copy of ${group.identity} on ${host} without your word: ${loss}. Give -Force to accept that.`,
      );
    }
    await context.askHost(host, 'restore-copy', { storageGroup: group.name });
    return [{ Identity: group.identity, ActiveCopy: host, Loss: loss }];
  },
});

/** Problem('StorageGroupNotFound' | 'CopyActive' | 'CopyNotFound' | 'CopyAmbiguous' | 'CopyUnusable') */
async function chooseCandidate(
  context: AdminContext,
  identity: string,
  machine: string | undefined,
): Promise<Candidate> {
  const facts = await gatherFacts(context);
  const group = findStorageGroup(facts.document, identity);
  const cannot = `Cannot activate a copy of ${group.identity}`;
  if (isServing(facts, group)) {
    throw new Problem(
      'CopyActive',
      `${cannot}: the one on ${group.record.active} is active. Move-ClusteredMailboxServer moves it.`,
    );
  }
  const host = machine === undefined ? onlyUsable(facts, group, cannot) : usableOn(facts, group, machine, cannot);
  return { group, host, loss: lossAt(facts, group, host) };
}

function onlyUsable(facts: ClusterFacts, group: StorageGroup, cannot: string): string {
  const usable = group.record.copies.filter((host) => viewOf(facts, group.name, host)?.mayTakeOver === true);
  const [only, other] = usable;
  if (only === undefined) {
    const states = group.record.copies.map((host) => `${host} ${unusableReason(facts, group, host)}`);
    throw new Problem('CopyUnusable', `${cannot}: none is usable (${states.join('; ')}). Start their hosts.`);
  }
  if (other === undefined) return only;
  const ends = usable.map((host) => `${host}: ${lossAt(facts, group, host)}`);
  throw new Problem(
    'CopyAmbiguous',
    `${cannot}: several could be (${ends.join('. ')}). Say which with -StandbyMachine.`,
  );
}

function usableOn(facts: ClusterFacts, group: StorageGroup, machine: string, cannot: string): string {
  const host = sameName(group.record.copies, machine);
  if (host === undefined) {
    const hosts = group.record.copies.join(', ');
    throw new Problem('CopyNotFound', `${cannot} on ${machine}: there is none. Hosts with a copy: ${hosts}.`);
  }
  if (viewOf(facts, group.name, host)?.mayTakeOver === true) return host;
  throw new Problem(
    'CopyUnusable',
    `${cannot}: ${host} ${unusableReason(facts, group, host)}. Get-StorageGroupCopyStatus says more.`,
  );
}

function unusableReason(facts: ClusterFacts, group: StorageGroup, host: string): string {
  const view = viewOf(facts, group.name, host);
  if (view === undefined) return 'does not answer';
  return view.failedMessage ?? (view.seeding ? 'is being seeded' : 'is not verified yet');
}

function lossAt(facts: ClusterFacts, group: StorageGroup, host: string): string {
  const view = viewOf(facts, group.name, host);
  const { hint, inSync } = group.record;
  const lastKept = { lsn: view?.durableLsn ?? 0, generation: view?.generation ?? 0 };
  const isWhole = inSync.includes(host) && view?.restored !== true;
  if (isWhole && lastKept.lsn >= hint.lsn) return 'nothing acknowledged is missing, as far as is known';
  return describeMissing({ ...estimateLoss(hint, lastKept), lastKept, hint });
}
