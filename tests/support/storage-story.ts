/**
 * What a storage group's storage does in the tests of stops and failing disks, in a fixed order, and the question that
 * follows: is everything there that was promised? A promise is told when the server would answer.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { machineClock } from '../../src/host/machine.ts';
import { openBackupFolder } from '../../src/main/backup-folder.ts';
import { StorageUnderTest } from './storage-under-test.ts';

export interface Promises {
  /** Numbers of messages that are kept. */
  readonly messages: number[];
  /** Ids of backups that are whole. */
  readonly backups: string[];
  /** How many messages the second copy was seeded with. */
  seeded: number;
}

export function noPromises(): Promises {
  return { messages: [], backups: [], seeded: 0 };
}

export type PromiseListener = (promise: { message: number } | { backup: string } | { seeded: number }) => void;

export function note(promises: Promises): PromiseListener {
  return (promise) => {
    if ('message' in promise) promises.messages.push(promise.message);
    else if ('backup' in promise) promises.backups.push(promise.backup);
    else promises.seeded = promise.seeded;
  };
}

/** Rejects with what the storage rejects with. */
export async function storageStory(storage: StorageUnderTest, tell: PromiseListener): Promise<void> {
  const deliver = async (count: number): Promise<void> => {
    const one = async (): Promise<void> => tell({ message: await storage.deliver() });
    const ends = await Promise.allSettled(Array.from({ length: count }, one));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  };
  await storage.open();
  await deliver(6);
  await storage.commit();
  await deliver(9);
  await storage.expunge();
  await storage.commitAndCheckpoint();
  tell({ backup: await storage.backUp() });
  await deliver(9);
  await storage.commitAndCheckpoint();
  await storage.release();
  tell({ seeded: await storage.seed() });
  await deliver(3);
  await storage.commit();
  await storage.close();
  await storage.defragment();
  await storage.open();
  await deliver(3);
  await storage.release();
  await storage.close();
}

/** On a disk that is well again: asserts that all of it is there, and that the storage goes on from it. */
export async function assertKept(root: string, promises: Promises): Promise<void> {
  const storage = new StorageUnderTest(root);
  await storage.recover();
  assertMessages(storage.messages(), promises.messages);
  await storage.close();
  await assertBackups(root, promises.backups);
  if (existsSync(join(root, 'second'))) await assertSeeded(root, promises.seeded);
  const again = new StorageUnderTest(root);
  await again.open();
  const next = await again.deliver();
  assert.ok(next > Math.max(0, ...promises.messages), `the next message has number ${next}`);
  await again.close();
}

function assertMessages(found: readonly number[], promised: readonly number[]): void {
  assert.equal(new Set(found).size, found.length, 'each message is there once');
  const missing = promised.filter((number) => !found.includes(number));
  assert.deepEqual(missing, [], 'messages that were promised and are not there');
}

/** Every finished backup is whole, also one that nobody was told of. */
async function assertBackups(root: string, promised: readonly string[]): Promise<void> {
  const folder = join(root, 'backups');
  const backups = openBackupFolder(folder, machineClock);
  const manifests = await backups.manifests();
  for (const { id, files } of manifests) for (const file of files) await backups.check(id, file);
  const ids = manifests.map(({ id }) => id);
  for (const id of promised) assert.ok(ids.includes(id), `backup ${id} is not there`);
}

async function assertSeeded(root: string, count: number): Promise<void> {
  const second = new StorageUnderTest(root, 'second');
  await second.recover();
  const found = second.messages();
  assert.ok(found.length >= count, `the seeded copy holds ${found.length} of ${count} messages`);
  await second.close();
}
