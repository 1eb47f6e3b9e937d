import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isProblem } from '../base/problem.ts';
import { SeededRandom } from '../base/random.ts';
import { MemoryPacks } from '../store/testing/memory-packs.ts';
import { FilePackDevice } from './pack-device.ts';

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-packs-'));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('pack device: random use: reads what a device in memory reads, before and after a sync and a reopening', async () => {
  await withFolder(async (folder) => {
    const random = new SeededRandom(11);
    let device = new FilePackDevice(folder);
    const model = new MemoryPacks();
    const ends = new Map<number, number>();
    for (let step = 0; step < 1_500; step++) {
      const pack = 1 + random.below(3);
      const end = ends.get(pack) ?? 0;
      const what = random.below(40);
      if (what < 25) {
        const bytes = random.bytes(random.below(100) === 0 ? 1_200_000 : random.below(3_000));
        for (const one of [device, model]) one.append(pack, end, bytes);
        ends.set(pack, end + bytes.length);
      } else if (what < 37) {
        const position = random.below(end + 10);
        const length = random.below(5_000);
        assert.ok(device.read(pack, position, length).equals(model.read(pack, position, length)));
      } else if (what === 37) {
        const length = random.below(end + 1);
        for (const one of [device, model]) one.truncate(pack, length);
        ends.set(pack, length);
      } else if (what === 38) {
        await device.sync();
      } else if (random.below(5) === 0) {
        await device.sync();
        device.close();
        device = new FilePackDevice(folder);
      }
    }
    const byPack = (a: { pack: number }, b: { pack: number }) => a.pack - b.pack;
    assert.deepEqual([...device.list()].sort(byPack), [...model.list()].sort(byPack));
    device.close();
  });
});

test('pack device: after a sync: the bytes are in the file, under the name that seeding expects', async () => {
  await withFolder(async (folder) => {
    const device = new FilePackDevice(folder);
    device.append(1, 0, Buffer.from('abc'));
    device.append(1, 3, Buffer.from('def'));
    await device.sync();
    assert.equal(readFileSync(join(folder, '00000001.pack'), 'utf8'), 'abcdef');
    device.append(1, 1, Buffer.from('XY'));
    assert.equal(device.read(1, 0, 100).toString(), 'aXYdef');
    device.close();
  });
});

test('pack device: packs that are not there: read as nothing, are cut and removed without a word, and not made', async () => {
  await withFolder(async (folder) => {
    const device = new FilePackDevice(folder);
    assert.equal(device.read(7, 0, 10).length, 0);
    device.truncate(7, 0);
    device.remove(7);
    assert.deepEqual(device.list(), []);
    await device.sync();
    device.close();
  });
});

test('pack device: removed while a sync is under way: no descriptor of another file is touched', async () => {
  await withFolder(async (folder) => {
    const device = new FilePackDevice(folder);
    for (let pack = 1; pack <= 80; pack++) device.append(pack, 0, Buffer.alloc(10, pack));
    const syncing = device.sync();
    for (let pack = 1; pack <= 80; pack += 2) device.remove(pack);
    for (let pack = 81; pack <= 100; pack++) device.append(pack, 0, Buffer.alloc(10, pack));
    await syncing;
    await device.sync();
    assert.equal(device.list().length, 60);
    assert.deepEqual(device.read(80, 0, 10), Buffer.alloc(10, 80));
    device.close();
  });
});

test('pack device: after the first failed write: everything fails with the same Problem', async () => {
  const device = new FilePackDevice(join(tmpdir(), 'holdfast-no-such-folder'));
  device.append(1, 0, Buffer.alloc(10));
  const isMissing = (error: unknown) => isProblem(error, 'FileMissing');
  await assert.rejects(device.sync(), isMissing);
  assert.throws(() => device.append(1, 10, Buffer.alloc(10)), isMissing);
  assert.throws(() => device.read(1, 0, 1), isMissing);
  await assert.rejects(device.sync(), isMissing);
});
