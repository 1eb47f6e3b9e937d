import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { finishRebuild } from '../host/rebuilt-files.ts';
import type { Finding } from '../store/maintenance/finding.ts';
import { enableRowSums } from '../store/row-sum.ts';
import { checkIntegrity, verify } from './eseutil/checks.ts';
import { dumpHeader, dumpLog, dumpSpace } from './eseutil/dumps.ts';
import { defragmentCopy, repairCopy, softRecovery } from './eseutil/offline.ts';
import { Progress } from './eseutil/progress.ts';
import { type CopyFixture, type FixtureOptions, makeCopy } from './eseutil/testing/copy-fixture.ts';
import { lockFolder } from './folder-lock.ts';

const main = new URL('../main.ts', import.meta.url).pathname;
const quiet = new Progress(() => undefined);

async function withCopy(options: FixtureOptions, story: (copy: CopyFixture) => Promise<void>): Promise<void> {
  const copy = await makeCopy(options);
  try {
    await story(copy);
  } finally {
    copy.remove();
  }
}

/** What a mode printed, and what it found. */
async function run(
  mode: (out: { print: (line: string) => void; progress: Progress }) => Promise<readonly Finding[]>,
): Promise<{ text: string; findings: readonly Finding[] }> {
  const lines: string[] = [];
  const findings = await mode({ print: (line) => lines.push(line), progress: quiet });
  return { text: lines.join('\n'), findings };
}

const check = (path: string) => run(({ print, progress }) => verify(path, print, progress));
const integrity = (path: string) => run(({ print, progress }) => checkIntegrity(path, print, progress));

function flip(path: string, position: number, length = 1): void {
  const bytes = readFileSync(path);
  for (let at = position; at < position + length; at++) bytes.writeUInt8(bytes.readUInt8(at) ^ 0x55, at);
  writeFileSync(path, bytes);
}

function query(root: string, sql: string): readonly unknown[] {
  const connection = new DatabaseSync(join(root, 'database.sqlite'));
  try {
    return connection
      .prepare(sql)
      .all()
      .map((row) => Object.values(row)[0]);
  } finally {
    connection.close();
  }
}

const count = (root: string): unknown => query(root, 'SELECT count(*) FROM message')[0];

test('eseutil: a whole copy: every dump and check passes', () =>
  withCopy({ messages: 60, expungeEvery: 5 }, async ({ root }) => {
    assert.match((await run(({ print }) => dumpHeader(root, print))).text, /State: +Clean Shutdown/);
    const log = await run(({ print, progress }) => dumpLog(join(root, 'log'), print, progress));
    assert.match(log.text, /E0000000001\.log/);
    assert.match(log.text, /No damaged log files were found\./);
    const file = await run(({ print, progress }) => dumpLog(join(root, 'log', 'E0000000001.log'), print, progress));
    assert.match(file.text, /MessagesAppended: +\d+ records/);
    assert.match((await run(({ print }) => dumpSpace(root, print))).text, /00000001\.pack +48 /);
    const whole = await check(root);
    assert.deepEqual(whole.findings, []);
    assert.match(whole.text, /48 message bodies/);
    assert.match((await integrity(root)).text, /Integrity check successful\./);
  }));

test('eseutil /k: one flipped bit in a pack: names the file, the range and the body', () =>
  withCopy({ messages: 20 }, async ({ root }) => {
    const [position] = query(root, 'SELECT position FROM body WHERE id = 7') as number[];
    const [size] = query(root, 'SELECT size_bytes FROM body WHERE id = 7') as number[];
    assert.ok(position !== undefined && size !== undefined);
    flip(join(root, 'packs', '00000001.pack'), position + 30);
    const expected = { file: 'packs/00000001.pack', fromByte: position, toByte: position + 20 + size };
    for (const path of [root, join(root, 'packs'), join(root, 'packs', '00000001.pack')]) {
      const { findings } = await check(path);
      assert.deepEqual(
        findings.map(({ file, fromByte, toByte, bodyId }) => ({ file, fromByte, toByte, bodyId })),
        [{ ...expected, bodyId: 7 }],
      );
    }
    rmSync(join(root, 'database.sqlite'));
    const alone = (await check(join(root, 'packs'))).findings;
    assert.deepEqual(
      alone.map(({ file, fromByte, toByte }) => ({ file, fromByte, toByte })),
      [expected],
    );
  }));

