/**
 * A mailbox that takes numbered messages on a disk in memory, and the question whether all that were acknowledged are
 * there after the machine has stopped.
 */
import assert from 'node:assert/strict';
import { isPreparedName } from '../../src/log/log-file.ts';
import { markOf } from '../../src/log/testing/crash-states.ts';
import type { Promised } from '../../src/log/testing/crash-story.ts';
import { openWorld } from '../../src/log/testing/log-story.ts';
import type { MemoryDisk } from '../../src/log/testing/memory-disk.ts';
import { UidSet } from '../../src/mail/uid-set.ts';
import { makeMailbox, newDelivery, newMessage } from '../../src/store/testing/store-world.ts';
import { StorageOnMemoryDisk } from './storage-on-memory-disk.ts';

/** So many recovered states apart, one takes a message and is opened once more. */
const AGAIN_EVERY = 4;
const ADDRESS = 'jo@example.test';

const bodyOf = (number: number): Buffer =>
  Buffer.from(`From: a@example.test\r\nSubject: ${number}\r\n\r\n${`number ${number} `.repeat(50)}\r\n`);

export class Work {
  readonly #storage: StorageOnMemoryDisk;
  readonly #promised: Promised;
  #delivered = 0;

  constructor(storage: StorageOnMemoryDisk, promised: Promised) {
    this.#storage = storage;
    this.#promised = promised;
  }

  async deliver(count: number): Promise<void> {
    const { store, log } = this.#storage;
    for (let number = this.#delivered + 1; number <= this.#delivered + count; number++) {
      await store.deliver(newDelivery(number, [ADDRESS], { bytes: bodyOf(number) }));
      await store.settled();
      Object.assign(this.#promised, { lsn: log.endLsn, count: number });
    }
    this.#delivered += count;
  }

  /** Messages that nobody counts come and go, so that packs have room in them. */
  async waste(): Promise<void> {
    const { store } = this.#storage;
    const { uids } = await store.append(2, [newMessage('x'.repeat(900)), newMessage('y'.repeat(900))]);
    await store.changeFlags(2, UidSet.of(uids), { operation: 'add', flags: 8, keywords: [] });
    await store.expunge(2);
  }
}

export async function beginWork(
  disk: MemoryDisk,
  promised: Promised,
): Promise<{ storage: StorageOnMemoryDisk; work: Work }> {
  const storage = await StorageOnMemoryDisk.open(disk, 1, 0);
  await storage.replay();
  const { mailbox } = await makeMailbox(storage.store, ADDRESS);
  await storage.store.settings.setLimits(mailbox.id, { retentionMs: 0 });
  return { storage, work: new Work(storage, promised) };
}

/** By what the log's recovery left on the disk, how many messages were found behind it. */
const served = new Map<string, number>();
const isContent = (name: string): boolean =>
  !name.startsWith('backups/') && !isPreparedName(name.slice(name.lastIndexOf('/') + 1));

/**
 * Everything acknowledged is there, and the copy takes more. The log of every state is recovered; what follows depends on
 * nothing but the files as they are then, and many states have the same, so that is done once for each.
 */
export async function assertServes(state: MemoryDisk, { lsn, count }: Promised, label: string): Promise<void> {
  try {
    const { log } = await openWorld(state, { knownDurableLsn: lsn });
    assert.ok(log.endLsn >= lsn, 'the log ends before what was acknowledged');
    const mark = markOf(state, isContent);
    if ((served.get(mark) ?? -1) >= count) return await log.close();
    served.set(mark, count);
    const storage = await StorageOnMemoryDisk.openBehind(log, state, 7);
    await storage.replay();
    assertHas(storage, count);
    storage.assertAgrees(label);
    const goesOn = count > 0 && served.size % AGAIN_EVERY === 0;
    if (goesOn) await takeOneMore(storage);
    await storage.close();
    if (goesOn) await assertServesAgain(state, { lsn, count }, label);
  } catch (error) {
    throw new Error(label, { cause: error });
  }
}

async function takeOneMore(storage: StorageOnMemoryDisk): Promise<void> {
  await storage.store.deliver(newDelivery(1_000, [ADDRESS], { bytes: bodyOf(1_000) }));
  await storage.commit(true);
}

async function assertServesAgain(state: MemoryDisk, { lsn, count }: Promised, label: string): Promise<void> {
  const again = await StorageOnMemoryDisk.open(state, 8, lsn);
  await again.replay();
  assertHas(again, count);
  const last = again.store.messages(1, 1, 1_000_000, 1_000).at(-1);
  assert.ok(last !== undefined && again.store.body(last.bodyId).equals(bodyOf(1_000)), label);
  again.assertAgrees(label);
  await again.close();
}

function assertHas({ store }: StorageOnMemoryDisk, count: number): void {
  if (count === 0) return;
  const rows = store.messages(1, 1, 1_000_000, 1_000);
  assert.deepEqual(
    store.uids(1),
    rows.map(({ uid }) => uid),
  );
  for (let number = 1; number <= count; number++) {
    const row = rows[number - 1];
    assert.ok(row !== undefined && store.body(row.bodyId).equals(bodyOf(number)), `message ${number}`);
  }
}
