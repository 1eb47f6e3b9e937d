/** What the log is after a stop, whatever the stop did to the disk. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isProblem } from '../base/problem.ts';
import { SeededRandom } from '../base/random.ts';
import { LogDamaged } from './damage.ts';
import { makeLsn, numberOf } from './lsn.ts';
import { encodeRecord, saltOf } from './record.ts';
import { assertRecovers, prefixLength, RECORDS, standardLoad } from './testing/crash-story.ts';
import { FOLDER, KIND, openWorld, payloadOf, writtenWorld } from './testing/log-story.ts';
import { MemoryDisk } from './testing/memory-disk.ts';
import type { LogItem } from './transaction-log.ts';

const OPEN = `${FOLDER}/E00.log`;

function changed(files: Map<string, Buffer>, name: string, change: (bytes: Buffer) => Buffer): MemoryDisk {
  const copy = new Map<string, Buffer>([...files].map(([key, bytes]) => [key, Buffer.from(bytes)] as const));
  copy.set(name, change(copy.get(name) ?? assert.fail(name)));
  return new MemoryDisk(copy);
}

test('recovery: the machine stops at every step of a load, anything unsynced may survive: nothing promised is lost', async () => {
  const whole = new MemoryDisk();
  await standardLoad(whole, { lsn: 0, count: 0 });
  assert.ok(whole.steps > 100);
  let states = 0;
  for (let stop = 0; stop <= whole.steps; stop++) {
    const disk = new MemoryDisk();
    disk.stopBefore(stop);
    const promised = { lsn: 0, count: 0 };
    await Promise.race([standardLoad(disk, promised), disk.stopped]);
    for (let seed = 0; seed < 8; seed++) {
      const keep = seed === 0 ? 'none' : seed === 1 ? 'all' : 'some';
      const after = disk.afterCrash(new SeededRandom(stop * 100 + seed), keep);
      await assertRecovers(after, promised, `stop ${stop} seed ${seed}`);
      states += 1;
    }
  }
  assert.ok(states > 1000, `${states} states`);
});

test('recovery: an in-sync passive copy stops at every step: all it acknowledged is there, a torn batch is no damage', async () => {
  for (let stop = 20; stop < 200; stop += 1) {
    const disk = new MemoryDisk();
    disk.stopBefore(stop);
    const acknowledged = { lsn: 0 };
    await Promise.race([passiveLoad(disk, acknowledged), disk.stopped]);
    for (let seed = 0; seed < 4; seed++) {
      const world = await openWorld(disk.afterCrash(new SeededRandom(stop * 10 + seed), seed === 0 ? 'all' : 'some'));
      await prefixLength(world);
      assert.ok(world.log.endLsn >= acknowledged.lsn, `stop ${stop} seed ${seed}`);
      await world.log.close();
    }
  }
});

/** The active copy is never stopped; what it may answer is what the passive one has acknowledged. */
async function passiveLoad(disk: MemoryDisk, acknowledged: { lsn: number }): Promise<void> {
  const passive = await openWorld(disk);
  const active = await openWorld(new MemoryDisk(), { committedLsn: () => acknowledged.lsn });
  const underWay: LogItem[] = [];
  active.log.onAppended((item) => underWay.push(item));
  active.log.startEpoch(1, KIND, payloadOf(1));
  for (let number = 2; number <= RECORDS; number++) {
    const { lsn } = active.log.append(KIND, payloadOf(number));
    await active.log.durable(lsn);
    if (number % 4 !== 0) continue;
    for (const item of underWay.splice(0)) {
      if (item.type === 'file') passive.log.startFile(item.header);
      else passive.log.appendFrame(item.frame);
    }
    await passive.log.durable(lsn);
    acknowledged.lsn = lsn;
  }
}

