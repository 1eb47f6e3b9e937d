/**
 * Bad places and bad words on the real command line. Each time: one line that says what and what to do, an exit code
 * that is not 0, and nothing damaged.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { hasProgram } from '../../scripts/test-programs.ts';
import { fingerprint } from '../support/bad-place.ts';
import { Demo, NODES } from '../support/demo.ts';
import { freePortBase } from '../support/free-ports.ts';
import { type Finished, runHoldfast, runProgram } from '../support/program.ts';

const HOST_CONFIG = join(NODES[0], 'holdfast.yaml');

let demo: Demo;
/** A copy of a cluster's folder that nothing runs on. */
let stopped: string;
let scratch: string;

before(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-bad-'));
  demo = await Demo.start({ users: 1 });
  stopped = join(scratch, 'stopped');
  const other = await Demo.start({ users: 1 });
  await other.interrupt();
  cpSync(other.folder, stopped, { recursive: true });
  await other.stop();
});
after(async () => {
  await demo?.stop();
  rmSync(scratch, { recursive: true, force: true });
});

/** The one line, with what is the matter in it and, in a sentence of its own, what to do. */
function oneLine(finished: Finished, words: RegExp): void {
  refused(finished, words);
  assert.match(finished.stderr, /\. [A-Z][^\n]+\n$/, `it does not say what to do: ${finished.stderr}`);
}

function refused({ code, stderr }: Finished, words: RegExp): void {
  assert.notEqual(code, 0, `it was accepted; ${stderr}`);
  assert.notEqual(code, null, 'it was ended by a signal');
  assert.match(stderr, /^Cannot [^\n]+\n$/, `not one line: ${stderr}`);
  assert.match(stderr, words);
}

async function refusesDemo(folder: string, words: RegExp, options: readonly string[] = []): Promise<void> {
  const asItWas = fingerprint(folder);
  oneLine(await runHoldfast(['demo', '--data', folder, '--port', `${await freePortBase()}`, ...options]), words);
  assert.deepEqual(fingerprint(folder), asItWas, 'the folder is as it was');
}

/** A copy of the stopped cluster with one change. */
function spoiled(name: string, spoil: (folder: string) => void): string {
  const folder = join(scratch, name);
  cpSync(stopped, folder, { recursive: true });
  spoil(folder);
  return folder;
}

test('bad input: a port in use: is named, and nothing is made', async () => {
  const base = await freePortBase();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: base + 143 }, resolve));
  try {
    const folder = join(scratch, 'port');
    oneLine(
      await runHoldfast(['demo', '--data', folder, '--port', `${base}`]),
      new RegExp(`port ${base + 143} is in use`),
    );
    assert.deepEqual(fingerprint(folder), []);
  } finally {
    server.close();
  }
});

test('bad input: the folder is in use: the second demo is refused, the first goes on', async () => {
  oneLine(
    await runHoldfast(['demo', '--data', demo.folder, '--port', `${await freePortBase()}`]),
    /already runs|still run/,
  );
  oneLine(await runHoldfast(['demo', '--data', demo.folder, '--fresh']), /already runs|still run/);
  const host = await runHoldfast(['host', '--data', demo.hostFolder(NODES[0])]);
  oneLine(host, /already runs/);
  oneLine(await runHoldfast(['demo', 'start-host', NODES[0], '--data', demo.folder]), /runs already/);
  await demo.waitUntilHealthy();
});

test("bad input: another program's folder: is not touched, not even with --fresh", async () => {
  const folder = join(scratch, 'foreign');
  mkdirSync(folder);
  writeFileSync(join(folder, 'thesis.txt'), 'years of work');
  await refusesDemo(folder, /not empty/);
  await refusesDemo(folder, /not empty/, ['--fresh']);
});

test('bad input: a path that is a file: is said', async () => {
  const folder = join(scratch, 'file');
  writeFileSync(folder, 'a file');
  oneLine(await runHoldfast(['demo', '--data', folder, '--port', `${await freePortBase()}`]), /file/);
  assert.equal(readFileSync(folder, 'utf8'), 'a file');
});

test('bad input: data of another cluster: is refused', async () => {
  const folder = spoiled('mixed', (path) => {
    rmSync(join(path, NODES[0]), { recursive: true });
    cpSync(demo.hostFolder(NODES[0]), join(path, NODES[0]), { recursive: true });
  });
  await refusesDemo(folder, /another cluster/);
});

