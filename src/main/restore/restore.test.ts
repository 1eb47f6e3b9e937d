import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { decodeNote } from '../../base/checked-note.ts';
import { silentLogger } from '../../base/logger.ts';
import { isProblem } from '../../base/problem.ts';
import { SeededRandom } from '../../base/random.ts';
import { CopyFolder } from '../../host/copy-folder.ts';
import { machineClock, yieldTurn } from '../../host/machine.ts';
import { formatLsn } from '../../log/lsn.ts';
import { readFrame } from '../../log/record.ts';
import { FLAG_DELETED, FLAG_FLAGGED, FLAG_SEEN } from '../../mail/flags.ts';
import { UidSet } from '../../mail/uid-set.ts';
import type { BackupFolder } from '../../replication/backup-folder.ts';
import type { BackupManifest, BackupType } from '../../replication/backup-manifest.ts';
import { CopyFiles } from '../../replication/copy-files.ts';
import { CopyParts } from '../../replication/copy-parts.ts';
import { CopyUpkeep } from '../../replication/copy-upkeep.ts';
import { Database } from '../../store/database.ts';
import { digestApplied } from '../../store/digest.ts';
import { encodeFact } from '../../store/facts.ts';
import type { Journal } from '../../store/journal.ts';
import { Packs } from '../../store/packs.ts';
import { Replayer } from '../../store/replay.ts';
import { takeSnapshot } from '../../store/snapshot.ts';
import { StorageGroup } from '../../store/storage-group.ts';
import { MemoryPacks } from '../../store/testing/memory-packs.ts';
import { newDelivery, newMessage } from '../../store/testing/store-world.ts';
import { openBackupFolder } from '../backup-folder.ts';
import { assembleCopy } from './assemble-copy.ts';
import { runRestore } from './restore.ts';
import { parseRestorePoint } from './restore-point.ts';

const FILE_BYTES = 16 * 1024;

/** An active copy by itself on a real disk, with a folder for its backups. */
class World {
  readonly root = mkdtempSync(join(tmpdir(), 'holdfast-backup-'));
  readonly backups = join(this.root, 'backups');
  wallMs = Date.UTC(2026, 10, 22, 12);
  readonly clock = { ...machineClock, wallMs: () => this.wallMs };
  readonly #folder = new CopyFolder(join(this.root, 'copy'), takeSnapshot);
  readonly files: CopyFiles;
  readonly upkeep: CopyUpkeep;
  #store: StorageGroup | undefined;

  constructor(context: TestContext, circularLogging = false) {
    const options = {
      circularLogging,
      fileSizeBytes: FILE_BYTES,
      storage: this.#folder,
      clock: this.clock,
      random: new SeededRandom(1),
      logger: silentLogger,
      yieldTurn,
    };
    this.files = new CopyFiles({ ...options, committedLsn: () => this.files.durableLsn });
    this.upkeep = new CopyUpkeep({
      ...options,
      host: 'node1',
      storageGroup: 'First Storage Group',
      files: this.files,
      active: () => ({ committedLsn: this.files.durableLsn, exposedChanges: null }),
      obstacle: () => undefined,
      mounted: () => undefined,
      seed: () => null,
      quarantine: () => ({ messages: 0, tooOld: 0, changes: 0, waiting: 0, aside: 0 }),
    });
    context.after(async () => {
      await this.files.close();
      await this.#folder.close();
      rmSync(this.root, { recursive: true });
    });
  }