test('recovery: start, a little work and stop, at every step, again and again: nothing promised is ever lost', async () => {
  for (let seed = 0; seed < 150; seed++) {
    const random = new SeededRandom(seed);
    const promised = { lsn: 0, count: 0 };
    let disk = new MemoryDisk();
    disk.stopBefore(60 + random.below(60));
    await Promise.race([standardLoad(disk, promised), disk.stopped]);
    for (let round = 0; round < 8; round++) {
      disk = disk.afterCrash(random, 'some');
      disk.stopBefore(random.below(70));
      await Promise.race([workOn(disk, promised, random), disk.stopped]);
    }
    await assertRecovers(disk.afterCrash(random, 'some'), promised, `seed ${seed}`);
  }
});

/** Goes on with the story's next records, where there is a story. */
async function workOn(disk: MemoryDisk, promised: { lsn: number; count: number }, random: SeededRandom): Promise<void> {
  const { log } = await openWorld(disk, { knownDurableLsn: promised.lsn });
  assert.ok(log.endLsn >= promised.lsn);
  if (log.endLsn === 0) return;
  for (let left = random.below(8); left > 0; left--) {
    const { lsn } = log.append(KIND, payloadOf(numberOf(log.endLsn) + 1));
    await log.durable(lsn);
    promised.lsn = lsn;
  }
  await log.close();
}

test('recovery: a new file was announced and the old one went on instead: the announcement is forgotten', async () => {
  const files = (await writtenWorld(3)).files();
  for (let stop = 0; stop < 40; stop++) {
    const disk = new MemoryDisk(new Map(files));
    const { log } = await openWorld(disk);
    disk.stopBefore(disk.steps + stop);
    log.startEpoch(2, KIND, payloadOf(1));
    await Promise.race([log.close(), disk.stopped]);
    const after = disk.afterCrash(new SeededRandom(stop), 'all');
    const second = await openWorld(after);
    const { lsn } = second.log.append(KIND, payloadOf(numberOf(second.log.endLsn) + 1));
    await second.log.durable(lsn);
    const third = await openWorld(after.afterCrash(new SeededRandom(stop), 'all'));
    assert.equal(third.log.endLsn, lsn, `stop ${stop}`);
    await Promise.all([second.log.close(), third.log.close()]);
  }
});

test('recovery: the process dies between write and sync, later the machine: what the restart has shown stays', async () => {
  let shown = 0;
  for (let stop = 20; stop < 120; stop++) {
    const stopping = new MemoryDisk();
    stopping.stopBefore(stop);
    const promised = { lsn: 0, count: 0 };
    await Promise.race([standardLoad(stopping, promised), stopping.stopped]);
    const disk = stopping.forNewProcess();
    const { log } = await openWorld(disk);
    if (log.endLsn > promised.lsn) shown += 1;
    const { log: again } = await openWorld(disk.afterCrash(new SeededRandom(stop), 'none'));
    assert.ok(again.endLsn >= log.endLsn, `stop ${stop}`);
    await Promise.all([log.close(), again.close()]);
  }
  assert.ok(shown > 5, `${shown} stops between write and sync`);
});

test('recovery: the open file is cut at every byte: its maker knew its length, so it is damage', async () => {
  const files = (await writtenWorld(9)).files();
  const length = files.get(OPEN)?.length ?? 0;
  for (let end = 0; end < length; end += 7) {
    const disk = changed(files, OPEN, (bytes) => bytes.subarray(0, end));
    await assert.rejects(openWorld(disk), (error) => error instanceof LogDamaged, `cut at ${end}`);
  }
});

test('recovery: the last write is missing from any byte on: the whole records before it are kept, the rest is zeroed', async () => {
  const files = (await writtenWorld(9)).files();
  for (let from = 4096; from < 8192; from += 5) {
    const disk = changed(files, OPEN, (bytes) => bytes.fill(0, from));
    const world = await openWorld(disk);
    const kept = await prefixLength(world);
    assert.equal(world.log.endLsn, kept === 0 ? 0 : makeLsn(1, kept));
    await world.log.close();
    const again = await openWorld(disk);
    assert.equal(again.recovered.tornBytes, 0);
    assert.equal(again.log.endLsn, world.log.endLsn);
  }
});

