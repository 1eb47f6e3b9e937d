import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isProblem } from '../base/problem.ts';
import { SeededRandom } from '../base/random.ts';
import { removeEmptyLog, truncateAfter } from './divergence.ts';
import { closedName, decodeHeader, LOG_HEADER_BYTES } from './log-file.ts';
import { makeLsn, numberOf } from './lsn.ts';
import {
  collect,
  contents,
  FOLDER,
  fingerprints,
  KIND,
  openWorld,
  payloadOf,
  recordsOf,
  writtenWorld,
} from './testing/log-story.ts';
import { MemoryDisk } from './testing/memory-disk.ts';

const QUARANTINE = 'quarantine/1';

function cut(disk: MemoryDisk, number: number) {
  return truncateAfter({ disk, folder: FOLDER, lsn: makeLsn(1, number), quarantineFolder: QUARANTINE });
}

/** The log as it was: untouched files, what was put aside, and the cut file where nothing of it had to be put aside. */
function asBefore(disk: MemoryDisk): MemoryDisk {
  const files = disk.files();
  const before = new Map([...files].filter(([name]) => /^log\/E00[0-9a-f]{8}\.log$/.test(name)));
  const aside = [...files].filter(([name]) => name.startsWith(QUARANTINE));
  const open = files.get(`${FOLDER}/E00.log`) ?? assert.fail('No open file');
  const generation = decodeHeader(open)?.generation ?? 0;
  const isAside = aside.some(([, bytes]) => decodeHeader(bytes)?.generation === generation);
  if (!isAside) before.set(aside.length === 0 ? `${FOLDER}/E00.log` : `${FOLDER}/${closedName(generation)}`, open);
  for (const [name, bytes] of aside) before.set(name.replace(QUARANTINE, FOLDER), bytes);
  return new MemoryDisk(before);
}

test('divergence: the tail is cut at any record: log ends exactly there, the tail is whole in quarantine, and it goes on', async () => {
  const files = (await writtenWorld(40)).files();
  for (let number = 1; number <= 40; number++) {
    const disk = new MemoryDisk(new Map(files));
    const { quarantined, generation } = await cut(disk, number);
    assert.equal(quarantined.length === 0, number === 40);
    assert.equal((await contents((await openWorld(asBefore(disk))).log)).length, 40);
    const { log } = await openWorld(disk);
    assert.deepEqual([log.endLsn, log.generation], [makeLsn(1, number), generation]);
    assert.equal((await contents(log)).length, number);
    log.startEpoch(2, KIND, payloadOf(1));
    await log.close();
    assert.equal((await openWorld(disk)).log.endLsn, makeLsn(2, 1));
  }
});

test('divergence: a copy that was cut at the common point: follows the other one and ends with the same files', async () => {
  const active = await openWorld(await writtenWorld(30));
  const lost = await openWorld(await writtenWorld(30));
  lost.log.append(KIND, payloadOf(99, 9000));
  for (let number = 31; number <= 50; number++) lost.log.append(KIND, payloadOf(number + 100));
  await lost.log.close();
  active.log.startEpoch(2, KIND, payloadOf(1));
  for (let number = 2; number <= 20; number++) active.log.append(KIND, payloadOf(number));
  await active.log.durable(active.log.endLsn);
  await cut(lost.disk, 30);
  const { log } = await openWorld(lost.disk);
  for (const item of await collect(active.log.reader.readFrom(log.endLsn, log.generation))) {
    if (item.type === 'file') log.startFile(item.header);
    else log.appendFrame(item.frame);
  }
  await log.close();
  await active.log.close();
  assert.equal(log.chain, active.log.chain);
  assert.deepEqual(fingerprints(lost.disk), fingerprints(active.disk));
});

test('divergence: the tail is damaged: is put aside as it is and cut all the same', async () => {
  const disk = await writtenWorld(40);
  const bytes = disk.inode(`${FOLDER}/E00.log`).current;
  bytes.fill(0xaa, 0, 4100);
  await assert.rejects(openWorld(disk), (error) => isProblem(error, 'LogDamaged'));
  const { quarantined } = await cut(disk, 12);
  assert.ok(quarantined.includes('E00.log'));
  assert.equal((await openWorld(disk)).log.endLsn, makeLsn(1, 12));
  assert.equal(disk.files().get(`${QUARANTINE}/E00.log`)?.[0], 0xaa);
});

test('divergence: a record that is not here: nothing is changed', async () => {
  const disk = await writtenWorld(40);
  const { log } = await openWorld(disk);
  await log.removeBelow(makeLsn(1, 20));
  await log.close();
  const before = fingerprints(disk);
  for (const lsn of [0, 2, 41].map((number) => makeLsn(1, number)).concat(makeLsn(2, 1))) {
    const attempt = truncateAfter({ disk, folder: FOLDER, lsn, quarantineFolder: QUARANTINE });
    await assert.rejects(attempt, (error) => isProblem(error, 'LogCutImpossible'));
  }
  assert.deepEqual(fingerprints(disk), before);
});

test('divergence: the machine stops at every step of the cut: the log is as before or cut, nothing of it is lost', async () => {
  const files = (await writtenWorld(40)).files();
  const whole = new MemoryDisk(new Map(files));
  await cut(whole, 9);
  const outcomes = new Set<number>();
  for (let stop = 0; stop <= whole.steps; stop++) {
    for (let seed = 0; seed < 8; seed++) {
      const disk = new MemoryDisk(new Map(files));
      disk.stopBefore(stop);
      await Promise.race([cut(disk, 9), disk.stopped]);
      const random = new SeededRandom(stop * 10 + seed);
      let after = disk.afterCrash(random, 'some');
      after.stopBefore(random.below(30));
      await Promise.race([openWorld(after).then(({ log }) => log.close()), after.stopped]);
      after = after.afterCrash(random, 'some');
      const { log } = await openWorld(after);
      await log.close();
      const end = numberOf(log.endLsn);
      assert.ok(end === 9 || end === 40, `stop ${stop} seed ${seed}: ${end}`);
      assert.equal(recordsOf(await collect(log.reader.readFile(1))).length, end);
      if (end === 9) assert.equal((await contents((await openWorld(asBefore(after))).log)).length, 40);
      outcomes.add(end);
      await cut(after, 9);
      assert.equal((await openWorld(after)).log.endLsn, makeLsn(1, 9));
    }
  }
  assert.deepEqual(outcomes, new Set([9, 40]));
});

test('divergence: the first record of a log is torn: nothing of the log is left, and another one begins; with a record it is not touched', async () => {
  const written = await writtenWorld(1);
  await assert.rejects(removeEmptyLog(new MemoryDisk(written.files()), FOLDER));
  const torn = [...written.files()].map(([name, bytes]): [string, Buffer] => [
    name,
    Buffer.from(bytes).fill(0, LOG_HEADER_BYTES + 20),
  ]);
  const disk = new MemoryDisk(new Map(torn));
  await removeEmptyLog(disk, FOLDER);
  const { log, recovered } = await openWorld(disk);
  assert.equal(recovered.state, 'empty');
  await log.close();
});
