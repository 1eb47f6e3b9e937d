/**
 * Limits, deleted items and their retention, rights and metadata have the promise of mail: the machine stops at every step, without
 * power and with legal remainders of what was not synced, and everything that was acknowledged of them is as it was said.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { present } from '../../src/base/assert.ts';
import type { Promised } from '../../src/log/testing/crash-story.ts';
import { MemoryDisk } from '../../src/log/testing/memory-disk.ts';
import { FLAG_DELETED } from '../../src/mail/flags.ts';
import { UidSet } from '../../src/mail/uid-set.ts';
import { SHARED } from '../../src/store/mailbox-keeping.ts';
import type { StorageGroup } from '../../src/store/storage-group.ts';
import { makeMailbox, newMessage } from '../../src/store/testing/store-world.ts';
import { StopEverywhere } from '../support/stop-everywhere.ts';
import { StorageOnMemoryDisk } from '../support/storage-on-memory-disk.ts';

const STATES_PER_STOP = 24;
const LEAST_STATES = 150;
const DAY_MS = 86_400_000;
const OWNER = 'jo@example.test';
const OTHER = 'ada@example.test';

const stops = new StopEverywhere(STATES_PER_STOP);

after(() => {
  console.log(`settings: ${stops.states} different crash states, each recovered`);
  assert.ok(stops.states >= LEAST_STATES, `only ${stops.states} crash states`);
});

/** One change, and how it shows from then on. */
interface Step {
  readonly change: (store: StorageGroup, ids: Ids) => Promise<unknown>;
  readonly isThere: (store: StorageGroup, ids: Ids) => void;
}

interface Ids {
  readonly owner: number;
  readonly other: number;
  readonly inbox: number;
}

function idsIn(store: StorageGroup): Ids {
  const idOf = (address: string): number => present(store.mailboxByAddress(address), address).id;
  const [owner, other] = [idOf(OWNER), idOf(OTHER)];
  return { owner, other, inbox: present(store.folderByName(owner, 'INBOX'), 'an inbox').id };
}

const place = ({ owner, inbox }: Ids) => ({ mailboxId: owner, folderId: inbox, owner: SHARED });

const steps: readonly Step[] = [
  {
    change: (store, { owner }) => store.settings.setLimits(owner, { storageBytes: 1_000_000, retentionMs: 5 * DAY_MS }),
    isThere: (store, { owner }) => {
      const { storageBytes, retentionMs } = store.settings.quota(owner);
      assert.deepEqual([storageBytes, retentionMs], [1_000_000, 5 * DAY_MS]);
    },
  },
  {
    change: async (store, { inbox }) => {
      const { uids } = await store.append(inbox, [newMessage('kept'), newMessage('deleted')]);
      const deleted = UidSet.of(uids.slice(1));
      await store.changeFlags(inbox, deleted, { operation: 'add', flags: FLAG_DELETED, keywords: [] });
      await store.expunge(inbox);
    },
    isThere: (store, { owner, inbox }) => {
      assert.deepEqual([...store.uids(inbox)], [1]);
      const [item] = store.deletedItems.list(owner, 10);
      assert.ok(item?.uid === 2 && store.body(item.bodyId).includes('deleted'));
    },
  },
  {
    change: (store, { inbox, other }) => store.settings.setRights(inbox, { granteeId: other, rights: 'lr' }),
    isThere: (store, { inbox, other }) => assert.equal(store.settings.rightsOf(inbox, other), 'lr'),
  },
  {
    change: (store, ids) =>
      store.settings.setAnnotations([
        { place: place(ids), values: [{ name: '/shared/comment', value: Buffer.from('x') }] },
      ]),
    isThere: (store, ids) => assert.equal(store.settings.annotations(place(ids))[0]?.value.toString(), 'x'),
  },
];

/** What was acknowledged up to `count` is there. */
function assertThere(store: StorageGroup, count: number, label: string): void {
  if (count === 0) return;
  try {
    const ids = idsIn(store);
    for (const step of steps.slice(0, count)) step.isThere(store, ids);
  } catch (error) {
    throw new Error(label, { cause: error });
  }
}

test('crash: limits, deleted items, retention, rights and metadata: every acknowledged one is there, at every stop', async () => {
  await stops.run({
    begin: () => new MemoryDisk(),
    run: async (disk, promised) => {
      const storage = await StorageOnMemoryDisk.open(disk, 1, 0);
      await storage.replay();
      for (const address of [OWNER, OTHER]) await makeMailbox(storage.store, address);
      for (const [number, step] of steps.entries()) {
        await step.change(storage.store, idsIn(storage.store));
        await storage.store.settled();
        Object.assign(promised, { lsn: storage.log.endLsn, count: number + 1 });
        if (number % 2 === 1) await storage.commit(number === 3);
      }
    },
    check: async (state, { lsn, count }: Promised, label) => {
      const storage = await StorageOnMemoryDisk.open(state, 7, lsn);
      await storage.replay();
      assertThere(storage.store, count, label);
      storage.assertAgrees(label);
      await storage.close();
    },
  });
});