test('recovery: every bit of a log flipped: it is refused, or what was not evidently durable is gone, never changed', async () => {
  const files = (await writtenWorld(24)).files();
  const names = [...files.keys()].filter((name) => /E00[0-9a-f]*\.log$/.test(name));
  assert.ok(names.length >= 2);
  const outcomes = { refused: 0, whole: 0, shorter: 0 };
  for (const name of names) {
    const bits = (files.get(name)?.length ?? 0) * 8;
    for (let bit = 0; bit < bits; bit += bit < 128 * 8 ? 1 : 37) {
      const disk = changed(files, name, (bytes) => {
        bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
        return bytes;
      });
      outcomes[await outcomeOf(disk, `${name} bit ${bit}`)] += 1;
    }
  }
  assert.ok(outcomes.refused > 0 && outcomes.whole > 0 && outcomes.shorter > 0, JSON.stringify(outcomes));
});

/** Only the last record can go missing without a trace: nothing behind it calls it durable. A hint finds that too. */
async function outcomeOf(disk: MemoryDisk, label: string): Promise<'refused' | 'whole' | 'shorter'> {
  try {
    const world = await openWorld(disk);
    const length = await prefixLength(world);
    assert.ok(length >= 23, `${label}: ${length}`);
    return length === 24 ? 'whole' : 'shorter';
  } catch (error) {
    assert.ok(error instanceof LogDamaged, `${label}: ${String(error)}`);
    return 'refused';
  }
}

test('recovery: the last record is lost but somebody knows that it was durable: refused, with exact range', async () => {
  const files = (await writtenWorld(9)).files();
  const end = await endOfRecords(files);
  const disk = changed(files, OPEN, (bytes) => bytes.fill(0, end - 8));
  await assert.rejects(openWorld(disk, { knownDurableLsn: makeLsn(1, 9) }), (error) => {
    assert.ok(error instanceof LogDamaged);
    const { file, lastGoodLsn, firstLsn, lastLsn, toByte } = error.damage;
    assert.deepEqual([file, lastGoodLsn, firstLsn, lastLsn], ['E00.log', makeLsn(1, 8), makeLsn(1, 9), makeLsn(1, 9)]);
    assert.ok(toByte >= end - 8);
    return true;
  });
});

async function endOfRecords(files: Map<string, Buffer>): Promise<number> {
  const { log } = await openWorld(new MemoryDisk(new Map(files)));
  const last = await log.reader.find(log.endLsn);
  return (last?.position ?? 0) + 32 + payloadOf(numberOf(log.endLsn)).length;
}

test('recovery: a damaged record before others that call it durable: refused, with exact range', async () => {
  const files = (await writtenWorld(9)).files();
  const { log } = await openWorld(new MemoryDisk(new Map(files)));
  const from = (await log.reader.find(makeLsn(1, 4)))?.position ?? 0;
  const to = (await log.reader.find(makeLsn(1, 6)))?.position ?? 0;
  const disk = changed(files, OPEN, (bytes) => bytes.fill(0, from, to));
  await assert.rejects(openWorld(disk), (error) => {
    assert.ok(error instanceof LogDamaged);
    const { fromByte, toByte, firstLsn, lastLsn } = error.damage;
    assert.deepEqual([fromByte, toByte, firstLsn, lastLsn], [from, to, makeLsn(1, 4), makeLsn(1, 5)]);
    return true;
  });
});