  get store(): StorageGroup {
    assert.ok(this.#store);
    return this.#store;
  }

  async start(): Promise<void> {
    await this.files.open();
    await this.startEpoch(1);
    await this.store.createMailbox({ address: 'jo@example.test', displayName: 'Jo', credential: null });
  }

  async startEpoch(epoch: number): Promise<void> {
    await this.files.returnToCommitted();
    const { log } = this.files;
    const started = { epoch, previousEndLsn: log.endLsn, previousChain: log.chain, host: 'node1' };
    const fact = { type: 'EpochStarted', ...started, incarnation: 1, timeMs: this.wallMs, uidJump: 0 } as const;
    const { kind, payload } = encodeFact(fact);
    this.files.startEpoch(epoch, kind, payload);
    await this.files.applyAll();
    const journal: Journal = {
      admit: (bytes) => this.files.log.admit(bytes),
      nextLsn: () => this.files.log.endLsn + 1,
      append: (recordKind, bytes) => this.files.log.append(recordKind, bytes).lsn,
      committed: (lsn) => this.files.log.durable(lsn),
      mayEnterDatabase: async () => true,
    };
    this.#store = new StorageGroup({
      ...this.files.mount(),
      journal,
      clock: this.clock,
      random: new SeededRandom(epoch),
    });
  }

  /** A little of everything. */
  async work(round: number): Promise<void> {
    const { store } = this;
    const inbox = store.folderByName(1, 'INBOX')?.id ?? 0;
    const folder = await store.createFolder(1, `Work ${round}/2026.${round}`);
    await store.deliver(newDelivery(round, ['jo@example.test'], { acceptedMs: this.wallMs }));
    const text = `long ${round} ${'x'.repeat(5_000)}`;
    await store.append(inbox, [newMessage(text, { flags: FLAG_FLAGGED, keywords: ['$Work'] }), newMessage('other')]);
    const { uids } = await store.append(folder.id, [newMessage(`kept ${round}`, { flags: FLAG_SEEN })]);
    await store.copy(folder.id, UidSet.of(uids), inbox);
    await store.changeFlags(inbox, UidSet.of([store.uids(inbox)[0] ?? 1]), {
      operation: 'add',
      flags: FLAG_DELETED,
      keywords: [],
    });
    await store.expunge(inbox);
    await store.settled();
  }

  async backUp(type: BackupType): Promise<BackupManifest> {
    await this.files.commitMounted(this.store);
    this.wallMs += 1_000;
    return await this.upkeep.backUp(openBackupFolder(this.backups, this.clock), type, () => undefined);
  }

  /** The digest of a replay from zero up to `lsn`. */
  async digestAt(lsn: number): Promise<string> {
    const { log } = this.files;
    await log.durable(log.endLsn);
    const database = new Database({ path: ':memory:', signature: log.signature ?? Buffer.alloc(16) });
    const replayer = new Replayer({ database, packs: new Packs(new MemoryPacks()) });
    for await (const item of log.reader.readFile(1)) {
      if (item.type === 'record' && item.lsn <= lsn) replayer.apply(readFrame(item.frame));
    }
    const digest = digestApplied(database).sha256;
    database.close();
    return digest;
  }

  async restore(name: string, until?: string): Promise<{ lsn: number; digest: string }> {
    return await assembleCopy({
      from: this.backups,
      to: join(this.root, name),
      until: until === undefined ? undefined : parseRestorePoint(until),
      onProgress: () => undefined,
    });
  }
}

test('backup: full and incremental: restored, the digest is that of the copy', async (context) => {
  const world = new World(context);
  await world.start();
  await world.work(1);
  const full = await world.backUp('Full');
  assert.equal((await world.restore('first')).digest, await world.digestAt(full.endLsn));
  await world.work(2);
  await world.backUp('Incremental');
  await world.startEpoch(3);
  await world.work(3);
  const last = await world.backUp('Incremental');
  assert.equal(last.endLsn, world.files.endLsn);
  const restored = await world.restore('second');
  assert.deepEqual([restored.lsn, restored.digest], [last.endLsn, await world.digestAt(last.endLsn)]);
});

test('backup: a restored copy: says that it comes from a backup, whatever becomes of it', async (context) => {
  const world = new World(context);
  await world.start();
  await world.work(1);
  const full = await world.backUp('Full');
  await world.restore('there');
  const note = decodeNote(readFileSync(join(world.root, 'there', 'damaged.json')));
  assert.deepEqual([note?.['restored'], note?.['lsn']], [true, full.endLsn]);
});

test('backup: the note of a restored copy rots and the scrub has it written again: it still says where it comes from', async (context) => {
  const world = new World(context);
  await world.start();
  await world.work(1);
  const full = await world.backUp('Full');
  await world.restore('there');
  const root = join(world.root, 'there');
  const { files, parts, close } = await openRestored(root);
  writeFileSync(join(root, 'damaged.json'), 'rot');
  assert.equal(await parts.rewriteNote('damaged.json'), true);
  await close();
  const note = decodeNote(readFileSync(join(root, 'damaged.json')));
  assert.deepEqual([note?.['restored'], note?.['lsn']], [true, full.endLsn]);
  assert.ok(files.isRestored);
  const again = await openRestored(root);
  assert.ok(again.files.isRestored && again.files.isComplete, 'an administrator may let it lead');
  await again.close();
});

async function openRestored(root: string): Promise<{ files: CopyFiles; parts: CopyParts; close: () => Promise<void> }> {
  const storage = new CopyFolder(root, takeSnapshot);
  const files = new CopyFiles({
    circularLogging: false,
    fileSizeBytes: FILE_BYTES,
    storage,
    clock: machineClock,
    random: new SeededRandom(1),
    logger: silentLogger,
    yieldTurn,
    committedLsn: () => 0,
  });
  await files.open();
  const close = async (): Promise<void> => {
    await files.close();
    await storage.close();
  };
  return { files, parts: new CopyParts(files, storage.disk, (step) => step()), close };
}