test('eseutil /k and /ml: damaged, missing and swapped log files: are named', () =>
  withCopy({ messages: 200 }, async ({ root }) => {
    const log = join(root, 'log');
    flip(join(log, 'E0000000002.log'), 9_000);
    const damaged = (await check(log)).findings;
    assert.equal(damaged[0]?.file, 'log/E0000000002.log');
    assert.ok(damaged[0].fromByte <= 9_000 && damaged[0].toByte > 9_000, JSON.stringify(damaged));
    flip(join(log, 'E0000000002.log'), 9_000);
    assert.deepEqual((await check(log)).findings, []);
    renameSync(join(log, 'E0000000003.log'), join(root, 'aside'));
    assert.deepEqual(
      (await check(root)).findings.map(({ file }) => file),
      ['log/E0000000003.log'],
    );
    renameSync(join(root, 'aside'), join(log, 'E0000000003.log'));
    truncateSync(join(log, 'E0000000001.log'), 10_000);
    assert.deepEqual(
      (await check(join(log, 'E0000000001.log'))).findings.map(({ file }) => file),
      ['log/E0000000001.log'],
    );
  }));

test('eseutil /g: rows that do not agree: are told', () =>
  withCopy({ messages: 5 }, async ({ root }) => {
    const connection = new DatabaseSync(join(root, 'database.sqlite'));
    enableRowSums(connection);
    connection.exec('UPDATE folder SET message_count = 4; DELETE FROM body WHERE id = 3');
    connection.close();
    const what = (await integrity(root)).findings.map((finding) => finding.what).join('\n');
    assert.match(what, /folder 1 counts 4 messages/);
    assert.match(what, /refers to body 3, which is not there/);
    assert.match(what, /pack 1 counts 5 bodies; it has 4/);
  }));

test('eseutil /g, /k and /p: a bit of a row turned over: is named; repaired, the message is there and the row is listed', () =>
  withCopy({ messages: 5 }, async ({ root }) => {
    query(root, 'PRAGMA wal_checkpoint(TRUNCATE)');
    const path = join(root, 'database.sqlite');
    const [date = 0] = query(root, 'SELECT internal_date_ms FROM message WHERE uid = 3') as number[];
    const wanted = Buffer.alloc(8);
    wanted.writeBigInt64BE(BigInt(date));
    const at = readFileSync(path).indexOf(wanted.subarray(2));
    assert.ok(at > 0);
    flip(path, at + 3);
    for (const { findings } of [await integrity(root), await check(root)]) {
      assert.equal(findings.length, 1);
      assert.match(findings[0]?.what ?? '', /message \(folder 1, uid \d\) does not agree with its checksum/);
    }
    const { text } = await run((out) => repairCopy(root, out));
    assert.match(text, /message \(folder 1, uid \d\) does not agree with its checksum, and is kept/);
    assert.equal(count(root), 5);
    assert.deepEqual((await integrity(root)).findings, []);
  }));

test('eseutil /r: records that only the log has: are in the database after, and a second run finds nothing', () =>
  withCopy({ messages: 10, uncommitted: 30 }, async ({ root }) => {
    assert.match((await run(({ print }) => dumpHeader(root, print))).text, /Dirty Shutdown/);
    assert.equal(count(root), 10);
    const proven = await run((out) => softRecovery(root, { all: false }, out));
    // The last record's success is told by no later record.
    assert.match(proven.text, /Replayed 29 records/);
    assert.match(proven.text, /stay in the log/);
    assert.equal(count(root), 39);
    assert.match((await run((out) => softRecovery(root, { all: true }, out))).text, /Replayed 1 records/);
    assert.match((await run((out) => softRecovery(root, { all: true }, out))).text, /Replayed 0 records/);
    assert.match((await run(({ print }) => dumpHeader(root, print))).text, /State: +Clean Shutdown/);
    assert.deepEqual((await check(root)).findings, []);
    assert.deepEqual((await integrity(root)).findings, []);
  }));

