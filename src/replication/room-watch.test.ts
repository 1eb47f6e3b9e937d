import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../base/logger.ts';
import { Problem } from '../base/problem.ts';
import type { CopyStorage } from './copy-storage.ts';
import { replicationLimits } from './limits.ts';
import { RoomWatch, type WatchedFiles } from './room-watch.ts';

const closed: WatchedFiles = {
  isOpen: false,
  get log(): never {
    throw new Error('It is not open');
  },
};

function watch(freeBytes: (() => Promise<number>) | undefined, files: WatchedFiles): RoomWatch {
  const storage = (freeBytes === undefined ? {} : { freeBytes }) as CopyStorage;
  return new RoomWatch({ storage, logger: silentLogger, files });
}

test('room: less than a second of mail fits: the shortage is new, then lasting, and over with twice as much', async () => {
  const { leastFreeBytes, enoughFreeBytes } = replicationLimits;
  let freeBytes = leastFreeBytes;
  const room = watch(() => Promise.resolve(freeBytes), closed);
  const shortageWith = async (bytes: number): Promise<unknown> => {
    freeBytes = bytes;
    await room.look();
    assert.equal(room.facts.freeBytes, bytes);
    return room.shortage;
  };
  assert.equal(await shortageWith(leastFreeBytes), 'none');
  assert.equal(await shortageWith(leastFreeBytes - 1), 'new');
  assert.equal(await shortageWith(leastFreeBytes), 'lasting');
  assert.equal(await shortageWith(enoughFreeBytes - 1), 'lasting');
  assert.equal(await shortageWith(enoughFreeBytes), 'none');
});

test('room: a disk that tells nothing, or fails to, has room', async () => {
  for (const tell of [undefined, () => Promise.reject(new Problem('DiskFailed', 'Cannot look for room'))]) {
    const room = watch(tell, closed);
    await room.look();
    assert.deepEqual([room.shortage, room.facts.freeBytes], ['none', null]);
  }
});

test('room: the log found its disk full: it is made to look each time, and is full until it has found room', async () => {
  let looks = 0;
  const log = { isDiskFull: true, lookForRoom: () => (looks += 1) };
  const room = watch(undefined, { isOpen: true, log });
  await room.look();
  await room.look();
  assert.deepEqual([looks, room.facts.isLogFull], [2, true]);
  log.isDiskFull = false;
  await room.look();
  assert.equal(room.facts.isLogFull, false);
});
