/**
 * S1, S12: the register has one history. Its versions count up and none has two contents; an epoch has one owner and
 * never comes back; incarnations, and the renewals within one, count up too.
 */
import { isDeepStrictEqual } from 'node:util';
import type { RegisterDocument, StorageGroupRecord } from '../../cluster/register-document.ts';
import { type Checker, Violation } from '../simulated-cluster.ts';

export class RegisterHistory implements Checker {
  readonly name = 'one history of the register';
  /** Of each epoch of each storage group. */
  readonly #owners = new Map<string, string>();

  chosen(before: RegisterDocument | undefined, after: RegisterDocument): void {
    if (before !== undefined) compareVersions(before, after);
    for (const [name, group] of Object.entries(after.storageGroups)) {
      this.#noteOwner(name, group);
      const epochBefore = before?.storageGroups[name]?.epoch ?? 0;
      if (group.epoch < epochBefore) {
        throw new Violation('S1', `the register goes back from epoch ${epochBefore} of ${name} to ${group.epoch}`);
      }
    }
    for (const [name, node] of Object.entries(before?.nodes ?? {})) {
      const { incarnation = 0, lease = 0 } = after.nodes[name] ?? {};
      if (incarnation > node.incarnation || (incarnation === node.incarnation && lease >= node.lease)) continue;
      throw new Violation(
        'S12',
        `the register goes back from renewal ${node.incarnation}/${node.lease} of ${name} to ${incarnation}/${lease}`,
      );
    }
  }

  #noteOwner(name: string, { epoch, active }: StorageGroupRecord): void {
    if (active === null) return;
    const owner = this.#owners.get(`${name}/${epoch}`);
    if (owner !== undefined && owner !== active) {
      throw new Violation('S1', `epoch ${epoch} of ${name} was granted to ${owner} and is now ${active}'s`);
    }
    this.#owners.set(`${name}/${epoch}`, active);
  }
}

function compareVersions(before: RegisterDocument, after: RegisterDocument): void {
  const isSame = after.version === before.version && isDeepStrictEqual(before, after);
  if (after.version > before.version || isSame) return;
  throw new Violation('S12', `version ${before.version} of the register is followed by another ${after.version}`);
}
