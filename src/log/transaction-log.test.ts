import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isProblem, Problem } from '../base/problem.ts';
import { inspect } from './inspection.ts';
import { MAX_WRITES_UNDER_WAY } from './limits.ts';
import { makeLsn } from './lsn.ts';
import { encodeRecord, readFrame, saltOf } from './record.ts';
import {
  collect,
  contents,
  FOLDER,
  fingerprints,
  KIND,
  openWorld,
  payloadOf,
  recordsOf,
  SMALL_FILE_BYTES,
  writtenWorld,
} from './testing/log-story.ts';
import { MemoryDisk } from './testing/memory-disk.ts';
import type { LogItem } from './transaction-log.ts';

test('log: a new one: begins with an epoch and numbers its records from 1', async () => {
  const { log, recovered } = await openWorld();
  assert.equal(recovered.state, 'empty');
  assert.deepEqual([log.endLsn, log.generation, log.signature], [0, 0, undefined]);
  assert.equal(log.startEpoch(3, KIND, payloadOf(1)).lsn, makeLsn(3, 1));
  assert.equal(log.append(KIND, Buffer.alloc(0)).lsn, makeLsn(3, 2));
  assert.equal(log.durableLsn, 0);
  await log.durable(makeLsn(3, 2));
  assert.equal(log.durableLsn, makeLsn(3, 2));
  assert.deepEqual(
    (await contents(log)).map(({ lsn }) => lsn),
    [makeLsn(3, 1), makeLsn(3, 2)],
  );
  await log.close();
});

test('log: missing where one is expected: is refused, not made', async () => {
  await assert.rejects(openWorld(new MemoryDisk(), { ifMissing: 'refuse' }), (error) => isProblem(error, 'LogMissing'));
  await assert.rejects(openWorld(new MemoryDisk(), { knownDurableLsn: 5 }), (error) => isProblem(error, 'LogMissing'));
});

test('log: records appended while a write is under way: leave together in the next one', async () => {
  const { log, device } = await openWorld(new MemoryDisk(), { fileSizeBytes: 65536 });
  log.startEpoch(1, KIND, payloadOf(1));
  await log.durable(log.endLsn);
  device.appendedChunks.length = 0;
  const done = Array.from({ length: 16 }, (_, index) => log.durable(log.append(KIND, payloadOf(index)).lsn));
  await Promise.all(done);
  assert.deepEqual(device.appendedChunks, [16]);
  await log.close();
});

test('log: more waits than half a file: is handed over behind the write under way, and less waits for it', async () => {
  const { log, device } = await openWorld(new MemoryDisk(), { fileSizeBytes: 65536 });
  log.startEpoch(1, KIND, payloadOf(1));
  const burst = async (records: number): Promise<number> => {
    device.mostUnderWay = 0;
    for (let number = 0; number < records; number++) log.append(KIND, payloadOf(number, 2_000));
    await log.durable(log.endLsn);
    return device.mostUnderWay;
  };
  assert.equal(await burst(20), 1);
  assert.equal(await burst(20), 1, 'two files, and little in the second');
  const most = await burst(400);
  assert.ok(most > 1 && most <= MAX_WRITES_UNDER_WAY, `${most} writes under way`);
  assert.equal((await contents(log)).length, 441);
  await log.close();
});

test('log: more than a file holds: goes on in the next file, and all of it is there after a restart', async () => {
  const disk = await writtenWorld(60);
  const { log, recovered } = await openWorld(disk);
  assert.ok(log.generation > 3);
  assert.equal(log.endLsn, makeLsn(1, 60));
  assert.equal(recovered.tornBytes, 0);
  const records = await contents(log);
  assert.deepEqual(
    records.map(({ payload }) => payload.toString()),
    Array.from({ length: 60 }, (_, index) => payloadOf(index + 1).toString()),
  );
  assert.deepEqual(
    log.epochEnds.map(({ epoch, firstLsn, lastLsn }) => [epoch, firstLsn, lastLsn]),
    [[1, makeLsn(1, 1), makeLsn(1, 60)]],
  );
  await log.close();
});