test('backup: restored to every record of a history: each is the replay up to it', async (context) => {
  const world = new World(context);
  await world.start();
  const full = await world.backUp('Full');
  await world.work(1);
  await world.backUp('Incremental');
  await world.startEpoch(2);
  await world.work(2);
  const last = await world.backUp('Incremental');
  const lsns: number[] = [];
  for await (const item of world.files.log.reader.readFile(1)) if (item.type === 'record') lsns.push(item.lsn);
  const wanted = lsns.filter((lsn) => lsn >= full.startLsn && lsn <= last.endLsn);
  assert.ok(wanted.length > 15);
  for (const lsn of wanted) {
    const restored = await world.restore(`at-${lsn}`, formatLsn(lsn));
    assert.deepEqual([restored.lsn, restored.digest], [lsn, await world.digestAt(lsn)]);
  }
  await assert.rejects(world.restore('beyond', formatLsn(last.endLsn + 1)), { code: 'BackupMissing' });
  await assert.rejects(world.restore('before', formatLsn(full.startLsn - 1)), { code: 'BackupMissing' });
});

test('backup: restored to a time: ends before the first record that is known to be later', async (context) => {
  const world = new World(context);
  await world.start();
  await world.backUp('Full');
  await world.work(1);
  const before = world.files.endLsn;
  const time = new Date(world.wallMs).toISOString();
  world.wallMs += 60_000;
  await world.startEpoch(2);
  await world.work(2);
  await world.backUp('Incremental');
  assert.equal((await world.restore('then', time)).lsn, before);
  await assert.rejects(world.restore('ago', '2026-11-22T11:00:00Z'), { code: 'BackupMissing' });
});

test('backup: one flipped byte in any file: found before anything is restored', async (context) => {
  const world = new World(context);
  await world.start();
  await world.work(1);
  await world.backUp('Full');
  await world.work(2);
  await world.backUp('Incremental');
  const random = new SeededRandom(7);
  const names = readdirSync(world.backups, { recursive: true, encoding: 'utf8' }).map((name) =>
    join(world.backups, name),
  );
  const paths = names.filter((path) => statSync(path).isFile());
  assert.ok(paths.length >= 6);
  for (const path of paths) {
    const good = readFileSync(path);
    const bad = Buffer.from(good);
    const at = random.below(bad.length);
    bad[at] = (bad[at] ?? 0) ^ (1 << random.below(8));
    writeFileSync(path, bad);
    await assert.rejects(world.restore('damaged'), (error) => isProblem(error, 'BackupDamaged'), path);
    assert.ok(!existsSync(join(world.root, 'damaged')));
    writeFileSync(path, good);
  }
  rmSync(paths.find((path) => path.endsWith('.pack')) ?? '');
  await assert.rejects(world.restore('missing'), { code: 'BackupDamaged' });
});

test('backup: killed at any moment: an unfinished backup counts for nothing and harms none', async (context) => {
  const world = new World(context);
  await world.start();
  await world.work(1);
  const full = await world.backUp('Full');
  await world.work(2);
  // What a kill leaves: some of the files, no manifest.
  cpSync(join(world.backups, full.id), join(world.backups, '20261122T130000Z-incremental'), { recursive: true });
  rmSync(join(world.backups, '20261122T130000Z-incremental', 'manifest.json'));
  assert.equal((await world.restore('same')).lsn, full.endLsn);
  const next = await world.backUp('Incremental');
  assert.equal(next.baseId, full.id);
  assert.equal((await world.restore('more')).lsn, next.endLsn);
});

test('backup: a disk that fails in the middle: no backup, nothing left behind', async (context) => {
  const world = new World(context);
  await world.start();
  await world.work(1);
  await world.files.commitMounted(world.store);
  const folder = openBackupFolder(world.backups, world.clock);
  let written = 0;
  const failing: BackupFolder = Object.create(folder, {
    write: {
      value: (...args: Parameters<BackupFolder['write']>) => {
        written += 1;
        return written === 2 ? Promise.reject(new Error('no space')) : folder.write(...args);
      },
    },
    manifests: { value: () => folder.manifests() },
    begin: { value: (type: BackupType) => folder.begin(type) },
    abandon: { value: (id: string) => folder.abandon(id) },
  });
  await assert.rejects(
    world.upkeep.backUp(failing, 'Full', () => undefined),
    /no space/,
  );
  assert.deepEqual(readdirSync(world.backups), []);
  await world.upkeep.backUp(folder, 'Full', () => undefined);
});

