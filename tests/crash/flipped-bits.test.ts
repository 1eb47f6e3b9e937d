/**
 * Every bit of a small storage group turns over, one at a time, in every kind of file that a node has. What is given out
 * is compared byte for byte with what was given out before: it is the same, or the damage was seen.
 *
 * The readers are those of the product. A database takes a millisecond to be opened and read, so of its bits one in
 * eleven is turned, and few of its long runs of zeros, at which SQLite does not look; HOLDFAST_FLIPS=all turns them all,
 * HOLDFAST_FLIPS=3/8 all of the third of eight parts.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { encodeNote } from '../../src/base/checked-note.ts';
import { isProblem } from '../../src/base/problem.ts';
import { decodeAcceptorState, encodeAcceptorState } from '../../src/cluster/acceptor-codec.ts';
import { MemoryDisk } from '../../src/log/testing/memory-disk.ts';
import { decodeVotes, encodeVotes } from '../../src/main/vote-memory.ts';
import { decodeManifest, encodeManifest } from '../../src/replication/backup-manifest.ts';
import { BackupNote } from '../../src/replication/backup-note.ts';
import { EpochFile } from '../../src/replication/epoch-file.ts';
import { finishSeed } from '../../src/replication/seed-place.ts';
import { seededSignature } from '../../src/replication/seeded-note.ts';
import { Database } from '../../src/store/database.ts';
import { checkPages, checkRows } from '../../src/store/maintenance/check-database.ts';
import { checkSums } from '../../src/store/maintenance/check-sums.ts';
import { Packs } from '../../src/store/packs.ts';
import { Queries } from '../../src/store/queries.ts';
import { Replayer } from '../../src/store/replay.ts';
import { SIGNATURE } from '../../src/store/testing/store-world.ts';
import { flipBits, type Outcome, report } from '../support/flipped-bits.ts';
import { flipLog } from '../support/flipped-log.ts';
import { copyOf, makeSmallStorageGroup, servedBy } from '../support/small-storage-group.ts';

const LEAST_FLIPS = 500_000;
/** A part of all bits, and of how many; undefined: those that are worth it. */
const thorough = thoroughPart(process.env['HOLDFAST_FLIPS'] ?? '');
const group = await makeSmallStorageGroup();
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'holdfast-flips-'));

after(() => {
  rmSync(folder, { recursive: true, force: true });
  report(thorough === undefined ? LEAST_FLIPS : 1);
});

function thoroughPart(wanted: string): { readonly part: number; readonly parts: number } | undefined {
  if (wanted === '') return undefined;
  if (wanted === 'all') return { part: 0, parts: 1 };
  const [part = 0, parts = 0] = wanted.split('/').map(Number);
  assert.ok(part >= 1 && part <= parts, 'HOLDFAST_FLIPS is all, or a part such as 3/8');
  return { part: part - 1, parts };
}

/** Of bytes where something stands, one bit in `every`, an odd number: so all eight get their turn. */
function isWorthwhile(bytes: Buffer, every: number): (bit: number) => boolean {
  if (thorough !== undefined) return (bit) => (bit >>> 3) % thorough.parts === thorough.part;
  const isQuiet = quietBytes(bytes);
  return (bit) => bit % (isQuiet[bit >>> 3] === 1 ? 2_039 : every) === 0;
}

/** 1 for each byte in a run of 32 zeros or more. */
function quietBytes(bytes: Buffer): Uint8Array {
  const quiet = new Uint8Array(bytes.length);
  for (let from = 0; from < bytes.length; from++) {
    let to = from;
    while (to < bytes.length && bytes[to] === 0) to += 1;
    if (to - from >= 32) quiet.fill(1, from, to);
    from = to;
  }
  return quiet;
}

test('flipped bits: the database: the same rows are given out, or the damage is seen', async () => {
  const image = Buffer.from(group.database);
  // An image in memory has no write-ahead file; the two bytes that say so are turned over in files, below.
  image.fill(1, 18, 20);
  await flipBits('database', image, judgeDatabase, isWorthwhile(image, 11));
});

function judgeDatabase(image: Buffer): Outcome {
  let database: Database | undefined;
  try {
    database = new Database({ path: ':memory:', signature: SIGNATURE, image });
    return judgeServed(database, new Packs(group.packs), image.length);
  } catch (error) {
    assert.ok(isTold(error), String(error));
    return 'detected';
  } finally {
    database?.close();
  }
}

function judgeServed(database: Database, packs: Packs, sizeBytes: number): Outcome {
  if (servedBy(database, packs) === group.served) return 'identical';
  const file = { connection: database.connection, name: 'database.sqlite', sizeBytes };
  const findings = [...checkPages(file, true), ...checkSums(file), ...checkRows(file)];
  assert.ok(findings.length > 0, 'other data was given out, and no check finds anything');
  return 'detectedByCheck';
}

test('flipped bits: the header of the database and the write-ahead file: what they lose, the log gives back', async () => {
  const { database, wal } = group.stopped;
  const [header, log] = [Buffer.from(database), Buffer.from(wal)];
  await flipBits(
    'database',
    header,
    (bytes) => judgeFiles(bytes, wal),
    (bit) => bit >= 18 * 8 && bit < 20 * 8,
  );
  await flipBits('write-ahead file', log, (bytes) => judgeFiles(database, bytes), isWorthwhile(log, 61));
});

