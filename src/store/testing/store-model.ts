/** What a mailbox should hold, in plain maps: slow, obvious, and compared with the real store after every step. */
import assert from 'node:assert/strict';
import { FLAG_DELETED, FLAG_SEEN } from '../../mail/flags.ts';
import type { UidSet } from '../../mail/uid-set.ts';
import type { FlagChange } from '../mail-store.ts';
import type { StorageGroup } from '../storage-group.ts';

interface ModelMessage {
  readonly bytes: string;
  flags: number;
  keywords: readonly string[];
}

class ModelFolder {
  readonly messages = new Map<number, ModelMessage>();
  uidNext = 1;

  add(message: ModelMessage): number {
    this.messages.set(this.uidNext, { ...message });
    return this.uidNext++;
  }

  selected(uids: UidSet): number[] {
    return [...this.messages.keys()].filter((uid) => uids.has(uid));
  }
}

interface ModelItem extends ModelMessage {
  readonly folderId: number;
  readonly uid: number;
  readonly removedMs: number;
}

export class StoreModel {
  readonly folders = new Map<number, ModelFolder>();
  /** Deleted items, in the order in which they went. */
  deletedItems: ModelItem[] = [];
  keepsDeletedItems = true;
  nowMs = 0;

  folder(id: number): ModelFolder {
    const folder = this.folders.get(id) ?? new ModelFolder();
    this.folders.set(id, folder);
    return folder;
  }

  changeFlags(id: number, uids: UidSet, change: FlagChange): void {
    const folder = this.folder(id);
    for (const uid of folder.selected(uids)) {
      const message = folder.messages.get(uid);
      if (message === undefined) continue;
      message.flags = flagsAfter(message.flags, change);
      message.keywords = keywordsAfter(message.keywords, change);
    }
  }

  copy(id: number, uids: UidSet, target: number): number[] {
    const sources = this.folder(id).selected(uids);
    const messages = sources.map((uid) => this.folder(id).messages.get(uid));
    return messages.flatMap((message) => (message === undefined ? [] : this.folder(target).add(message)));
  }

  move(id: number, uids: UidSet, target: number): number[] {
    const sources = this.folder(id).selected(uids);
    const targets = this.copy(id, uids, target);
    for (const uid of sources) this.folder(id).messages.delete(uid);
    return targets;
  }

  expunge(id: number, uids?: UidSet): number[] {
    const folder = this.folder(id);
    const gone = [...folder.messages].filter(
      ([uid, { flags }]) => (flags & FLAG_DELETED) !== 0 && (uids?.has(uid) ?? true),
    );
    this.#retain(id, gone);
    for (const [uid] of gone) folder.messages.delete(uid);
    return gone.map(([uid]) => uid);
  }

  deleteFolder(id: number): void {
    this.#retain(id, [...this.folder(id).messages]);
    this.folders.delete(id);
  }

  /** Forgets what went before the retention began; returns how many. */
  purge(retentionMs: number): number {
    const before = this.deletedItems.length;
    this.deletedItems = this.deletedItems.filter(({ removedMs }) => removedMs >= this.nowMs - retentionMs);
    return before - this.deletedItems.length;
  }

  restore(items: readonly ModelItem[], target: number): void {
    const inOrder = items.toSorted((a, b) => a.removedMs - b.removedMs || a.folderId - b.folderId || a.uid - b.uid);
    for (const { bytes, flags, keywords } of inOrder) {
      this.folder(target).add({ bytes, flags: flags & ~FLAG_DELETED, keywords });
    }
    this.deletedItems = this.deletedItems.filter((item) => !items.includes(item));
  }

  usage(): { usedBytes: number; usedMessages: number } {
    const messages = [...this.folders.values()].flatMap((folder) => [...folder.messages.values()]);
    return {
      usedBytes: messages.reduce((sum, { bytes }) => sum + bytes.length, 0),
      usedMessages: messages.length,
    };
  }

  #retain(folderId: number, messages: readonly (readonly [number, ModelMessage])[]): void {
    if (!this.keepsDeletedItems) return;
    this.deletedItems.push(...messages.map(([uid, message]) => ({ ...message, folderId, uid, removedMs: this.nowMs })));
  }

  /** Fails when the deleted items or the usage of the model's only mailbox differ. */
  assertKept(store: StorageGroup, mailboxId: number): void {
    const { usedBytes, usedMessages } = store.settings.quota(mailboxId);
    assert.deepEqual({ usedBytes, usedMessages }, this.usage());
    const key = (item: { folderId: number; uid: number }) => `${item.folderId}/${item.uid}`;
    assert.deepEqual(
      store.deletedItems
        .list(mailboxId, 1_000_000)
        .map((item) => [key(item), store.body(item.bodyId).toString()].join(' '))
        .sort(),
      this.deletedItems.map((item) => [key(item), item.bytes].join(' ')).sort(),
    );
  }

  /** Fails when `store` differs in anything that can be seen. */
  assertEquals(store: StorageGroup): void {
    for (const [id, model] of this.folders) {
      const messages = [...model.messages];
      const folder = store.folderById(id);
      assert.deepEqual(store.uids(id), [...model.messages.keys()]);
      assert.deepEqual(
        store
          .messages(id, 1, 2 ** 32 - 1, 1_000_000)
          .map(({ uid, flags, keywords, bodyId }) => [uid, flags, keywords, store.body(bodyId).toString()]),
        messages.map(([uid, { flags, keywords, bytes }]) => [uid, flags, keywords, bytes]),
      );
      assert.deepEqual(
        [folder?.uidNext, folder?.messageCount, folder?.unseenCount, folder?.sizeBytes],
        [
          model.uidNext,
          messages.length,
          messages.filter(([, { flags }]) => (flags & FLAG_SEEN) === 0).length,
          messages.reduce((sum, [, { bytes }]) => sum + bytes.length, 0),
        ],
      );
    }
  }
}

function flagsAfter(flags: number, change: FlagChange): number {
  if (change.operation === 'replace') return change.flags;
  return change.operation === 'add' ? flags | change.flags : flags & ~change.flags;
}

function keywordsAfter(keywords: readonly string[], change: FlagChange): readonly string[] {
  if (change.operation === 'replace') return [...new Set(change.keywords)].sort();
  if (change.operation === 'add') return [...new Set([...keywords, ...change.keywords])].sort();
  return keywords.filter((keyword) => !change.keywords.includes(keyword));
}
