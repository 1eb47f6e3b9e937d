import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isProblem, Problem } from '../base/problem.ts';
import { SeededRandom } from '../base/random.ts';
import { MemoryDisk } from '../log/testing/memory-disk.ts';
import { replicationLimits } from './limits.ts';
import { finishSeed } from './seed-place.ts';
import { bytesOf, type Files, SeedWorld } from './testing/seed-world.ts';

const MIB = 1024 * 1024;

function sourceFiles(): Files {
  return new Map([
    ['database.sqlite', bytesOf(1, 5 * MIB + 4096)],
    ['packs/00000001.pack', bytesOf(2, 2 * MIB)],
    ['packs/00000002.pack', bytesOf(3, 70_001)],
    ['packs/00000003.pack', Buffer.alloc(0)],
  ]);
}

/** Few blocks, for stories that are told many times. */
function fewFiles(): Files {
  return new Map([
    ['database.sqlite', bytesOf(1, 3 * 65_536 + 4096)],
    ['packs/00000001.pack', bytesOf(2, 70_001)],
    ['packs/00000002.pack', Buffer.alloc(0)],
  ]);
}

function totalOf(files: Files): number {
  return [...files.values()].reduce((sum, bytes) => sum + bytes.length, 0);
}

function assertSeeded(disk: MemoryDisk, files: Files): void {
  const found = disk.files();
  for (const [name, bytes] of files) assert.ok(found.get(name)?.equals(bytes), `${name} is the source's`);
  assert.ok(found.has('seeded.json'));
}

const OLD: Files = new Map([
  ['database.sqlite', Buffer.from('an old database')],
  ['packs/00000001.pack', Buffer.from('an old pack')],
  ['packs/00000009.pack', Buffer.from('a pack that the source does not have')],
  ['log/E00.log', Buffer.from('an old log')],
]);
const STRANGERS: Files = new Map([
  ['notes.txt', Buffer.from('of an administrator')],
  ['packs/notes.txt', Buffer.from('another')],
  ['log/notes.txt', Buffer.from('another')],
  ['seeding/notes.txt', Buffer.from('another')],
]);

test('seed: a connection that is cut at any frame: goes on by itself, and little is sent twice', async () => {
  const whole = new SeedWorld(sourceFiles());
  await whole.fetch().run();
  assertSeeded(whole.disk, whole.files);
  for (let frame = 1; frame <= whole.frames; frame++) {
    const world = new SeedWorld(sourceFiles());
    world.cutAtFrame = frame;
    const fetch = world.fetch();
    await fetch.run();
    assertSeeded(world.disk, world.files);
    assert.equal(world.snapshots, 2, `cut at frame ${frame}`);
    assert.ok(fetch.report.fetchedBytes <= totalOf(world.files), 'a piece that was written is not sent again');
    assert.ok(world.lines.some((line) => line.startsWith('interrupted')));
  }
});

test('seed: the machine stops at any step of the disk: old files or new ones, and the next attempt goes on', async () => {
  const counted = new SeedWorld(fewFiles(), new MemoryDisk(new Map([...OLD, ...STRANGERS])));
  await counted.fetch().run();
  let spared = 0;
  for (let step = 0; step < counted.disk.steps; step++) {
    for (const keep of ['none', 'some', 'all'] as const) {
      const disk = new MemoryDisk(new Map([...OLD, ...STRANGERS]));
      const world = new SeedWorld(fewFiles(), disk);
      disk.stopBefore(step);
      const run = world.fetch().run();
      await Promise.race([run, disk.stopped]);
      const after = disk.afterCrash(new SeededRandom(step), keep);
      await finishSeed(after);
      assertOldOrNew(after, world.files, step);
      const again = new SeedWorld(fewFiles(), after);
      const fetch = again.fetch();
      await fetch.run();
      assertSeeded(after, again.files);
      for (const [name, bytes] of STRANGERS) assert.ok(after.files().get(name)?.equals(bytes), `${name} is left alone`);
      if (fetch.report.fetchedBytes < totalOf(again.files)) spared += 1;
    }
  }
  assert.ok(spared > counted.disk.steps / 2, 'many attempts find something of the one before');
});

function assertOldOrNew(disk: MemoryDisk, files: Files, step: number): void {
  const found = disk.files();
  const isNew = found.get('database.sqlite')?.equals(files.get('database.sqlite') ?? Buffer.alloc(0)) === true;
  for (const [name, bytes] of isNew ? files : OLD) {
    assert.ok(found.get(name)?.equals(bytes), `${name} after a stop before step ${step} is ${isNew ? 'new' : 'old'}`);
  }
  if (isNew) assert.ok(!found.has('log/E00.log'), 'an old log goes with the old database');
}

test('seed: bits turned over on the way: noticed, and fetched again', async () => {
  const whole = new SeedWorld(sourceFiles());
  await whole.fetch().run();
  for (let number = 1; number <= whole.frames; number++) {
    const world = new SeedWorld(sourceFiles());
    world.disturb = (frame, at) => {
      const bytes = Buffer.from(frame);
      if (at === number) bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      return bytes;
    };
    try {
      await world.fetch().run();
    } catch (error) {
      assert.ok(isProblem(error, 'Malformed'), 'a manifest that is none');
      continue;
    }
    assertSeeded(world.disk, world.files);
  }
});

