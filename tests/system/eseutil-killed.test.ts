/**
 * eseutil's modes that write, as processes that are killed: at moments spread over the whole of their way, one after the
 * other upon the same copy. Then the mode runs to its end, and the copy has to be what a run without a kill makes of it.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { type FixtureOptions, makeCopy } from '../../src/main/eseutil/testing/copy-fixture.ts';
import { digestOf } from '../../src/store/digest.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
/** Parts of an undisturbed run after which it is killed; the first half of one is the start of the program. */
const KILLED_AT = [0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95];

interface Run {
  readonly code: number | null;
  readonly text: string;
  readonly tookMs: number;
}

function eseutil(words: readonly string[], killAfterMs?: number): Promise<Run> {
  const started = performance.now();
  const child = spawn(process.execPath, [MAIN, 'eseutil', ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  return new Promise((resolve) => {
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, text, tookMs: performance.now() - started });
    });
  });
}

function digest(root: string): string {
  const connection = new DatabaseSync(join(root, 'database.sqlite'), { readOnly: true });
  try {
    return digestOf(connection).sha256;
  } finally {
    connection.close();
  }
}

async function killedAndRunAgain(
  words: readonly string[],
  options: FixtureOptions,
  prepare: (root: string) => void,
): Promise<{ readonly last: Run; readonly kills: number }> {
  const copy = await makeCopy(options);
  const { root } = copy;
  const twin = join(dirname(root), 'twin');
  try {
    prepare(root);
    cpSync(root, twin, { recursive: true });
    const undisturbed = await eseutil([...words, twin]);
    let kills = 0;
    for (const part of KILLED_AT) {
      const { code } = await eseutil([...words, root], undisturbed.tookMs * part);
      kills += code === null ? 1 : 0;
    }
    const last = await eseutil([...words, root]);
    for (const mode of ['/k', '/g']) {
      const check = await eseutil([mode, root]);
      assert.equal(check.code, 0, `${mode}: ${check.text}`);
    }
    assert.equal(digest(root), digest(twin));
    return { last, kills };
  } finally {
    copy.remove();
    rmSync(twin, { recursive: true, force: true });
  }
}

test('eseutil /d: killed again and again: the copy is whole, and the next run ends it', async () => {
  const options = { messages: 400, expungeEvery: 2, messageBytes: 20_000 };
  const { last, kills } = await killedAndRunAgain(['/d'], options, () => undefined);
  assert.equal(last.code, 0, last.text);
  assert.ok(kills > 0);
});

test('eseutil /r: killed again and again: every record of the log is in the database once', async () => {
  const options = { messages: 20, uncommitted: 600, messageBytes: 20_000 };
  const { last, kills } = await killedAndRunAgain(['/r', '/a'], options, () => undefined);
  assert.equal(last.code, 0, last.text);
  assert.ok(kills > 0);
});

test('eseutil /p: killed again and again: keeps what a run without a kill keeps', async () => {
  const options = { messages: 300, messageBytes: 20_000 };
  const { last, kills } = await killedAndRunAgain(['/p'], options, (root) => {
    const path = join(root, 'packs', '00000001.pack');
    const bytes = readFileSync(path);
    for (const position of [50_000, 900_000, 2_000_000]) bytes.writeUInt8(bytes.readUInt8(position) ^ 1, position);
    writeFileSync(path, bytes);
  });
  assert.match(last.text, /Kept 300 messages/);
  assert.ok(kills > 0);
});