test('log: a record bigger than a file: makes a bigger file and comes back whole', async () => {
  const { log, disk } = await openWorld();
  log.startEpoch(1, KIND, payloadOf(1));
  const big = payloadOf(2, 700_000);
  log.append(KIND, big);
  log.append(KIND, payloadOf(3));
  await log.close();
  const reopened = await openWorld(disk);
  const records = await contents(reopened.log);
  assert.deepEqual(
    records.map(({ payload }) => payload.length),
    [payloadOf(1).length, 700_000, payloadOf(3).length],
  );
  assert.ok(records[1]?.payload.equals(big));
});

test('log: an epoch: begins a new file, and its end is known after a restart', async () => {
  const disk = await writtenWorld(3);
  const first = await openWorld(disk);
  const before = first.log.generation;
  const { frame } = first.log.startEpoch(4, KIND, payloadOf(1));
  assert.equal(first.log.generation, before + 1);
  await first.log.close();
  const { log } = await openWorld(disk);
  assert.deepEqual(
    log.epochEnds.map(({ epoch, lastLsn }) => [epoch, lastLsn]),
    [
      [1, makeLsn(1, 3)],
      [4, makeLsn(4, 1)],
    ],
  );
  assert.equal(log.epochEnds[1]?.lastChain, readFrame(frame).crc);
  assert.equal(await log.reader.chainAt(makeLsn(1, 3)), log.epochEnds[0]?.lastChain);
  assert.throws(() => log.startEpoch(4, KIND, payloadOf(1)));
});

test('log: the passive copy of a stream: has byte for byte the same files', async () => {
  const active = await openWorld();
  const passive = await openWorld();
  active.log.onAppended((item) => {
    if (item.type === 'file') passive.log.startFile(item.header);
    else passive.log.appendFrame(item.frame);
  });
  active.log.startEpoch(1, KIND, payloadOf(1));
  for (let number = 2; number < 40; number++) active.log.append(KIND, payloadOf(number));
  active.log.append(KIND, payloadOf(40, 20_000));
  active.log.startEpoch(2, KIND, payloadOf(1));
  await Promise.all([active.log.durable(active.log.endLsn), passive.log.durable(active.log.endLsn)]);
  await Promise.all([active.log.close(), passive.log.close()]);
  assert.deepEqual(fingerprints(passive.disk), fingerprints(active.disk));
  assert.deepEqual(passive.log.epochEnds, active.log.epochEnds);
});

test('log: frames that do not continue it: are refused and change nothing', async () => {
  const { log } = await openWorld();
  const { frame, lsn } = log.startEpoch(1, KIND, payloadOf(1));
  const salt = saltOf(log.signature ?? Buffer.alloc(0));
  const fields = { chain: log.chain, kind: KIND, lsn: lsn + 1, durableUpTo: 0, payload: payloadOf(2) };
  const damaged = encodeRecord(fields, salt);
  damaged[40] = (damaged[40] ?? 0) ^ 1;
  const wrong = [
    frame,
    damaged,
    encodeRecord({ ...fields, chain: log.chain + 1 }, salt),
    encodeRecord({ ...fields, lsn: lsn + 2 }, salt),
    encodeRecord({ ...fields, lsn: makeLsn(2, 1) }, salt),
    encodeRecord(fields, salt + 1),
    encodeRecord({ ...fields, payload: Buffer.alloc(SMALL_FILE_BYTES) }, salt),
    Buffer.concat([encodeRecord(fields, salt), Buffer.alloc(8)]),
    Buffer.alloc(0),
  ];
  for (const bytes of wrong)
    assert.throws(
      () => log.appendFrame(bytes),
      (error) => isProblem(error, 'LogMismatch'),
    );
  assert.equal(log.appendFrame(encodeRecord(fields, salt)), lsn + 1);
  await log.close();
});

