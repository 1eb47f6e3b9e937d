/**
 * The end of a log is missing from every byte on, in each way that a disk has: the file is shorter, or has zeros or
 * something else there. A file that is shorter than it was made is damaged. A tail that nobody knows to have been whole is
 * torn, and what stands whole before it is kept, to the record. Where somebody knows better, it is damage, and the record
 * from which it is missing is named.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { LogDamaged } from '../../src/log/damage.ts';
import { LOG_HEADER_BYTES } from '../../src/log/log-file.ts';
import { makeLsn } from '../../src/log/lsn.ts';
import { RECORD_ALIGNMENT_BYTES, RECORD_HEAD_BYTES } from '../../src/log/record.ts';
import { contents, FOLDER, openWorld, writtenWorld } from '../../src/log/testing/log-story.ts';
import { MemoryDisk } from '../../src/log/testing/memory-disk.ts';
import type { LogOptions } from '../../src/log/transaction-log.ts';

const OPEN = `${FOLDER}/E00.log`;
const CLOSED = `${FOLDER}/E0000000002.log`;

const RECORDS = 9;
const openFiles = (await writtenWorld(RECORDS)).files();
const manyFiles = (await writtenWorld(40)).files();

let cuts = 0;
after(() => {
  console.log(`log: ${cuts} cuts, each judged rightly`);
  assert.ok(cuts > 20_000);
});

interface Place {
  readonly lsn: number;
  readonly fromByte: number;
  readonly toByte: number;
}

/** Where the records of the open file lie, from the first to the last. */
async function placesIn(files: ReadonlyMap<string, Buffer>, count: number): Promise<Place[]> {
  const { log } = await openWorld(new MemoryDisk(new Map(files)));
  const records = await contents(log);
  await log.close();
  assert.equal(records.length, count);
  let fromByte = LOG_HEADER_BYTES;
  return records.map(({ lsn, payload }) => {
    const frameBytes = RECORD_HEAD_BYTES + payload.length;
    const toByte = fromByte + Math.ceil(frameBytes / RECORD_ALIGNMENT_BYTES) * RECORD_ALIGNMENT_BYTES;
    const place = { lsn, fromByte, toByte };
    fromByte = toByte;
    return place;
  });
}

const places = await placesIn(openFiles, RECORDS);

/** How many records from the first on have all their bytes, the zeros behind them included. */
function wholeIn(bytes: Buffer, original: Buffer): number {
  const isWhole = ({ fromByte, toByte }: Place): boolean =>
    bytes.subarray(fromByte, toByte).equals(original.subarray(fromByte, toByte));
  const broken = places.findIndex((place) => !isWhole(place));
  return broken === -1 ? places.length : broken;
}

function fileOf(files: ReadonlyMap<string, Buffer>, name: string): Buffer {
  const bytes = files.get(name);
  assert.ok(bytes !== undefined);
  return bytes;
}

async function open(
  files: ReadonlyMap<string, Buffer>,
  name: string,
  bytes: Buffer,
  options: Partial<LogOptions> = {},
) {
  cuts += 1;
  const { log } = await openWorld(new MemoryDisk(new Map(files).set(name, Buffer.from(bytes))), options);
  const { endLsn } = log;
  await log.close();
  return endLsn;
}

/** The open file refused, and what the refusal says of the range. */
async function assertDamaged(opening: Promise<number>, kept: number, label: string): Promise<void> {
  await assert.rejects(opening, (error) => {
    assert.ok(error instanceof LogDamaged, `${label}: ${String(error)}`);
    const { file, lastGoodLsn, firstLsn, fromByte } = error.damage;
    const behind = places[kept]?.fromByte ?? 0;
    assert.deepEqual(
      [file, lastGoodLsn, firstLsn, fromByte],
      ['E00.log', kept === 0 ? 0 : makeLsn(1, kept), makeLsn(1, kept + 1), behind],
      label,
    );
    return true;
  });
}

test('crash: the open log file is shorter, at every byte of its records: damaged, from the first record that is missing', async () => {
  const original = fileOf(openFiles, OPEN);
  const end = places.at(-1)?.toByte ?? 0;
  for (let at = LOG_HEADER_BYTES; at < end; at++) {
    const bytes = original.subarray(0, at);
    await assertDamaged(open(openFiles, OPEN, bytes), wholeIn(bytes, original), `cut at ${at}`);
  }
});

for (const [what, filler] of [
  ['zeros', 0],
  ['something else', 0xa5],
] as const) {
  test(`crash: the open log file has ${what} from every byte on: torn, to the record; damaged, where the end is known`, async () => {
    const original = fileOf(openFiles, OPEN);
    for (let at = LOG_HEADER_BYTES; at < original.length; at++) {
      const bytes = Buffer.from(original).fill(filler, at);
      const kept = wholeIn(bytes, original);
      const label = `from ${at}`;
      assert.equal(await open(openFiles, OPEN, bytes), kept === 0 ? 0 : makeLsn(1, kept), label);
      const known = open(openFiles, OPEN, bytes, { knownDurableLsn: makeLsn(1, places.length) });
      if (kept < places.length) await assertDamaged(known, kept, label);
      else assert.equal(await known, makeLsn(1, places.length), label);
    }
  });
}

test('crash: a closed log file is shorter, or has zeros, from every byte of its records on: damaged, and named', async () => {
  const original = fileOf(manyFiles, CLOSED);
  let used = original.length;
  while (original[used - 1] === 0) used -= 1;
  for (let at = LOG_HEADER_BYTES; at < used; at++) {
    for (const bytes of [original.subarray(0, at), Buffer.from(original).fill(0, at)]) {
      await assert.rejects(open(manyFiles, CLOSED, bytes), (error) => {
        assert.ok(error instanceof LogDamaged, `${at}: ${String(error)}`);
        assert.equal(error.damage.file, 'E0000000002.log');
        assert.ok(error.damage.fromByte < at + RECORD_ALIGNMENT_BYTES, `${at}`);
        return true;
      });
    }
  }
});
