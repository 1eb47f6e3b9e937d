import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../base/logger.ts';
import { Problem } from '../base/problem.ts';
import type { CopyStorage } from './copy-storage.ts';
import { replicationLimits } from './limits.ts';
import { RoomWatch } from './room-watch.ts';

async function isShortWith(freeBytes?: () => Promise<number>): Promise<boolean> {
  const storage = (freeBytes === undefined ? {} : { freeBytes }) as CopyStorage;
  const room = new RoomWatch({ storage, logger: silentLogger });
  await room.look({ lookForRoom: () => undefined });
  return room.isShort;
}

test('room: less than a second of mail fits: the disk is nearly full; one that tells nothing, or fails to, is not', async () => {
  const { leastFreeBytes } = replicationLimits;
  assert.equal(await isShortWith(() => Promise.resolve(leastFreeBytes - 1)), true);
  assert.equal(await isShortWith(() => Promise.resolve(leastFreeBytes)), false);
  assert.equal(await isShortWith(), false);
  assert.equal(await isShortWith(() => Promise.reject(new Problem('DiskFailed', 'Cannot look for room'))), false);
});