test('log: a file header of another history: is refused', async () => {
  const headers: Buffer[] = [];
  const { log } = await openWorld();
  log.onAppended((item) => {
    if (item.type === 'file') headers.push(item.header);
  });
  log.startEpoch(1, KIND, payloadOf(1));
  const [header] = headers;
  assert.ok(header);
  assert.throws(
    () => log.startFile(header),
    (error) => isProblem(error, 'LogMismatch'),
  );
  assert.throws(
    () => log.startFile(Buffer.alloc(4096)),
    (error) => isProblem(error, 'LogMismatch'),
  );
  await log.close();
});

test('log: a write that fails: ends it for all who wait and all who come', async () => {
  const { log, device } = await openWorld();
  log.startEpoch(1, KIND, payloadOf(1));
  await log.durable(log.endLsn);
  const failure = new Problem('DiskFailed', 'Cannot write: EIO. Check the disk.');
  device.failNext('append', failure);
  const waiting = [2, 3, 4].map((number) => log.durable(log.append(KIND, payloadOf(number)).lsn));
  for (const { status } of await Promise.allSettled(waiting)) assert.equal(status, 'rejected');
  assert.equal(log.failure, failure);
  assert.equal(log.durableLsn, makeLsn(1, 1));
  await assert.rejects(log.durable(makeLsn(1, 1)), failure);
  assert.throws(
    () => log.append(KIND, payloadOf(5)),
    (error) => isProblem(error, 'LogFailed'),
  );
  await log.close();
});

test('log: the next file cannot be made while nobody waits: whoever opened it is told', async () => {
  const failures: Error[] = [];
  const { log, device } = await openWorld(new MemoryDisk(), { onFailed: (failure) => failures.push(failure) });
  const failure = new Problem('DiskFailed', 'Cannot make a file: EIO. Check the disk.');
  device.failNext('prepare', failure);
  log.startEpoch(1, KIND, payloadOf(1));
  await log.durable(log.endLsn).catch(() => undefined);
  await log.close();
  assert.deepEqual(failures, [failure]);
});

test('log: a full disk: refuses before the record exists, stops cleanly from the reserve, goes on when there is room', async () => {
  const disk = new MemoryDisk();
  disk.freeBytes = SMALL_FILE_BYTES * 5;
  const { log } = await openWorld(disk);
  log.startEpoch(1, KIND, payloadOf(1));
  await log.durable(log.endLsn);
  const refused = async (): Promise<boolean> => {
    try {
      await log.durable(log.append(KIND, payloadOf(9, 1000)).lsn);
      return false;
    } catch (error) {
      if (!isProblem(error, 'DiskFull')) throw error;
      return true;
    }
  };
  let written = 0;
  while (!(await refused())) written += 1;
  assert.ok(written >= 8 && written < 20, `${written} records`);
  const { lsn } = log.append(KIND, payloadOf(1, 3000), { evenIfFull: true });
  await log.durable(lsn);
  assert.equal(log.failure, undefined);
  disk.freeBytes = SMALL_FILE_BYTES * 20;
  for (let attempts = 0; (await refused()) && attempts < 50; attempts++) await log.durable(lsn);
  assert.ok(log.endLsn > lsn);
  await log.close();
});

test('log: a disk that was full and has room again, and somebody looks: nobody is refused', async () => {
  const disk = new MemoryDisk();
  disk.freeBytes = SMALL_FILE_BYTES * 4;
  const { log } = await openWorld(disk);
  log.startEpoch(1, KIND, payloadOf(1));
  await log.durable(log.endLsn);
  const { generation } = log;
  while (log.generation === generation) await log.durable(log.append(KIND, payloadOf(9, 1000)).lsn);
  disk.freeBytes = SMALL_FILE_BYTES * 20;
  log.lookForRoom();
  for (let records = 0; records < 30; records++) await log.durable(log.append(KIND, payloadOf(9, 1000)).lsn);
  assert.ok(log.generation > generation + 2);
  await log.close();
});