test('eseutil /d: deleted mail: its space is given back, everything else stays', () =>
  withCopy({ messages: 200, expungeEvery: 2, uncommitted: 3 }, async ({ root }) => {
    const before = readFileSync(join(root, 'packs', '00000001.pack')).length;
    const rows = query(root, "SELECT group_concat(uid || ':' || crc32) FROM message m JOIN body b ON b.id = m.body");
    await run((out) => defragmentCopy(root, out));
    const after = readFileSync(join(root, 'packs', '00000001.pack')).length;
    assert.ok(after < before * 0.55, `${after} of ${before}`);
    assert.deepEqual(
      query(root, "SELECT group_concat(uid || ':' || crc32) FROM message m JOIN body b ON b.id = m.body"),
      rows,
    );
    await run((out) => softRecovery(root, { all: true }, out));
    assert.equal(count(root), 103);
    assert.deepEqual((await check(root)).findings, []);
    assert.deepEqual((await integrity(root)).findings, []);
  }));

test('eseutil /d and /p: deleted items that can be got back: stay, with their bodies', () =>
  withCopy({ messages: 30, expungeEvery: 3, keepsDeletedItems: true }, async ({ root }) => {
    const items = () =>
      query(root, "SELECT group_concat(uid || ':' || crc32) FROM retained r JOIN body b ON b.id = r.body");
    const before = items();
    assert.match(String(before), /^3:.*,30:/);
    await run((out) => defragmentCopy(root, out));
    assert.deepEqual(items(), before);
    const [position = 0] = query(root, 'SELECT position FROM body WHERE id = 9') as number[];
    flip(join(root, 'packs', '00000001.pack'), position + 500, 20);
    assert.equal((await check(root)).findings.length, 1);
    assert.match((await run((out) => repairCopy(root, out))).text, /Nothing was lost\./);
    assert.deepEqual(items(), before);
    assert.deepEqual((await check(root)).findings, []);
    assert.deepEqual((await integrity(root)).findings, []);
  }));

test('eseutil /d: a stop at any step of the exchange: the next opening finishes or forgets it', () =>
  withCopy({ messages: 20, expungeEvery: 2 }, async ({ root }) => {
    mkdirSync(join(root, 'rebuilt', 'packs'), { recursive: true });
    writeFileSync(join(root, 'rebuilt', 'database.sqlite'), 'half');
    finishRebuild(root);
    assert.ok(!existsSync(join(root, 'rebuilt')));
    assert.deepEqual((await check(root)).findings, []);
    // Complete, and the machine stopped when the database had been moved and the packs had not.
    const old = readdirSync(join(root, 'packs'));
    mkdirSync(join(root, 'rebuilt'));
    renameSync(join(root, 'packs'), join(root, 'rebuilt', 'packs'));
    writeFileSync(join(root, 'rebuilt', 'complete'), '');
    finishRebuild(root);
    finishRebuild(root);
    assert.deepEqual(readdirSync(join(root, 'packs')), old);
    assert.deepEqual((await check(root)).findings, []);
  }));

test('eseutil /p: bodies damaged, the log still has them: nothing is lost', () =>
  withCopy({ messages: 30 }, async ({ root }) => {
    const [position = 0] = query(root, 'SELECT position FROM body WHERE id = 7') as number[];
    flip(join(root, 'packs', '00000001.pack'), position + 5, 6_000);
    assert.equal((await check(root)).findings.length, 2);
    const { text } = await run((out) => repairCopy(root, out));
    assert.match(text, /Kept 30 messages/);
    assert.match(text, /restored from the log: 2,/);
    assert.match(text, /Nothing was lost\./);
    assert.deepEqual((await check(root)).findings, []);
  }));

test('eseutil /p: bodies damaged that nothing else has: every other message stays, these are listed', () =>
  withCopy({ messages: 120, fileSizeBytes: 32 * 1024 }, async ({ root }) => {
    for (const name of readdirSync(join(root, 'log')).sort().slice(0, 4)) rmSync(join(root, 'log', name));
    const [position = 0] = query(root, 'SELECT position FROM body WHERE id = 7') as number[];
    flip(join(root, 'packs', '00000001.pack'), position + 40);
    const { text } = await run((out) => repairCopy(root, out));
    assert.match(text, /Kept 119 messages/);
    assert.match(text, /not kept: ann@example\.test INBOX UID 7 /);
    const list = readdirSync(root).find((name) => name.startsWith('repair-'));
    assert.ok(list !== undefined && readFileSync(join(root, list), 'utf8').includes('"uid": 7'));
    assert.deepEqual((await check(root)).findings, []);
    assert.deepEqual((await integrity(root)).findings, []);
  }));