test('recovery: a later record of the same unsynced batch survives alone: the tail is torn, not damaged', async () => {
  const disk = await writtenWorld(3);
  const { log } = await openWorld(disk);
  const salt = saltOf(log.signature ?? Buffer.alloc(0));
  const end = ((await log.reader.find(log.endLsn))?.position ?? 0) + ((32 + payloadOf(3).length + 7) & ~7);
  await log.close();
  const fields = { chain: 1, kind: KIND, lsn: makeLsn(1, 5), durableUpTo: makeLsn(1, 3), payload: payloadOf(5) };
  const survivor = encodeRecord(fields, salt);
  const torn = changed(disk.files(), OPEN, (bytes) =>
    Buffer.from(bytes.fill(0, end).fill(survivor, end + 200, end + 200 + survivor.length)),
  );
  const world = await openWorld(torn);
  assert.equal(world.log.endLsn, makeLsn(1, 3));
  assert.ok(world.recovered.tornBytes > 0);
  world.log.append(KIND, payloadOf(4));
  await world.log.close();
  assert.equal((await openWorld(torn)).log.endLsn, makeLsn(1, 4));
});

test('recovery: files removed, swapped, doubled or of another log: refused', async () => {
  const files = (await writtenWorld(60)).files();
  const other = (await writtenWorld(60, { random: new SeededRandom(99) })).files();
  const second = `${FOLDER}/E0000000002.log`;
  const third = `${FOLDER}/E0000000003.log`;
  const stories: Record<string, (files: Map<string, Buffer>) => void> = {
    'open file removed': (copy) => copy.delete(OPEN),
    'file removed': (copy) => copy.delete(second),
    'files swapped': (copy) =>
      copy.set(second, files.get(third) ?? assert.fail()).set(third, files.get(second) ?? assert.fail()),
    'file doubled': (copy) => copy.set(third, files.get(second) ?? assert.fail()),
    'open file is an old one': (copy) => copy.set(OPEN, files.get(second) ?? assert.fail()),
    'file of another log': (copy) => copy.set(second, other.get(second) ?? assert.fail()),
    'open file of another log': (copy) => copy.set(OPEN, other.get(OPEN) ?? assert.fail()),
    'header zeroed': (copy) => copy.set(OPEN, Buffer.alloc(8192)),
    'empty file': (copy) => copy.set(second, Buffer.alloc(0)),
  };
  for (const [story, change] of Object.entries(stories)) {
    const copy = new Map(files);
    change(copy);
    await assert.rejects(openWorld(new MemoryDisk(copy)), (error) => isProblem(error, 'LogDamaged'), story);
  }
});

test('recovery: a mail that carries what looks like records: is searched in linear time and proves nothing', async () => {
  const disk = await writtenWorld(2);
  const { log } = await openWorld(disk);
  const forged = encodeRecord(
    { chain: 0, kind: 1, lsn: makeLsn(1, 9), durableUpTo: makeLsn(1, 8), payload: Buffer.alloc(900_000) },
    0,
  );
  const hostile = Buffer.alloc(1_000_000);
  for (let at = 0; at + 32 < 100_000; at += 32) forged.copy(hostile, at, 0, 32);
  log.append(KIND, hostile);
  await log.close();
  const torn = changed(disk.files(), OPEN, (bytes) => bytes.fill(0, 4096, 4128));
  await assert.rejects(openWorld(torn), (error) => error instanceof LogDamaged);
  const forgedAlone = Buffer.concat([
    Buffer.alloc(64),
    encodeRecord({ chain: 0, kind: 1, lsn: makeLsn(1, 9), durableUpTo: makeLsn(1, 8), payload: Buffer.alloc(8) }, 0),
  ]);
  const second = await openWorld(await writtenWorld(2));
  second.log.append(KIND, forgedAlone);
  const place = await second.log.durable(second.log.endLsn).then(() => second.log.reader.find(second.log.endLsn));
  await second.log.close();
  const tail = changed(second.disk.files(), OPEN, (bytes) =>
    bytes.fill(0, place?.position, (place?.position ?? 0) + 32),
  );
  assert.equal((await openWorld(tail)).log.endLsn, makeLsn(1, 2));
});
