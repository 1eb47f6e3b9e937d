/**
 * eseutil /p on a database of which one interior page is gone: what lies below it is out of every tree's reach, and kept
 * all the same. Each interior page in turn, that of SQLite's own list of tables among them.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { checkIntegrity, verify } from './eseutil/checks.ts';
import { repairCopy } from './eseutil/offline.ts';
import { Progress } from './eseutil/progress.ts';
import { type CopyFixture, makeCopy } from './eseutil/testing/copy-fixture.ts';

const MESSAGES = 2_400;
const EXPUNGE_EVERY = 3;
const quiet = new Progress(() => undefined);

interface InteriorPage {
  readonly tree: string;
  readonly page: number;
  /** Of a tree that keeps rows in its interior pages too. */
  readonly rows: number;
}

let fixture: CopyFixture;
const folder = mkdtempSync(join(tmpdir(), 'holdfast-pages-'));

before(async () => {
  fixture = await makeCopy({
    messages: MESSAGES,
    messageBytes: 60,
    expungeEvery: EXPUNGE_EVERY,
    keepsDeletedItems: true,
    messagesAtOnce: 100,
  });
});

after(() => {
  fixture.remove();
  rmSync(folder, { recursive: true });
});

function query(root: string, sql: string): readonly Record<string, unknown>[] {
  const connection = new DatabaseSync(join(root, 'database.sqlite'), { readOnly: true });
  try {
    return connection.prepare(sql).all();
  } finally {
    connection.close();
  }
}

const KEYED_BY_ROW = ['message', 'retained'];

function interiorPages(root: string): readonly InteriorPage[] {
  return query(root, "SELECT name, pageno, ncell FROM dbstat WHERE pagetype = 'internal' ORDER BY pageno").map(
    ({ name, pageno, ncell }) => ({
      tree: String(name),
      page: Number(pageno),
      rows: KEYED_BY_ROW.includes(String(name)) ? Number(ncell) : 0,
    }),
  );
}

/** Every message and deleted item, with the checksum of its bytes. */
const contentsOf = (root: string): readonly string[] =>
  query(
    root,
    `SELECT m.folder || '/' || m.uid || ' ' || b.crc32 AS line FROM message m JOIN body b ON b.id = m.body
     UNION ALL SELECT 'deleted ' || r.folder || '/' || r.uid || ' ' || b.crc32 FROM retained r JOIN body b ON b.id = r.body`,
  ).map(({ line }) => String(line));

function withoutPage({ tree, page }: InteriorPage, pageBytes: number): string {
  const root = join(folder, `${tree}-${page}`);
  cpSync(fixture.root, root, { recursive: true });
  writeSync(
    openSync(join(root, 'database.sqlite'), 'r+'),
    Buffer.alloc(pageBytes, 0xa5),
    0,
    pageBytes,
    (page - 1) * pageBytes,
  );
  return root;
}

async function repaired(root: string): Promise<string> {
  const lines: string[] = [];
  await repairCopy(root, { print: (line) => lines.push(line), progress: quiet });
  return lines.join('\n');
}

test('eseutil /p: an interior page is gone: every message below it is kept, and one that stood in it is recovered', async () => {
  const pages = interiorPages(fixture.root);
  for (const tree of ['body', 'message', 'retained', 'sqlite_schema'])
    assert.ok(pages.some((page) => page.tree === tree));
  const all = contentsOf(fixture.root);
  for (const page of pages) {
    const root = withoutPage(page, Number(query(fixture.root, 'PRAGMA page_size')[0]?.['page_size']));
    const story = `${JSON.stringify(page)}\n${await repaired(root)}`;
    const kept = new Set(contentsOf(root));
    const lost = all.filter((line) => !kept.has(line));
    assert.ok(lost.length <= page.rows, `${lost.length} are not where they were: ${story}`);
    const bodies = query(
      root,
      "SELECT m.uid, b.crc32 FROM message m JOIN body b ON b.id = m.body JOIN folder f ON f.id = m.folder WHERE f.name = 'Recovered messages'",
    );
    assert.equal(bodies.length, lost.length, story);
    for (const line of lost)
      assert.ok(
        bodies.some(({ crc32 }) => line.endsWith(` ${String(crc32)}`)),
        `${line}: ${story}`,
      );
    assert.equal(kept.size, all.length, `nothing that was removed came back: ${story}`);
    if (lost.length > 0) assertListed(root, story);
    assert.deepEqual(await verify(root, () => undefined, quiet), [], story);
    assert.deepEqual(await checkIntegrity(root, () => undefined, quiet), [], story);
    rmSync(root, { recursive: true });
  }
});

/** The list says how many rows are missing, or that keys cannot be read. */
function assertListed(root: string, story: string): void {
  const name = readdirSync(root).find((each) => /^repair-\d+\.json$/.test(each)) ?? assert.fail(story);
  const { lostRows, adoptedMessages } = JSON.parse(readFileSync(join(root, name), 'utf8')) as Record<string, unknown>;
  assert.ok(Array.isArray(lostRows) && lostRows.length > 0 && Number(adoptedMessages) > 0, story);
}
