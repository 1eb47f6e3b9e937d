import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { crc32 } from '../base/checksum.ts';
import { silentLogger } from '../base/logger.ts';
import type { Channel } from '../base/network.ts';
import { MemoryNetwork } from '../base/testing/memory-network.ts';
import { copyEndpoint, decodeHello } from '../directory/copy-protocol.ts';
import { CopyFolder } from '../host/copy-folder.ts';
import { machineClock, machineRandom, yieldTurn } from '../host/machine.ts';
import { CopyFiles } from '../replication/copy-files.ts';
import { CopyHosts } from '../replication/copy-hosts.ts';
import { CopyParts } from '../replication/copy-parts.ts';
import { enableRowSums } from '../store/row-sum.ts';
import { takeSnapshot } from '../store/snapshot.ts';
import { REPAIR_SERVICE } from './body-repair.ts';
import { CopyMaintenance } from './copy-maintenance.ts';
import { makeCopy } from './eseutil/testing/copy-fixture.ts';

const GROUP = 'First Storage Group';
const copies = ['node1', 'node2'];

interface Pair {
  readonly roots: readonly [string, string];
  readonly one: CopyMaintenance;
  /** The first copy, open. */
  readonly files: CopyFiles;
  /** What was told of the first copy's database. */
  readonly databaseDamage: readonly string[];
}

async function openFiles(root: string): Promise<CopyFiles> {
  const files = new CopyFiles({
    circularLogging: false,
    storage: new CopyFolder(root, takeSnapshot),
    clock: machineClock,
    random: machineRandom,
    logger: silentLogger,
    yieldTurn,
    committedLsn: () => 0,
  });
  await files.open();
  return files;
}

/** Two equal copies that can reach each other. */
async function withPair(story: (pair: Pair) => Promise<void>): Promise<void> {
  const copy = await makeCopy({ messages: 30, fileSizeBytes: 16 * 1024 });
  const twin = join(dirname(copy.root), 'twin');
  cpSync(copy.root, twin, { recursive: true });
  const files = await openFiles(copy.root);
  const parts = new CopyParts(files, new CopyFolder(copy.root, takeSnapshot).disk, (step) => step());
  const network = new MemoryNetwork();
  const databaseDamage: string[] = [];
  const [one, two] = copies.map((host, index) => {
    const maintenance = new CopyMaintenance({
      root: index === 0 ? copy.root : twin,
      host,
      storageGroup: GROUP,
      copies: new CopyHosts(host, copies),
      network: network.host(host),
      clock: machineClock,
      logger: silentLogger,
      state: () => ({ endLsn: 1, isActive: index === 0 }),
      inTurn: () => Promise.reject(new Error('Nobody has it open')),
      parts,
      onDatabaseDamaged: (what) => databaseDamage.push(what),
      limits: { repairRetryMs: 20, scrubBytesPerSecond: 1024 * 1024 * 1024 },
    });
    network.host(host).listen(copyEndpoint(host, GROUP), (channel: Channel) =>
      channel.onFrame((frame) => {
        assert.equal(decodeHello(frame).service, REPAIR_SERVICE);
        maintenance.accept(channel);
      }),
    );
    return maintenance;
  });
  assert.ok(one !== undefined && two !== undefined);
  try {
    await story({ roots: [copy.root, twin], one, files, databaseDamage });
  } finally {
    await one.stop();
    await two.stop();
    await files.close();
    copy.remove();
  }
}

function placeOf(root: string, bodyId: number): number {
  const connection = new DatabaseSync(join(root, 'database.sqlite'));
  try {
    return Number(connection.prepare('SELECT position FROM body WHERE id = ?').get(bodyId)?.['position']);
  } finally {
    connection.close();
  }
}

function damage(root: string, position: number): void {
  const path = join(root, 'packs', '00000001.pack');
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(position) ^ 1, position);
  writeFileSync(path, bytes);
}

async function until(isSo: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 500 && !isSo(); attempt++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(isSo());
}

const packOf = (root: string): Buffer => readFileSync(join(root, 'packs', '00000001.pack'));