test('log: more than may wait: is refused before it has a number, and taken when there is room', async () => {
  const { log } = await openWorld(new MemoryDisk(), { maxQueuedBytes: 4000 });
  log.startEpoch(1, KIND, payloadOf(1));
  await log.durable(log.endLsn);
  await log.room();
  for (let number = 0; number < 3; number++) log.append(KIND, payloadOf(number, 1200));
  const end = log.endLsn;
  assert.throws(
    () => log.append(KIND, payloadOf(4, 1200)),
    (error) => isProblem(error, 'LogBusy') && error.temporary,
  );
  assert.equal(log.endLsn, end);
  await log.room();
  assert.equal(log.append(KIND, payloadOf(4, 1200)).lsn, end + 1);
  await log.close();
});

test('log: the evidence in a record: never names more than what was durable and committed', async () => {
  let committed = 0;
  const { log } = await openWorld(new MemoryDisk(), { committedLsn: () => committed });
  log.startEpoch(1, KIND, payloadOf(1));
  await log.durable(log.endLsn);
  assert.equal(readFrame(log.append(KIND, payloadOf(2)).frame).durableUpTo, 0);
  committed = makeLsn(1, 2);
  assert.equal(readFrame(log.append(KIND, payloadOf(3)).frame).durableUpTo, makeLsn(1, 1));
  await log.close();
});

test('log: reading from any place while it is written and rotated: gives exactly the rest, in order', async () => {
  const { log } = await openWorld();
  log.startEpoch(1, KIND, payloadOf(1));
  const target = await openWorld();
  const take = (item: LogItem): void => {
    if (item.type === 'file') target.log.startFile(item.header);
    else target.log.appendFrame(item.frame);
  };
  await log.durable(log.endLsn);
  for await (const item of log.reader.readFile(1)) take(item);
  const writing = (async () => {
    for (let number = 2; number <= 120; number++) {
      log.append(KIND, payloadOf(number));
      if (number % 3 === 0) await log.durable(log.endLsn);
    }
    await log.durable(log.endLsn);
  })();
  while (target.log.endLsn < makeLsn(1, 120)) {
    for await (const item of log.reader.readFrom(target.log.endLsn, target.log.generation)) take(item);
    await Promise.resolve();
  }
  await writing;
  assert.equal(target.log.chain, log.chain);
  for (const from of [1, 50, 119, 120]) {
    const rest = recordsOf(await collect(log.reader.readFrom(makeLsn(1, from))));
    assert.equal(rest.length, 120 - from);
  }
  await log.close();
});

test('log: find: names file, place and chain of a record', async () => {
  const { log } = await openWorld();
  log.startEpoch(1, KIND, payloadOf(1));
  const { lsn, frame } = log.append(KIND, payloadOf(2));
  await log.durable(lsn);
  const place = await log.reader.find(lsn);
  assert.deepEqual(place, { lsn, generation: 1, position: place?.position, chain: readFrame(frame).crc });
  assert.equal(await log.reader.find(lsn + 1), undefined);
});

test('log: old files removed: only those whose records nobody needs, oldest first, and reading before them is refused', async () => {
  const { log, disk } = await openWorld(await writtenWorld(60));
  const generations = log.generation;
  const third = makeLsn(1, 20);
  const removed = await log.removeBelow(third);
  assert.ok(removed >= 1);
  assert.equal(log.firstGeneration, removed + 1);
  assert.ok(log.firstReadableLsn <= third);
  await assert.rejects(collect(log.reader.readFrom(makeLsn(1, 1))), (error) => isProblem(error, 'LogTruncated'));
  assert.equal(recordsOf(await collect(log.reader.readFrom(third))).length, 40);
  assert.equal(
    recordsOf(await collect(log.reader.readFrom(log.firstReadableLsn))).length,
    60 - log.firstReadableLsn + makeLsn(1, 0),
  );
  await log.close();
  const reopened = await openWorld(disk);
  assert.equal(reopened.log.firstGeneration, removed + 1);
  assert.equal(await reopened.log.removeBelow(makeLsn(1, 60)), generations - removed - 1);
  assert.equal(reopened.log.endLsn, makeLsn(1, 60));
});