test('backup: a damaged message in a pack: the backup says so instead of keeping it', async (context) => {
  const world = new World(context);
  await world.start();
  await world.work(1);
  await world.files.commitMounted(world.store);
  const pack = join(world.root, 'copy', 'packs', '00000001.pack');
  const bytes = readFileSync(pack);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(pack, bytes);
  await assert.rejects(world.backUp('Full'), { code: 'BackupSourceDamaged' });
});

test('backup: incremental without a base, or with circular logging: refused with the reason', async (context) => {
  const world = new World(context);
  await world.start();
  await assert.rejects(world.backUp('Incremental'), { code: 'BackupNotPossible' });
  const circular = new World(context, true);
  await circular.start();
  await circular.backUp('Full');
  await assert.rejects(circular.backUp('Incremental'), { code: 'BackupNotPossible' });
});

test('backup: the log: stays until a backup holds it, then goes; the next increment still fits', async (context) => {
  const world = new World(context);
  await world.start();
  for (let round = 1; round <= 75; round++) await world.work(round);
  const cut = async (): Promise<number> => {
    // The tenth commit is the one with a checkpoint.
    for (let commit = 0; commit < 10; commit++) await world.files.commitMounted(world.store);
    await world.files.truncateLog(world.files.endLsn);
    return world.files.log.firstGeneration;
  };
  assert.ok(world.files.generation > 70, `only ${world.files.generation} files`);
  assert.equal(await cut(), 1);
  const full = await world.backUp('Full');
  await world.upkeep.noteBackup(full);
  assert.ok((await cut()) > 1);
  assert.equal(world.upkeep.facts().backups.latestFullMs, full.takenMs);
  await world.work(76);
  const next = await world.backUp('Incremental');
  assert.equal((await world.restore('all')).lsn, next.endLsn);
});

test('restore: one mailbox: a Maildir with its folders, flags, keywords and bytes', async (context) => {
  const world = new World(context);
  await world.start();
  await world.work(1);
  await world.backUp('Full');
  const to = join(world.root, 'maildir');
  const lines: string[] = [];
  const words = ['--from', world.backups, '--to', to, '--mailbox', 'JO@example.test'];
  await runRestore(words, (line) => lines.push(line));
  const inbox = readdirSync(join(to, 'cur')).sort();
  assert.equal(inbox.length, 3);
  assert.match(inbox[0] ?? '', /:2,Fa$/);
  assert.equal(readFileSync(join(to, 'dovecot-keywords'), 'utf8'), '0 $Work\n');
  assert.match(readFileSync(join(to, 'cur', inbox[0] ?? ''), 'latin1'), /^From: a@example.test\r\nSubject: long 1/);
  assert.ok(existsSync(join(to, '.Work 1.2026&AC4-1', 'cur')));
  assert.match(readFileSync(join(to, 'subscriptions'), 'utf8'), /^INBOX$/m);
  assert.match(lines.at(-1) ?? '', /4 messages/);
  assert.deepEqual(readdirSync(world.root).sort(), ['backups', 'copy', 'maildir']);
  await assert.rejects(
    runRestore(words, () => undefined),
    { code: 'FolderNotEmpty' },
  );
  const other = ['--from', world.backups, '--to', `${to}2`, '--mailbox', 'nobody@example.test'];
  await assert.rejects(
    runRestore(other, () => undefined),
    { code: 'MailboxNotFound' },
  );
});

test('restore: the folder that the backup command was given: leads to the backups in it', async (context) => {
  const world = new World(context);
  await world.start();
  await world.backUp('Full');
  const above = world.root;
  await runRestore(['--from', above, '--to', join(world.root, 'restored')], () => undefined);
  cpSync(world.backups, join(above, 'another'), { recursive: true });
  const again = runRestore(['--from', above, '--to', join(world.root, 'again')], () => undefined);
  await assert.rejects(again, { code: 'BackupAmbiguous' });
});

test('restore: the command line: wrong words are refused', async () => {
  await assert.rejects(
    runRestore([], () => undefined),
    { code: 'ArgumentInvalid' },
  );
  await assert.rejects(
    runRestore(['--from', 'x', '--to', 'y', '--wat'], () => undefined),
    { code: 'ArgumentInvalid' },
  );
  for (const text of ['yesterday', '2026-11-22', '0', '9999999:1', '-1', '1:']) {
    assert.throws(() => parseRestorePoint(text), { code: 'ArgumentInvalid' }, text);
  }
});
