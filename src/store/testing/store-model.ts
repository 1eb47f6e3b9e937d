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

export class StoreModel {
  readonly folders = new Map<number, ModelFolder>();

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
    for (const [uid] of gone) folder.messages.delete(uid);
    return gone.map(([uid]) => uid);
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
