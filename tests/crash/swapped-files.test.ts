/**
 * A file of another storage group lies in a copy's folder, on the real disk: put back from the wrong backup, or by a
 * hand that slipped. Nothing of it is given out, and what is wrong is named: when the copy is opened, or by who reads it.
 */
import assert from 'node:assert/strict';
import { copyFileSync, cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { type Logger, silentLogger } from '../../src/base/logger.ts';
import { isProblem, messageOf } from '../../src/base/problem.ts';
import { CopyFolder } from '../../src/host/copy-folder.ts';
import { machineClock, machineRandom, yieldTurn } from '../../src/host/machine.ts';
import { verify } from '../../src/main/eseutil/checks.ts';
import { Progress } from '../../src/main/eseutil/progress.ts';
import { makeCopy } from '../../src/main/eseutil/testing/copy-fixture.ts';
import { CopyFiles, type Store } from '../../src/replication/copy-files.ts';
import { Queries } from '../../src/store/queries.ts';
import { enableRowSums } from '../../src/store/row-sum.ts';
import { takeSnapshot } from '../../src/store/snapshot.ts';

const DATABASE = 'database.sqlite';
const MESSAGES = 40;
const FILE_BYTES = 16 * 1024;

// Of the second one each body is longer, so no file of the two is the same by chance.
const ours = await makeCopy({ messages: MESSAGES, messageBytes: 1_000, uncommitted: 2, fileSizeBytes: FILE_BYTES });
const theirs = await makeCopy({ messages: MESSAGES, messageBytes: 1_100, uncommitted: 2, fileSizeBytes: FILE_BYTES });
const folder = mkdtempSync(join(tmpdir(), 'holdfast-swapped-'));

after(() => {
  ours.remove();
  theirs.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Our copy, with their files of these names. */
function withTheirs(...names: readonly string[]): string {
  const root = join(folder, 'copy');
  rmSync(root, { recursive: true, force: true });
  cpSync(ours.root, root, { recursive: true });
  for (const name of names) {
    assert.ok(existsSync(join(theirs.root, name)), name);
    copyFileSync(join(theirs.root, name), join(root, name));
  }
  return root;
}

interface Opened {
  /** What was logged and thrown. */
  readonly told: string;
  /** Bodies that were given out. */
  readonly bodies: readonly string[];
}

async function openAndRead(root: string): Promise<Opened> {
  const told: string[] = [];
  const error = (fields: object, event: string): void => void told.push(`${event} ${JSON.stringify(fields)}`);
  const logger: Logger = { ...silentLogger, error };
  const storage = new CopyFolder(root, takeSnapshot);
  const files = new CopyFiles({
    circularLogging: true,
    storage,
    clock: machineClock,
    random: machineRandom,
    logger,
    yieldTurn,
    committedLsn: () => 0,
  });
  const bodies: string[] = [];
  try {
    await files.open();
    await files.applyAll();
    readAll(files.mount(), bodies, told);
  } catch (error) {
    assert.ok(isProblem(error), String(error));
    told.push(messageOf(error));
  }
  await files.close().catch(() => undefined); // it did not open whole
  await storage.close();
  return { told: told.join('\n'), bodies };
}

function readAll({ database, packs }: Store, bodies: string[], told: string[]): void {
  const queries = new Queries(database);
  const folders = queries.mailboxes().flatMap(({ id }) => queries.folders(id));
  for (const row of folders.flatMap(({ id }) => queries.messages(id, 1, 1_000, 1_000))) {
    const place = queries.bodyPlace(row.bodyId);
    assert.ok(place !== undefined);
    try {
      bodies.push(packs.read(place).toString('latin1'));
    } catch (error) {
      assert.ok(isProblem(error, 'BodyDamaged'), String(error));
      told.push(error.message);
    }
  }
}

const whole = await openAndRead(withTheirs());

async function findings(root: string): Promise<readonly string[]> {
  const found = await verify(root, () => undefined, new Progress(() => undefined));
  return found.map(({ file, what }) => `${file}: ${what}`);
}

test('files of another storage group: the write-ahead file of their database: is named, nothing of it is given out', async () => {
  const connection = new DatabaseSync(join(theirs.root, DATABASE));
  enableRowSums(connection);
  connection.exec("UPDATE meta SET value = value + 1 WHERE name = 'nextBodyId'");
  const root = withTheirs(`${DATABASE}-wal`);
  connection.close();
  const opened = await openAndRead(root);
  assert.match(opened.told, /it belongs to another log stream/);
  assert.deepEqual(opened.bodies, []);
});

test('files of another storage group: none: everything is there, nothing is found', async () => {
  assert.equal(whole.bodies.length, MESSAGES + 2);
  assert.equal(whole.told, '');
  assert.deepEqual(await findings(withTheirs()), []);
});

/** Which files of theirs, and what is said of them when the copy is opened and read, and when it is verified. */
const stories: readonly (readonly [names: readonly string[], told: RegExp, found: RegExp])[] = [
  [['log/E0000000001.log'], /E0000000001\.log|E0000000002\.log/, /E000000000[12]\.log/],
  [['log/E0000000003.log'], /E000000000[34]\.log/, /E000000000[34]\.log/],
  [['log/E00.log'], /E00\.log/, /E00\.log/],
  [['packs/00000001.pack'], /pack 1 is damaged/, /packs\/00000001\.pack/],
  [[DATABASE], /it belongs to another log stream/, /database\.sqlite: it belongs to another log stream/],
];

for (const [names, told, found] of stories) {
  test(`files of another storage group: ${names.join(', ')}: is named, and nothing of it is given out`, async () => {
    const root = withTheirs(...names);
    const verified = await findings(root);
    assert.ok(verified.length > 0);
    assert.match(verified.join('\n'), found);
    const opened = await openAndRead(root);
    assert.match(opened.told, told);
    for (const body of opened.bodies) assert.ok(whole.bodies.includes(body));
  });
}
