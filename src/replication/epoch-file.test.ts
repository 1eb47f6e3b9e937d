import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isProblem, Problem } from '../base/problem.ts';
import { SeededRandom } from '../base/random.ts';
import { MemoryDisk } from '../log/testing/memory-disk.ts';
import { EpochFile } from './epoch-file.ts';

async function reopened(disk: MemoryDisk): Promise<EpochFile> {
  const file = new EpochFile(disk);
  await file.load();
  return file;
}

test('epochs: a promise: counts at once, and after a restart', async () => {
  const disk = new MemoryDisk();
  const file = await reopened(disk);
  await file.use(3);
  const stored = file.promise(5);
  assert.equal(file.floor, 5);
  await stored;
  assert.equal((await reopened(disk)).floor, 5);
});

test('epochs: a takeover that is known to have failed: the epoch in use is accepted again', async () => {
  const disk = new MemoryDisk();
  const file = await reopened(disk);
  await file.use(3);
  await file.promise(5);
  await file.withdraw(5);
  assert.equal(file.floor, 3);
  assert.equal((await reopened(disk)).floor, 3);
});

test('epochs: a higher promise since: an older one taken back changes nothing', async () => {
  const file = await reopened(new MemoryDisk());
  await file.promise(5);
  await file.promise(7);
  await file.withdraw(5);
  assert.equal(file.floor, 7);
});

test('epochs: an epoch in use: is never taken back', async () => {
  const file = await reopened(new MemoryDisk());
  await file.promise(5);
  await file.use(5);
  await file.withdraw(5);
  assert.equal(file.floor, 5);
});

test('epochs: a damaged file: refused by name, never taken for zero', async () => {
  const random = new SeededRandom(7);
  for (const text of [
    '',
    '{',
    'null',
    '{"inUse":-1,"promised":0}',
    '{"inUse":1}',
    random.bytes(20).toString('latin1'),
  ]) {
    const disk = new MemoryDisk();
    await disk.writeAtomically('epoch.json', Buffer.from(text));
    await assert.rejects(reopened(disk), (error) => isProblem(error, 'EpochDamaged'));
    await new EpochFile(disk).resetIfDamaged();
    assert.equal((await reopened(disk)).floor, 0, 'a copy that is made anew begins anew');
  }
});

test('epochs: the disk does not give the file of a copy that is made anew: what was known of it is written again', async () => {
  const disk = new MemoryDisk();
  const file = await reopened(disk);
  await file.use(3);
  const read = disk.read.bind(disk);
  disk.read = (name) =>
    Promise.reject(new Problem('DiskFailed', `Cannot read ${name}: it reports an error. Check the disk.`));
  await assert.rejects(reopened(disk), (error) => isProblem(error, 'DiskFailed'));
  await file.resetIfDamaged();
  disk.read = read;
  assert.equal((await reopened(disk)).floor, 3);
});
