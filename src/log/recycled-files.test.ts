/** Log files that are written again: what they held before is never taken for news, and damage in them is told as ever. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogDamaged } from './damage.ts';
import { truncateAfter } from './divergence.ts';
import { listLogFiles } from './folder.ts';
import { inspect } from './inspection.ts';
import { decodeHeader, emptyLogFile } from './log-file.ts';
import { makeLsn, numberOf } from './lsn.ts';
import { END_MARK_BYTES, encodeEndMark } from './record.ts';
import { scanRecords } from './scan.ts';
import { collect, contents, FOLDER, KIND, openWorld, payloadOf, SMALL_FILE_BYTES } from './testing/log-story.ts';
import { MemoryDisk } from './testing/memory-disk.ts';

const OPEN = `${FOLDER}/E00.log`;
/** Enough that every file has been another one before. */
const RECORDS = 150;
const KEPT = 30;

interface Stopped {
  readonly files: Map<string, Buffer>;
  readonly endLsn: number;
  readonly made: number;
}

/** What a machine holds that stops right after record `count` was durable; only the newest records are still needed. */
async function stopped(count = RECORDS): Promise<Stopped> {
  const { log, disk, device } = await openWorld();
  log.startEpoch(1, KIND, payloadOf(1));
  for (let number = 2; number <= count; number++) {
    const { lsn } = log.append(KIND, payloadOf(number));
    await log.durable(lsn);
    await log.removeBelow(lsn - KEPT);
  }
  return { files: disk.files(), endLsn: log.endLsn, made: device.preparedFiles };
}

function copyOf(files: Map<string, Buffer>): Map<string, Buffer> {
  return new Map([...files].map(([name, bytes]) => [name, Buffer.from(bytes)] as const));
}

/** Where the records of the open file end, and its bytes. */
function openFile(files: Map<string, Buffer>) {
  const bytes = files.get(OPEN) ?? assert.fail('No open file');
  const file = emptyLogFile(decodeHeader(bytes) ?? assert.fail('No header'), 'E00.log');
  const positions: number[] = [];
  const stop = scanRecords(bytes, file, (_, position) => positions.push(position));
  return { bytes, file, positions, stop };
}

/** A world that was stopped with old records behind the end of its open file. */
async function stoppedInOldRecords(): Promise<Stopped> {
  for (let count = RECORDS; count < RECORDS + 40; count++) {
    const world = await stopped(count);
    const { stop, positions, bytes, file } = openFile(world.files);
    if (stop === 'mark' && positions.length > 3 && bytes.length - file.endBytes > 1_000) return world;
  }
  assert.fail('Old files are not written again');
}

/** All records that are still there, each checked. Returns the number of the last one. */
async function lastNumber(disk: MemoryDisk, label = ''): Promise<number> {
  const { log } = await openWorld(disk);
  let last = numberOf(log.firstReadableLsn);
  for (const { lsn, payload } of await contents(log)) {
    last += 1;
    assert.equal(lsn, makeLsn(1, last), label);
    assert.ok(payload.equals(payloadOf(last)), `${label}: record ${last}`);
  }
  await log.close();
  return last;
}

test('recycled files: a log that is kept short: writes the same files again and makes no new ones', async () => {
  const [short, long] = [await stopped(RECORDS), await stopped(2 * RECORDS)];
  assert.equal(long.made, short.made);
  assert.equal(await lastNumber(new MemoryDisk(long.files)), 2 * RECORDS);
});

test('recycled files: the machine stops with old records behind the end: the log had ended cleanly there', async () => {
  const { files, endLsn } = await stoppedInOldRecords();
  const { log, recovered } = await openWorld(new MemoryDisk(copyOf(files)));
  assert.equal(recovered.tornBytes, 0);
  assert.equal(log.endLsn, endLsn);
  await log.close();
});

test('recycled files: closed ones: are whole although they hold older records behind their end', async () => {
  const { files } = await stopped();
  let marked = 0;
  for (const [name, bytes] of files) {
    if (!/E00[0-9a-f]{8}\.log$/.test(name)) continue;
    const inspection = inspect(bytes, name);
    assert.ok(inspection.healthy, name);
    const { endBytes, endChain, salt } = inspection.file;
    const mark = bytes.subarray(endBytes, endBytes + END_MARK_BYTES);
    if (mark.equals(encodeEndMark(endChain, salt))) marked += 1;
  }
  assert.ok(marked >= 2, `${marked} marked`);
});

