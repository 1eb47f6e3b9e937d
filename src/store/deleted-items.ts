/**
 * Deleted items of a mounted storage group: listed, got back, and forgotten when they were kept long enough. Long
 * changes are cut into records, and other sessions get their turn between.
 */
import { present } from '../base/assert.ts';
import type { ChangePort } from './change-port.ts';
import type { KeepingQueries } from './keeping-queries.ts';
import { PURGED_AT_ONCE, RESTORE_SLICE_MESSAGES } from './limits.ts';
import type { Folder } from './mail-store.ts';
import type { DeletedItem, DeletedItems } from './mailbox-keeping.ts';
import { type Present, planFolder, validName } from './plan-folders.ts';
import { planPurge, planRestore } from './plan-keeping.ts';
import { quotaOf } from './room.ts';

export class StoredDeletedItems implements DeletedItems {
  readonly #port: ChangePort;
  readonly #queries: KeepingQueries;

  constructor(port: ChangePort, queries: KeepingQueries) {
    this.#port = port;
    this.#queries = queries;
  }

  list(mailboxId: number, limit: number): readonly DeletedItem[] {
    return this.#queries.deletedItems(mailboxId, limit);
  }

  async restore(
    mailboxId: number,
    items: readonly Pick<DeletedItem, 'folderId' | 'uid'>[],
    folderName: string | null,
  ): Promise<number> {
    const wantedName = folderName === null ? null : validName(folderName);
    // Each once: the second of two equal ones would find nothing to bring back.
    const wanted = [...new Map(items.map((item) => [`${item.folderId}/${item.uid}`, item])).values()];
    let restored = 0;
    for (let from = 0; from < wanted.length; from += RESTORE_SLICE_MESSAGES) {
      if (from > 0) await this.#port.giveWay();
      const slice = wanted.slice(from, from + RESTORE_SLICE_MESSAGES);
      restored += await this.#port.change((state) => {
        const found = slice.flatMap(({ folderId, uid }) => this.#queries.deletedItem(mailboxId, folderId, uid) ?? []);
        for (const [name, group] of byName(found, wantedName)) {
          const target = this.#folder(state, mailboxId, name);
          this.#port.record([planRestore(state, target, group)]);
        }
        return found.length;
      });
    }
    return restored;
  }

  async purgeExpired(): Promise<number> {
    let purged = 0;
    for (const { id } of this.#port.present().queries.mailboxes()) {
      if (purged >= PURGED_AT_ONCE) break;
      purged += await this.#port.change((state) => this.#purge(state, id, PURGED_AT_ONCE - purged));
    }
    return purged;
  }

  #purge(state: Present, mailboxId: number, limit: number): number {
    const beforeMs = state.wallMs - quotaOf(state, mailboxId).retentionMs;
    const expired = this.#queries.expiredItems(mailboxId, beforeMs, limit);
    if (expired.length > 0) this.#port.record([planPurge(expired)]);
    return expired.length;
  }

  /** Made anew when it is gone. */
  #folder(state: Present, mailboxId: number, name: string): Folder {
    const found = state.queries.folderByName(mailboxId, name);
    if (found !== undefined) return found;
    this.#port.record([planFolder(state, mailboxId, name)]);
    return present(state.queries.folderByName(mailboxId, name), 'The folder was just made');
  }
}

/** The oldest removal first, so that what went first comes back first. */
function byName(items: readonly DeletedItem[], folderName: string | null): Map<string, DeletedItem[]> {
  const groups = new Map<string, DeletedItem[]>();
  for (const item of items.toSorted((a, b) => a.removedMs - b.removedMs || a.folderId - b.folderId || a.uid - b.uid)) {
    const name = folderName ?? item.folderName;
    const group = groups.get(name) ?? [];
    groups.set(name, group);
    group.push(item);
  }
  return groups;
}