test('maintenance: a read finds a body damaged: it is fetched from the other copy and written back in place', () =>
  withPair(async ({ roots, one }) => {
    damage(roots[0], placeOf(roots[0], 7) + 30);
    one.bodyDamaged(7);
    assert.equal(one.report().damage.length, 1);
    await until(() => one.report().damage.length === 0);
    assert.equal(one.report().repairedBodies, 1);
    assert.deepEqual(packOf(roots[0]), packOf(roots[1]));
  }));

test('maintenance: the same body is damaged on both copies: nothing is written, it is told and tried again', () =>
  withPair(async ({ roots, one }) => {
    const position = placeOf(roots[0], 7) + 30;
    for (const root of roots) damage(root, position);
    const before = packOf(roots[0]);
    one.bodyDamaged(7);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.match(one.report().damage[0] ?? '', /message body 7/);
    assert.deepEqual(packOf(roots[0]), before);
    damage(roots[1], position);
    await until(() => one.report().damage.length === 0);
    assert.deepEqual(packOf(roots[0]), packOf(roots[1]));
  }));

test('maintenance: the scrub: finds rot that nobody has read, and has it mended', () =>
  withPair(async ({ roots, one }) => {
    assert.deepEqual((await one.scrub()).findings, []);
    for (const bodyId of [3, 20]) damage(roots[0], placeOf(roots[0], bodyId) + 5);
    const pass = await one.scrub();
    assert.deepEqual(
      pass.findings.map(({ bodyId }) => bodyId),
      [3, 20],
    );
    assert.equal(pass.bodies, 30);
    await until(() => one.report().repairedBodies === 2);
    assert.deepEqual((await one.scrub()).findings, []);
    assert.deepEqual(packOf(roots[0]), packOf(roots[1]));
  }));

test('maintenance: the scrub: tells of a damaged page in the database, also where bodies cannot be listed any more', () =>
  withPair(async ({ roots, one, databaseDamage }) => {
    const connection = new DatabaseSync(join(roots[0], 'database.sqlite'));
    connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    const row = connection.prepare("SELECT rootpage AS page FROM sqlite_schema WHERE name = 'body'").get();
    connection.close();
    const path = join(roots[0], 'database.sqlite');
    const bytes = readFileSync(path);
    bytes.fill(0x55, (Number(row?.['page']) - 1) * 4096, Number(row?.['page']) * 4096);
    writeFileSync(path, bytes);
    const { findings } = await one.scrub();
    assert.ok(findings.length > 0);
    assert.match(databaseDamage[0] ?? '', /^database\.sqlite, bytes/);
    one.partMended();
    assert.deepEqual(one.report().damage, []);
  }));

test('maintenance: comparison: equal copies are Equal; one changed flag is found and its folder named', () =>
  withPair(async ({ roots, one }) => {
    const equal = await one.compare();
    assert.deepEqual(
      equal.map(({ host, result, differentFolders }) => ({ host, result, differentFolders })),
      [{ host: 'node2', result: 'Equal', differentFolders: [] }],
    );
    const connection = new DatabaseSync(join(roots[1], 'database.sqlite'));
    enableRowSums(connection);
    connection.exec('UPDATE message SET flags = 1 WHERE uid = 9');
    connection.close();
    const different = await one.compare();
    assert.deepEqual(
      different.map(({ result, differentFolders }) => ({ result, differentFolders })),
      [{ result: 'Different', differentFolders: [1] }],
    );
    assert.equal(one.report().comparisons, different);
  }));

/** Names and checksums of the closed files. */
const logOf = (root: string): readonly (readonly [string, number])[] =>
  readdirSync(join(root, 'log'))
    .filter((name) => /^E00[0-9a-f]{8}\.log$/.test(name))
    .sort()
    .map((name) => [name, crc32(readFileSync(join(root, 'log', name)))]);

const logFile = (root: string, generation: number): string => join(root, 'log', `E000000000${generation}.log`);

