import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../../base/random.ts';
import { diskPortSuite } from '../disk.port-suite.ts';
import { MemoryDisk } from './memory-disk.ts';

diskPortSuite('memory', async () => {
  const disk = new MemoryDisk();
  return { disk, device: disk.device(), reopenDevice: () => disk.device(), dispose: async () => undefined };
});

test('memory disk: a crash: keeps what was synced, and of the rest what the dice say', async () => {
  const disk = new MemoryDisk(new Map([['file', Buffer.alloc(2048)]]));
  disk.stopBefore(1);
  void disk.device().append('file', 0, [Buffer.alloc(2048, 1)]);
  await disk.stopped;
  const sums = new Set<number>();
  for (let seed = 0; seed < 64; seed++) {
    const bytes = disk.afterCrash(new SeededRandom(seed), 'some').files().get('file') ?? assert.fail();
    sums.add(bytes.reduce((sum, byte) => sum + byte, 0));
  }
  assert.deepEqual(
    [...sums].sort((one, other) => one - other),
    [0, 512, 1024, 1536, 2048],
  );
  assert.equal(disk.afterCrash(new SeededRandom(1), 'none').files().get('file')?.[0], 0);
});