test('eseutil /p: pages of the database damaged: rows are salvaged and bodies found again in the packs', () =>
  withCopy({ messages: 600, messageBytes: 600 }, async ({ root }) => {
    const path = join(root, 'database.sqlite');
    const pageBytes = 4_096;
    const pages = query(
      root,
      "SELECT pageno FROM dbstat WHERE name = 'body' AND pagetype = 'leaf' ORDER BY pageno",
    ) as number[];
    const messages = query(
      root,
      "SELECT pageno FROM dbstat WHERE name = 'message' AND pagetype = 'leaf' ORDER BY pageno",
    ) as number[];
    for (const page of [pages[3], messages[2]]) flip(path, ((page ?? 1) - 1) * pageBytes, 300);
    const { findings } = await check(path);
    assert.ok(findings.length > 0);
    assert.ok(
      findings.some(({ fromByte }) => fromByte === ((pages[3] ?? 1) - 1) * pageBytes),
      JSON.stringify(findings),
    );
    const { text } = await run((out) => repairCopy(root, out));
    const kept = Number(/Kept (\d+) messages/.exec(text)?.[1]);
    assert.match(text, /written anew/);
    assert.equal(kept, 600, text);
    assert.ok(Number(/mailbox of recovered ones: (\d+)/.exec(text)?.[1]) < 130, text);
    assert.ok(Number(/found again in packs: (\d+)/.exec(text)?.[1]) > 0, text);
    assert.match(text, /not readable: message of folder 1, keys/);
    assert.deepEqual((await integrity(root)).findings, []);
    assert.deepEqual((await check(root)).findings, []);
  }));

test('eseutil /p: a log file damaged that the database does not need: the log begins behind it', () =>
  withCopy({ messages: 200, uncommitted: 2 }, async ({ root }) => {
    flip(join(root, 'log', 'E0000000002.log'), 9_000);
    const { text } = await run((out) => repairCopy(root, out));
    assert.match(text, /the log begins behind it now/);
    assert.match(text, /Kept 200 messages/);
    assert.deepEqual((await check(root)).findings, []);
    assert.equal(count(root), 201);
  }));

test('eseutil /p: records damaged that the database lacks: only their own messages are missing after', () =>
  withCopy({ messages: 10, uncommitted: 100 }, async ({ root }) => {
    flip(join(root, 'log', 'E0000000002.log'), 30_000);
    const { text } = await run((out) => repairCopy(root, out));
    assert.match(text, /put aside in quarantine/);
    assert.match(text, /not readable: records 1:\d+ to 1:\d+/);
    assert.equal(count(root), 109, text);
    assert.deepEqual((await check(root)).findings, []);
    assert.deepEqual((await integrity(root)).findings, []);
  }));

test('eseutil: while the host runs: offline work is refused, checks go on', () =>
  withCopy({ messages: 5 }, async ({ root }) => {
    const lock = lockFolder(join(root, '..', '..'));
    try {
      await assert.rejects(
        run((out) => defragmentCopy(root, out)),
        { code: 'CopyInUse' },
      );
      await assert.rejects(
        run((out) => repairCopy(root, out)),
        { code: 'CopyInUse' },
      );
      assert.deepEqual((await check(root)).findings, []);
    } finally {
      lock.release();
    }
  }));

test('eseutil: the command line: exit codes, last lines and places', () =>
  withCopy({ messages: 10 }, async ({ root }) => {
    const eseutil = (...words: string[]) =>
      spawnSync(process.execPath, [main, 'eseutil', ...words], { encoding: 'utf8' });
    const well = eseutil('/k', root);
    assert.equal(well.status, 0, well.stdout);
    assert.match(well.stdout, /Operation completed successfully in \d+\.\d seconds\.\n$/);
    flip(join(root, 'packs', '00000001.pack'), 100);
    const damaged = eseutil('/k', root);
    assert.equal(damaged.status, 1);
    assert.match(
      damaged.stdout,
      /damaged: packs\/00000001\.pack, bytes 0 to \d+: message body 1: its checksum is wrong/,
    );
    assert.match(damaged.stdout, /Operation terminated with error DamageFound \(1 damaged ranges\) after/);
    const missing = eseutil('/g', join(root, 'nowhere'));
    assert.equal(missing.status, 1);
    assert.match(missing.stdout, /Operation terminated with error FileMissing/);
    assert.equal(eseutil('/x', root).status, 1);
  }));