/** As a copy is opened after a stop: SQLite's recovery, then what the log has behind it. */
function judgeFiles(bytes: Buffer, wal: Buffer): Outcome {
  const path = join(folder, 'database.sqlite');
  rmSync(`${path}-shm`, { force: true });
  writeFileSync(path, bytes);
  writeFileSync(`${path}-wal`, wal);
  let database: Database | undefined;
  try {
    database = new Database({ path, signature: SIGNATURE });
    const packs = new Packs(copyOf(group.packs));
    const replayer = new Replayer({ database, packs });
    for (const record of group.records) replayer.apply(record);
    return judgeServed(database, packs, bytes.length);
  } catch (error) {
    assert.ok(isTold(error), String(error));
    return 'detected';
  } finally {
    database?.close();
  }
}

/** By a Problem, or by SQLite itself. */
function isTold(error: unknown): boolean {
  return isProblem(error) || (error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR');
}

test('flipped bits: the packs: a body is given out as it was, or not at all', async () => {
  const database = new Database({ path: ':memory:', signature: SIGNATURE, image: legacy(group.database) });
  const queries = new Queries(database);
  const ids = database.connection.prepare('SELECT id FROM body').all();
  const places = ids.flatMap(({ id }) => queries.bodyPlace(Number(id)) ?? []);
  const before = new Packs(group.packs);
  const bodies = places.map((place) => before.read(place));
  for (const { pack, length } of group.packs.list()) {
    await flipBits('packs', group.packs.read(pack, 0, length), (bytes) => {
      const packs = new Packs(Object.assign(copyOf(group.packs), { read: readOf(bytes) }));
      try {
        for (const [index, place] of places.entries()) assert.ok(bodies[index]?.equals(packs.read(place)));
        return 'identical';
      } catch (error) {
        assert.ok(isProblem(error, 'BodyDamaged'), String(error));
        return 'detected';
      }
    });
  }
});

function legacy(image: Buffer): Buffer {
  return Buffer.from(image).fill(1, 18, 20);
}

const readOf = (bytes: Buffer) => (_pack: number, position: number, length: number) =>
  Buffer.from(bytes.subarray(position, position + length));

test('flipped bits: the log: the same records come out, or the file is refused', () => flipLog());

/** What a note says, as a value; undefined when the reader says that it is damaged, or takes it for none. */
type ReadNote = (bytes: Buffer) => unknown;

const onDisk =
  (name: string, read: (disk: MemoryDisk) => Promise<unknown>): ReadNote =>
  (bytes) =>
    read(new MemoryDisk(new Map([[name, bytes]])));

const places = [{ kind: 'host', name: 'node1' }] as const;
const set = { incarnation: 4, places, previous: places, awaited: {} };
const ballot = { counter: 7, proposer: 'node1-3' };
const signature = SIGNATURE.toString('hex');
const vote = {
  identity: { clusterId: signature, incarnation: 4 },
  promised: ballot,
  accepted: { ballot, value: JSON.stringify({ format: 1, writes: {}, document: { version: 12, epoch: 3 } }) },
  set,
};
const exchange = { moves: [['seeding/database.sqlite', 'database.sqlite']], removes: ['packs/00000002.pack'] };
const manifest = {
  format: 1,
  id: '20260801-full',
  type: 'Full' as const,
  storageGroup: 'First Storage Group',
  signature,
  host: 'node1',
  takenMs: 1_700_000_000_000,
  baseId: null,
  startLsn: 4_294_967_300,
  endLsn: 4_294_967_400,
  endChain: 12_345,
  files: [{ name: 'database.sqlite', sizeBytes: 4_096, sha256: '0'.repeat(64) }],
};

const notes: Readonly<Record<string, readonly [Buffer, ReadNote]>> = {
  'epoch.json': [
    encodeNote({ inUse: 3, promised: 4 }),
    onDisk('epoch.json', async (disk) => {
      const epochs = new EpochFile(disk);
      await epochs.load();
      return epochs.floor;
    }),
  ],
  'seeded.json': [encodeNote({ lsn: 4_294_967_300, signature }), onDisk('seeded.json', seededSignature)],
  'backup.json': [
    encodeNote({ latestFullMs: 1_700_000_000_000, latestIncrementalMs: 1_700_000_100_000, throughLsn: 4_294_967_300 }),
    onDisk('backup.json', async (disk) => {
      const note = new BackupNote(disk);
      await note.load();
      return note.times.throughLsn === 0 ? undefined : note.times;
    }),
  ],
  'seeding/complete': [
    encodeNote(exchange),
    onDisk('seeding/complete', async (disk) => {
      for (const name of ['seeding/database.sqlite', 'packs/00000001.pack', 'packs/00000002.pack']) {
        await disk.write(name, 0, Buffer.from(name));
      }
      await finishSeed(disk);
      return [...disk.files()].map(([name, bytes]) => `${name} ${bytes.toString()}`);
    }),
  ],
  'a vote on the register': [encodeAcceptorState(vote), decodeAcceptorState],
  'votes.json': [encodeVotes(signature, set), decodeVotes],
  "a backup's manifest": [encodeManifest(manifest), (bytes) => decodeManifest(bytes, 'here')],
};

test('flipped bits: notes, votes and manifests: say what they said, or are refused', async () => {
  for (const [kind, [bytes, read]] of Object.entries(notes)) {
    const before = JSON.stringify(await read(Buffer.from(bytes)));
    await flipBits(kind, Buffer.from(bytes), async (changed) => {
      const now = await Promise.resolve(changed).then(read).catch(refused);
      if (now === undefined) return 'detected';
      assert.equal(JSON.stringify(now), before);
      return 'identical';
    });
  }
});

/** By a Problem, or by the schema of a file that is not ours any more. */
function refused(error: unknown): undefined {
  assert.ok(isProblem(error) || (error instanceof Error && error.name.includes('ZodError')), String(error));
}