test('seed: the source has gone on between two attempts: only what has changed is sent', async () => {
  const world = new SeedWorld(sourceFiles());
  world.cutAtFrame = 14;
  const changed = new Map(sourceFiles());
  const database = Buffer.from(changed.get('database.sqlite') ?? '');
  database.write('another page', 3 * MIB + 10);
  changed.set('database.sqlite', database);
  changed.set('packs/00000003.pack', bytesOf(9, 5_000));
  const fetch = world.fetch({
    onProgress: (line) => {
      if (line.startsWith('interrupted')) world.files = changed;
    },
  });
  await fetch.run();
  assertSeeded(world.disk, changed);
  assert.ok(fetch.report.fetchedBytes <= totalOf(changed) + 64 * 1024, `${fetch.report.fetchedBytes} bytes were sent`);
});

test('seed: packs that the copy has already: are not sent', async () => {
  const files = sourceFiles();
  const old = new Map([...files].filter(([name]) => name.startsWith('packs/')));
  const world = new SeedWorld(files, new MemoryDisk(old));
  const fetch = world.fetch();
  await fetch.run();
  assertSeeded(world.disk, files);
  assert.equal(fetch.report.fetchedBytes, files.get('database.sqlite')?.length);
  assert.deepEqual(fetch.report.doneBytes, totalOf(files));
});

test('seed: the disk does not give a pack that the copy has: it is fetched, and lies in a new file afterwards', async () => {
  const files = sourceFiles();
  const old = new Map([...files].filter(([name]) => name.startsWith('packs/')));
  const disk = new MemoryDisk(old);
  const read = disk.read.bind(disk);
  disk.read = (name, position, length) =>
    name === 'packs/00000001.pack'
      ? Promise.reject(
          new Problem('DiskFailed', `Cannot read ${name}: the disk reports an error (EIO). Check the disk.`),
        )
      : read(name, position, length);
  const world = new SeedWorld(files, disk);
  await world.fetch().run();
  assertSeeded(disk, files);
});

test('seed: a bound on the rate: is kept, and the time left follows from it', async () => {
  const world = new SeedWorld(sourceFiles());
  const maxBytesPerSecond = MIB;
  const fetch = world.fetch({ maxBytesPerSecond });
  await fetch.run();
  const leastMs = ((totalOf(world.files) - replicationLimits.seedChunkBytes) / maxBytesPerSecond) * 1_000;
  assert.ok(world.clock.nowMs >= leastMs, `${world.clock.nowMs} ms for at least ${leastMs} ms`);
  assert.ok(world.lines.some((line) => /MiB\/s, \d+ s left/.test(line)));
});

test('seed: more at once than a copy gives: the others wait, say so, and get theirs', async () => {
  const world = new SeedWorld(sourceFiles());
  const others = Array.from({ length: replicationLimits.seedsAtOnce + 2 }, () => ({ disk: new MemoryDisk() }));
  await Promise.all(others.map(({ disk }) => world.fetch({ disk }).run()));
  for (const { disk } of others) assertSeeded(disk, world.files);
  assert.ok(world.lines.some((line) => line.startsWith('waiting: 2 other seeds')));
  assert.equal(world.releases, others.length, 'every snapshot is let go');
});

test('seed: nobody gives any more: it gives up after a bounded number of attempts', async () => {
  const world = new SeedWorld(fewFiles());
  const fetch = world.fetch({ endpoint: 'nowhere/copy/g' });
  await assert.rejects(fetch.run(), (error) => isProblem(error, 'Unreachable'));
  assert.equal(world.lines.length, replicationLimits.seedAttempts - 1);
});

test('seed: stopped in the middle and ordered again: goes on from there', async () => {
  const world = new SeedWorld(sourceFiles());
  const first = world.fetch({ onProgress: (line) => (line.startsWith('50 %') ? first.stop() : undefined) });
  await assert.rejects(first.run(), (error) => isProblem(error, 'SeedStopped') || isProblem(error, 'ChannelClosed'));
  const second = world.fetch();
  await second.run();
  assertSeeded(world.disk, world.files);
  assert.ok(second.report.fetchedBytes <= totalOf(world.files) / 2 + 2 * MIB);
});

test('seed: log files with records that the source does not have: are put aside, each time into a folder of its own', async () => {
  for (const folder of ['quarantine/before-seed-at-7', 'quarantine/before-seed-at-7-2']) {
    const files = new Map([...OLD, ['quarantine/before-seed-at-7/E00.log', Buffer.from('of an earlier seed')]]);
    if (!folder.endsWith('-2')) files.delete('quarantine/before-seed-at-7/E00.log');
    const world = new SeedWorld(sourceFiles(), new MemoryDisk(files as Files));
    await world.fetch({ oldLog: () => Promise.resolve({ keep: false, surplus: ['E00.log'] }) }).run();
    const found = world.disk.files();
    assert.equal(found.get(`${folder}/E00.log`)?.toString(), 'an old log');
    assert.ok(world.lines.some((line) => line.includes('E00.log') && line.includes(folder)));
  }
});