const spoilings: readonly [name: string, spoil: (text: string) => string, words: RegExp][] = [
  ['is not YAML', (text) => `${text}\n  - [`, /not YAML/],
  ['misses a field', (text) => text.replace(/^host: .*\n/m, ''), /: host: /],
  ['has an unknown field', (text) => `${text}\nreplicas: 3\n`, /replicas/],
  ['has a word for a port', (text) => text.replace(/clusterPort: \d+/, 'clusterPort: high'), /clusterPort/],
  ['names a host that is not in it', (text) => text.replace(/^host: .*$/m, 'host: elsewhere'), /elsewhere/],
  ['is empty', () => '', /holdfast\.yaml/],
];
for (const [name, spoil, words] of spoilings) {
  test(`bad input: a configuration that ${name}: says which file and what`, async () => {
    const folder = spoiled(`config ${name}`, (path) => {
      const file = join(path, HOST_CONFIG);
      writeFileSync(file, spoil(readFileSync(file, 'utf8')));
    });
    await refusesDemo(folder, words);
    oneLine(await runHoldfast(['host', '--data', join(folder, NODES[0])]), words);
  });
}

test('bad input: a configuration that is not there: says so', async () => {
  const folder = spoiled('no config', (path) => renameSync(join(path, HOST_CONFIG), join(path, 'elsewhere.yaml')));
  await refusesDemo(folder, /holdfast\.yaml/);
  oneLine(await runHoldfast(['host', '--data', join(scratch, 'nothing')]), /holdfast\.yaml/);
});

test('bad input: a damaged cluster.json: is refused', async () => {
  await refusesDemo(
    spoiled('marker', (path) => writeFileSync(join(path, 'cluster.json'), '{')),
    /cluster\.json/,
  );
  await refusesDemo(
    spoiled('marker 2', (path) => writeFileSync(join(path, 'cluster.json'), '{}')),
    /cluster\.json/,
  );
});

test('bad input: words that mean nothing: one line that says what could stand there', async () => {
  const folder = join(scratch, 'words');
  const cases: readonly [words: readonly string[], said: RegExp][] = [
    [['demo', '--data', folder, '--users', 'many'], /--users is a whole number/],
    [['demo', '--data', folder, '--port', '70000'], /--port is a whole number/],
    [['demo', '--data', folder, '--mode', 'fast'], /sync, sync-strict, async/],
    [['demo', '--data', folder, '--wat'], /--wat.*--help/],
    [['demo', 'start-host', 'mbx09', '--data', stopped], /Hosts: mbx01-node1/],
    [['demo', 'start-host', NODES[0], '--data', folder], /no demo in/],
    [['Get-Nothing'], /Get-Nothing/],
    [['Get-StorageGroupCopyStatus', '-Colour', 'red', '--data', demo.folder], /Colour/],
    [['Get-StorageGroupCopyStatus', '--data', folder], /find a cluster/],
    [['Move-ClusteredMailboxServer', 'mbx01', '--data', demo.folder], /TargetMachine/],
    [['host'], /--data/],
  ];
  for (const [words, said] of cases) refused(await runHoldfast(words), said);
  assert.deepEqual(fingerprint(folder), []);
});

test('bad input: the mode of a cluster that exists: cannot be changed by starting it', async () => {
  await refusesDemo(stopped, /formed with sync/, ['--mode', 'async']);
});

test('bad input: nobody runs: a cmdlet says that no host answers', async () => {
  oneLine(await runHoldfast(['Get-StorageGroupCopyStatus', '--data', stopped]), /no host answers/);
});

test('bad input: a disk without room: is said, and what was half made is no cluster', {
  skip: withoutMount(),
}, async () => {
  const disk = join(scratch, 'disk');
  mkdirSync(disk);
  assert.equal((await runProgram('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk])).code, 0);
  try {
    const folder = join(disk, 'data');
    oneLine(await runHoldfast(['demo', '--data', folder, '--port', `${await freePortBase()}`]), /disk is full/);
  } finally {
    await runProgram('umount', [disk]);
  }
});

function withoutMount(): string | false {
  if (process.getuid?.() !== 0 || process.platform !== 'linux') return 'only root on Linux can mount a small disk';
  return hasProgram('mount') ? false : 'mount is not installed';
}

test('bad input: after all of it: the demo that ran meanwhile is Healthy', async () => {
  await demo.waitUntilHealthy();
});