const logDamages: readonly (readonly [what: string, damage: (root: string) => void])[] = [
  ['one bit turned over', (root) => flip(logFile(root, 2), 5_000)],
  ['its header is zeros', (root) => zero(logFile(root, 1), 4_096)],
  ['it is cut off', (root) => truncateSync(logFile(root, 3), 9_000)],
  ['it is missing', (root) => rmSync(logFile(root, 2))],
  ['two change places', (root) => swap(logFile(root, 1), logFile(root, 3))],
  ['an older one lies in its place', (root) => cpSync(logFile(root, 1), logFile(root, 2))],
];

function flip(path: string, position: number): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(position) ^ 1, position);
  writeFileSync(path, bytes);
}

function zero(path: string, length: number): void {
  writeFileSync(path, readFileSync(path).fill(0, 0, length));
}

function swap(one: string, other: string): void {
  renameSync(one, `${one}.aside`);
  renameSync(other, one);
  renameSync(`${one}.aside`, other);
}

for (const [what, damageLog] of logDamages) {
  test(`maintenance: the scrub: a closed log file, ${what}: it is taken from the other copy while this one goes on`, () =>
    withPair(async ({ roots, one }) => {
      damageLog(roots[0]);
      const { findings } = await one.scrub();
      assert.ok(findings.length > 0 && findings.every(({ file }) => file.startsWith('log/')), JSON.stringify(findings));
      await until(() => one.report().damage.length === 0);
      assert.deepEqual(logOf(roots[0]), logOf(roots[1]));
      assert.deepEqual((await one.scrub()).findings, []);
    }));
}

test('maintenance: a closed log file is damaged on both copies: nothing is written, it is told and tried again', () =>
  withPair(async ({ roots, one }) => {
    for (const root of roots) flip(logFile(root, 2), 5_000);
    const before = logOf(roots[0]);
    await one.scrub();
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.match(one.report().damage[0] ?? '', /^log\/E0000000002\.log, bytes/);
    assert.deepEqual(logOf(roots[0]), before);
    flip(logFile(roots[1], 2), 5_000);
    await until(() => one.report().damage.length === 0);
    assert.deepEqual(logOf(roots[0]), logOf(roots[1]));
  }));

test('maintenance: a damaged log file that nobody needs any more: is no damage once it is gone', () =>
  withPair(async ({ roots, one, files }) => {
    for (const root of roots) flip(logFile(root, 1), 5_000);
    await one.scrub();
    assert.equal(one.report().damage.length, 1);
    const second = files.log.closedFiles[1];
    await files.log.removeBelow(second?.lastLsn ?? 0);
    await until(() => one.report().damage.length === 0);
    assert.deepEqual(
      logOf(roots[0]).map(([name]) => name),
      logOf(roots[1])
        .slice(2)
        .map(([name]) => name),
    );
  }));

test('maintenance: the scrub: a damaged note is written again from what the open copy knows', () =>
  withPair(async ({ roots, one, files }) => {
    await files.epochs.use(7);
    await files.backups.taken({ type: 'Full', takenMs: 5, endLsn: 9 });
    const notes = ['epoch.json', 'backup.json'].map((name) => join(roots[0], name));
    const before = notes.map((path) => readFileSync(path, 'utf8'));
    for (const path of notes) flip(path, 3);
    const { findings } = await one.scrub();
    assert.deepEqual(findings.map(({ file }) => file).sort(), ['backup.json', 'epoch.json']);
    await until(() => one.report().damage.length === 0);
    assert.deepEqual(
      notes.map((path) => readFileSync(path, 'utf8')),
      before,
    );
  }));

test('maintenance: a pack that is not there any more: what is in it cannot be put back, so the copy is made anew', () =>
  withPair(async ({ roots, one, databaseDamage }) => {
    rmSync(join(roots[0], 'packs', '00000001.pack'));
    one.bodyDamaged(7);
    await until(() => databaseDamage.length > 0);
    assert.match(databaseDamage[0] ?? '', /message body 7.*Cannot repair message body 7 in packs\/00000001\.pack/);
  }));