test('log: recovery from a checkpoint: reads only the headers of what lies below', async () => {
  const disk = await writtenWorld(60);
  const { log, recovered } = await openWorld(disk, { checkedUpToLsn: makeLsn(1, 50) });
  assert.ok(recovered.scannedFiles < log.generation);
  assert.equal((await contents(log)).length, 60);
  assert.equal(log.epochEnds[0]?.lastLsn, makeLsn(1, 60));
});

test('log: a damaged record in an old file, an old file that is not there: is never read out, and the file is told', async () => {
  const told: number[] = [];
  const onUnreadableFile = (generation: number): void => void told.push(generation);
  const { log, disk } = await openWorld(await writtenWorld(60), { onUnreadableFile });
  const file = disk.inode(`${FOLDER}/E0000000001.log`);
  file.current[4096 + 600] = (file.current[4096 + 600] ?? 0) ^ 4;
  await assert.rejects(collect(log.reader.readFile(1)), (error) => isProblem(error, 'LogDamaged'));
  await disk.remove(`${FOLDER}/E0000000002.log`);
  await assert.rejects(collect(log.reader.readFile(2)), (error) => isProblem(error, 'FileMissing'));
  assert.deepEqual(told, [1, 2]);
});

test('log: a closed file as another copy has it: takes the place of ours when it is the same, and no other does', async () => {
  const whole = (await writtenWorld(60)).files();
  const { log, disk } = await openWorld(new MemoryDisk(whole));
  const bytes = (generation: number): Buffer =>
    whole.get(`${FOLDER}/E000000000${generation}.log`) ?? assert.fail('There is no such file');
  const file = disk.inode(`${FOLDER}/E0000000002.log`);
  file.current[5_000] = (file.current[5_000] ?? 0) ^ 4;
  assert.deepEqual(
    [0, 2, log.generation].map((generation) => log.fileState(generation)),
    ['gone', 'closed', 'open'],
  );
  for (const wrong of [bytes(1), Buffer.from(file.current), bytes(2).subarray(0, 6_000)]) {
    assert.ok(!log.isClosedFile(2, wrong));
  }
  assert.ok(log.isClosedFile(2, bytes(2)));
  await log.replaceClosedFile(2, bytes(2));
  assert.equal((await contents(log)).length, 60);
  assert.deepEqual(disk.files().get(`${FOLDER}/E0000000002.log`), bytes(2));
});

test('log: inspection of a closed file: finds it whole, or says which bytes and records are not', async () => {
  const files = (await writtenWorld(60)).files();
  const bytes = files.get(`${FOLDER}/E0000000002.log`) ?? assert.fail('No second file');
  const whole = inspect(bytes, 'E0000000002.log');
  assert.ok(whole.healthy);
  for (let bit = 0; bit < bytes.length * 8; bit += 61) {
    const flipped = Buffer.from(bytes);
    flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    const verdict = inspect(flipped, 'E0000000002.log');
    assert.ok(!verdict.healthy, `bit ${bit}`);
    const { fromByte, toByte } = verdict.damage;
    assert.ok(fromByte <= bit >>> 3 && bit >>> 3 < toByte, `bit ${bit} outside ${fromByte}..${toByte}`);
  }
  assert.ok(!inspect(bytes.subarray(0, bytes.length - 512), 'E0000000002.log').healthy);
});