test('recycled files: the last write is missing from any byte on: what stood there before is never taken for records', async () => {
  const { files } = await stoppedInOldRecords();
  const { bytes, file, positions } = openFile(files);
  const from = positions.at(-2) ?? 0;
  const older = Buffer.from(bytes);
  older.copy(older, from, file.endBytes, Math.min(bytes.length, file.endBytes + file.endBytes - from));
  const end = numberOf(file.lastLsn);
  for (let at = from; at <= file.endBytes; at++) {
    const torn = copyOf(files);
    torn.set(OPEN, Buffer.concat([bytes.subarray(0, at), older.subarray(at)]));
    const last = await lastNumber(new MemoryDisk(torn), `cut at ${at}`);
    assert.ok(last >= end - 2 && last <= end, `cut at ${at}: ${last}`);
  }
});

test('recycled files: any bit flipped: refused, or the record that nothing calls durable is gone, never an older one', async () => {
  const { files, endLsn } = await stoppedInOldRecords();
  const end = numberOf(endLsn);
  const outcomes = { refused: 0, whole: 0, shorter: 0 };
  for (let bit = 0; bit < SMALL_FILE_BYTES * 8; bit += 13) {
    const flipped = copyOf(files);
    const bytes = flipped.get(OPEN) ?? assert.fail();
    bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    try {
      const last = await lastNumber(new MemoryDisk(flipped), `bit ${bit}`);
      assert.ok(last === end || last === end - 1, `bit ${bit}: ${last}`);
      outcomes[last === end ? 'whole' : 'shorter'] += 1;
    } catch (error) {
      if (!(error instanceof LogDamaged)) throw error;
      outcomes.refused += 1;
    }
  }
  assert.ok(outcomes.refused > 0 && outcomes.whole > 0 && outcomes.shorter > 0, JSON.stringify(outcomes));
});

test('recycled files: a log with old records behind its end is cut at its end: there is nothing to cut', async () => {
  const { files, endLsn } = await stoppedInOldRecords();
  const disk = new MemoryDisk(copyOf(files));
  const { quarantined } = await truncateAfter({ disk, folder: FOLDER, lsn: endLsn, quarantineFolder: 'quarantine/1' });
  assert.deepEqual(quarantined, []);
});

test('recycled files: one stands ready with its old header and the open file is missing: it does not take its place', async () => {
  const { files } = await stoppedInOldRecords();
  const ready = [...files.keys()].filter((name) => /E00tmp\d*\.log$/.test(name));
  assert.ok(ready.some((name) => decodeHeader(files.get(name) ?? Buffer.alloc(0)) !== undefined));
  files.delete(OPEN);
  await assert.rejects(openWorld(new MemoryDisk(files)), (error) => error instanceof LogDamaged);
});

test('recycled files: a reader beside the writing: sees the new records only', async () => {
  const { log } = await openWorld();
  log.startEpoch(1, KIND, payloadOf(1));
  for (let number = 2; number <= RECORDS; number++) {
    await log.durable(log.append(KIND, payloadOf(number)).lsn);
    await log.removeBelow(log.endLsn - KEPT);
    const from = Math.max(log.firstReadableLsn, log.endLsn - 5, makeLsn(1, 1));
    const items = await collect(log.reader.readFrom(from));
    const lsns = items.flatMap((item) => (item.type === 'record' ? [item.lsn] : []));
    assert.deepEqual(
      lsns,
      Array.from({ length: log.endLsn - from }, (_, index) => from + 1 + index),
    );
  }
  await log.close();
});

test('recycled files: the name of the open file is lost with the power: the file is found by its header and named again', async () => {
  const { files, endLsn } = await stoppedInOldRecords();
  const disk = new MemoryDisk(copyOf(files));
  await disk.rename(OPEN, `${FOLDER}/E00tmp40.log`);
  assert.equal((await listLogFiles(disk, FOLDER)).at(-1)?.name, 'E00tmp40.log');
  const { log, recovered } = await openWorld(disk);
  assert.ok(recovered.finishedRename);
  assert.equal(log.endLsn, endLsn);
  await log.close();
});
