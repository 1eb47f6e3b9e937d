/**
 * The machine stops at every step of a full backup and of an incremental one, while mail comes in, and comes up with
 * legal remainders of what was not synced, of the backups' folder and of the copy's own files. However it comes up: a
 * backup that has a manifest is whole and restores exactly what it claims, one without counts for nothing and is in
 * nobody's way, and every message that was acknowledged is in the copy.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { present } from '../../src/base/assert.ts';
import { readFrame } from '../../src/log/record.ts';
import { openWorld } from '../../src/log/testing/log-story.ts';
import { MemoryDisk } from '../../src/log/testing/memory-disk.ts';
import { assembleCopy } from '../../src/main/restore/assemble-copy.ts';
import { takeBackup } from '../../src/replication/backup.ts';
import { BackupFolder } from '../../src/replication/backup-folder.ts';
import { type BackupManifest, type BackupType, chainTo, planRestore } from '../../src/replication/backup-manifest.ts';
import { Database } from '../../src/store/database.ts';
import { digestApplied } from '../../src/store/digest.ts';
import { Packs } from '../../src/store/packs.ts';
import { Replayer } from '../../src/store/replay.ts';
import { MemoryPacks } from '../../src/store/testing/memory-packs.ts';
import { assertServes, beginWork } from '../support/acknowledged-mail.ts';
import { StopEverywhere } from '../support/stop-everywhere.ts';
import { StorageOnMemoryDisk } from '../support/storage-on-memory-disk.ts';

const STATES_PER_STOP = 120;
const LEAST_STATES = 2_000;
const BACKUPS = 'backups';
const TAKEN_MS = Date.UTC(2026, 10, 22, 12);

const stops = new StopEverywhere(STATES_PER_STOP);
const restored = new Map<string, string>();

after(() => {
  console.log(`backup: ${stops.states} different crash states, ${restored.size} different backups restored`);
  assert.ok(stops.states >= LEAST_STATES, `only ${stops.states} crash states`);
  assert.ok(restored.size >= 2, 'a full backup and an incremental one were restored');
});

const backupsOn = (disk: MemoryDisk, minute = 0): BackupFolder =>
  new BackupFolder(disk, BACKUPS, { wallMs: () => TAKEN_MS + minute * 60_000 });

async function backUp(disk: MemoryDisk, storage: StorageOnMemoryDisk, type: BackupType, minute: number) {
  const { log } = storage;
  const source = {
    host: 'node1',
    storageGroup: 'First Storage Group',
    signature: storage.signature,
    reader: log.reader,
    firstGeneration: log.firstGeneration,
    firstReadableLsn: log.firstReadableLsn,
    circularLogging: false,
    committedLsn: () => Math.min(log.durableLsn, storage.database.appliedLsn),
    takeSnapshot: () => storage.takeSnapshot(),
    wallMs: () => TAKEN_MS + minute * 60_000,
    onProgress: () => undefined,
  };
  return await takeBackup(source, backupsOn(disk, minute), type);
}

/** What was said to be finished, of the run that the state comes from. */
let finished: string[] = [];

async function fullAndIncremental(disk: MemoryDisk, promised: { lsn: number; count: number }): Promise<void> {
  const { storage, work } = await beginWork(disk, promised);
  storage.keptLsn = 0;
  await work.deliver(4);
  await storage.commit(true);
  const take = async (type: BackupType, minute: number): Promise<void> => {
    finished.push((await backUp(disk, storage, type, minute)).id);
  };
  await Promise.all([take('Full', 1), work.deliver(3)]);
  await storage.commit(false);
  await work.deliver(1);
  await Promise.all([take('Incremental', 2), work.deliver(2)]);
  await storage.commit(true);
}

test('crash: backups while mail comes in: each is whole or counts for nothing, and the copy is unharmed, at every stop', async (context) => {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-backup-states-'));
  context.after(() => rmSync(root, { recursive: true }));
  const whole = new MemoryDisk();
  await fullAndIncremental(whole, { lsn: 0, count: 0 });
  await stops.run({
    begin: () => {
      finished = [];
      return new MemoryDisk();
    },
    run: fullAndIncremental,
    check: async (state, promised, label) => {
      const manifests = await assertFinishedOnesAreWhole(state, label);
      await assertRestores(state, manifests, whole, root);
      await assertUnfinishedOnesAreInNobodysWay(state, label);
      await assertServes(state, promised, label);
    },
  });
});

async function assertFinishedOnesAreWhole(state: MemoryDisk, label: string): Promise<readonly BackupManifest[]> {
  const folder = backupsOn(state);
  const manifests = await folder.manifests();
  const ids = manifests.map(({ id }) => id);
  for (const id of finished) assert.ok(ids.includes(id), `${label}: ${id} was finished`);
  for (const manifest of manifests) {
    for (const file of manifest.files) await folder.check(manifest.id, file);
    assert.ok(chainTo(manifest, manifests) !== undefined, `${label}: ${manifest.id} has what it continues`);
  }
  if (manifests.length === 0) assert.throws(() => planRestore(manifests), { code: 'BackupMissing' }, label);
  return manifests;
}

/** Once for each set of backups: their files are what the manifests say. */
async function assertRestores(
  state: MemoryDisk,
  manifests: readonly BackupManifest[],
  whole: MemoryDisk,
  root: string,
): Promise<void> {
  const last = manifests.at(-1);
  const key = JSON.stringify(manifests);
  if (last === undefined || restored.has(key)) return;
  const folder = join(root, `${restored.size}`);
  restored.set(key, last.id);
  for (const { name, bytes } of state.views()) {
    if (!name.startsWith(`${BACKUPS}/`)) continue;
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  const options = { from: join(folder, BACKUPS), to: join(folder, 'copy'), onProgress: () => undefined };
  const { lsn, digest } = await assembleCopy(options);
  assert.deepEqual([lsn, digest], [last.endLsn, await digestAt(whole, last.endLsn)], last.id);
}

/** Of a replay from zero, of a run that nothing has stopped. */
async function digestAt(whole: MemoryDisk, lsn: number): Promise<string> {
  const { log } = await openWorld(new MemoryDisk(whole.files()));
  const signature = present(log.signature, 'The log has begun');
  const database = new Database({ path: ':memory:', signature });
  const replayer = new Replayer({ database, packs: new Packs(new MemoryPacks()) });
  for await (const item of log.reader.readFile(log.firstGeneration)) {
    if (item.type === 'record' && item.lsn <= lsn) replayer.apply(readFrame(item.frame));
  }
  const { sha256 } = digestApplied(database);
  database.close();
  await log.close();
  return sha256;
}

const continued = new Set<string>();

/** The next backup is taken into the same folder, in the same second as the one that was broken off. */
async function assertUnfinishedOnesAreInNobodysWay(state: MemoryDisk, label: string): Promise<void> {
  const names = [...state.views()].map(({ name }) => name).filter((name) => name.startsWith(`${BACKUPS}/`));
  const key = names.sort().join(' ');
  if (names.length === 0 || continued.has(key)) return;
  continued.add(key);
  const disk = new MemoryDisk(state.files());
  const storage = await StorageOnMemoryDisk.open(disk, 5, 0);
  await storage.replay();
  const before = await backupsOn(disk).manifests();
  const types: BackupType[] = before.length === 0 ? ['Full'] : ['Full', 'Incremental'];
  for (const type of types) {
    const { id, files } = await backUp(disk, storage, type, type === 'Full' ? 1 : 2);
    assert.ok(!before.some((manifest) => manifest.id === id), label);
    for (const file of files) await backupsOn(disk).check(id, file);
  }
  await storage.close();
}
