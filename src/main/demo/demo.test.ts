import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { Problem } from '../../base/problem.ts';
import { clusterFiles, hostFiles } from '../cluster-files.ts';
import { configurationsOf } from '../form-cluster.ts';
import { findCorpus, readMessage, toWireFormat } from './corpus.ts';
import { removeDescription, updateProcessGroup, writeDescription, writeProcessGroup } from './demo-file.ts';
import { parseDemoOptions, parseHostOptions } from './options.ts';
import { forEachAtATime, untilDone } from './patience.ts';
import { checkPorts, portsOf } from './ports.ts';
import { isServiceRunning, lastWords, runningGroup, signalHost } from './processes.ts';
import { ProgressBar } from './progress-bar.ts';
import { demoSpecification } from './specification.ts';
import { shellWord, summaryText } from './summary.ts';

const root = mkdtempSync(join(tmpdir(), 'holdfast-demo-'));
after(() => rmSync(root, { recursive: true }));

test('demo options: none: the defaults; all: as given', () => {
  const none = {
    folder: resolve('.holdfast-demo'),
    basePort: undefined,
    mode: undefined,
    witness: undefined,
    nodes: undefined,
    users: 10,
    fresh: false,
    mail: false,
  };
  assert.deepEqual(parseDemoOptions([]), none);
  const words = [
    '--data',
    '/x',
    '--port',
    '3000',
    '--users=3',
    '--mode',
    'async',
    '--witness',
    'process',
    '--nodes=4',
    '--fresh',
    '--mail',
  ];
  const all = {
    folder: '/x',
    basePort: 3000,
    mode: 'async',
    witness: 'process',
    nodes: 4,
    users: 3,
    fresh: true,
    mail: true,
  };
  assert.deepEqual(parseDemoOptions(words), all);
  assert.deepEqual(parseHostOptions('start', ['mbx01-node1', '--data', '/x']), { folder: '/x', host: 'mbx01-node1' });
});

test('demo options: wrong ones: one sentence that says what is right', () => {
  const wrong = (message: RegExp, ...words: string[]) =>
    assert.throws(() => parseDemoOptions(words), { code: 'ArgumentInvalid', message });
  wrong(/--port is a whole number from 0 to 62191, not "62192"/, '--port', '62192');
  wrong(/Option '--port' argument is ambiguous\. "holdfast demo --help"/, '--port', '-1');
  wrong(/--port is a whole number/, '--port=-1');
  wrong(/--users is a whole number from 0 to 10000/, '--users', 'many');
  wrong(/--mode is sync, sync-strict, async, not "fast"/, '--mode', 'fast');
  wrong(/--witness is share, process, disk, not "moon"/, '--witness', 'moon');
  wrong(/--nodes is a whole number from 1 to 9, not "10"/, '--nodes', '10');
  wrong(/--data names no folder/, '--data', '');
  wrong(/Unknown option '--speed'/, '--speed');
  wrong(/Cannot start the demo/, 'again');
  assert.throws(() => parseHostOptions('start', []), /write one name/);
  assert.throws(() => parseHostOptions('add', ['a', 'b']), /demo add-host mbx01-node1/);
});

test('demo ports: every one is BASE plus the well-known one; one in use is named, with what to do', async () => {
  const ports = portsOf(configurationsOf('/x', demoSpecification(2_000, { mode: 'sync' }), ''));
  const named = Object.fromEntries(ports.map((place) => [place.name, `${place.address}:${place.port}`]));
  assert.deepEqual(
    [named['SMTP'], named['IMAP'], named['API']],
    ['127.0.0.1:2025', '127.0.0.1:2143', '127.0.0.1:2080'],
  );
  assert.equal(named['mbx01-node2, copy of First Storage Group, Public'], '127.0.0.3:5344');
  assert.equal(named['mbx01-node2, copy of First Storage Group, Private'], '127.0.1.3:5344');
  assert.equal(ports.length, 15);

  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const place = { name: 'SMTP', address: '127.0.0.1', port };
  await assert.rejects(checkPorts([place]), {
    code: 'PortInUse',
    message: new RegExp(`port ${port} is in use.*--port BASE`),
  });
  await new Promise((done) => server.close(done));
  await checkPorts([place]);
});

test('demo mail: the corpus: 6,046 messages, each in the form of the wire', () => {
  const { files } = findCorpus();
  assert.equal(files.length, 6_046);
  for (const path of files.filter((_, index) => index % 100 === 0)) {
    const text = readMessage(path).toString('latin1');
    assert.doesNotMatch(text, /^From /);
    assert.doesNotMatch(text, /\r(?!\n)|(?<!\r)\n/);
  }
});

test('demo mail: wire format: only the first "From " line goes, bytes beyond line ends stay', () => {
  assert.equal(toWireFormat(Buffer.from('From a\nSubject: x\n\nFrom b\n')).toString(), 'Subject: x\r\n\r\nFrom b\r\n');
  assert.equal(toWireFormat(Buffer.from('From only')).toString(), 'From only');
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = toWireFormat(Buffer.from([0x58, ...bytes])).toString('latin1');
      assert.doesNotMatch(text, /\r(?!\n)|(?<!\r)\n/);
      const without = (value: string) => value.replaceAll(/[\r\n]/g, '');
      assert.equal(without(text), without(`X${Buffer.from(bytes).toString('latin1')}`));
    }),
  );
});

test('demo processes: a group: seen while it runs, also without its first process; gone when it is killed', async () => {
  const dataFolder = join(root, 'host');
  mkdirSync(dataFolder);
  // The first process starts a member and ends; the member names the data folder in its command line, as role processes do.
  const program = `require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => 0, 1e6)', ${JSON.stringify(dataFolder)}], { stdio: 'ignore' }).unref()`;
  const first = spawn(process.execPath, ['-e', program, dataFolder], { detached: true, stdio: 'ignore' });
  const ended = new Promise((done) => first.once('exit', done));
  const group = first.pid ?? 0;
  writeProcessGroup(dataFolder, group);
  assert.equal(runningGroup(dataFolder), group);
  await ended;
  assert.equal(isServiceRunning(group, dataFolder), false);
  assert.equal(runningGroup(dataFolder), group);
  assert.equal(runningGroup(join(root, 'other')), undefined);
  signalHost(group, 'SIGKILL');
  await untilDone(async () => assert.equal(runningGroup(dataFolder), undefined), {
    withinMs: 5_000,
    pauseMs: 10,
    isTemporary: () => true,
  });
  signalHost(group, 'SIGKILL');
});

test('demo processes: a number that belongs to another process: not taken for the host', () => {
  const dataFolder = join(root, 'stale');
  mkdirSync(dataFolder);
  writeProcessGroup(dataFolder, process.pid);
  assert.equal(runningGroup(dataFolder), undefined);
});

test('demo processes: why a host stopped: its last error, or its last line', () => {
  const dataFolder = join(root, 'log');
  mkdirSync(hostFiles.logFolder(dataFolder), { recursive: true });
  assert.equal(lastWords(dataFolder), 'its log is empty');
  const lines = ['{"level":50,"msg":"the host stops","reason":"Cannot listen"}', '{"level":30,"msg":"bye"}', '\u001b'];
  writeFileSync(hostFiles.log(dataFolder), lines.slice(0, 2).join('\n'));
  assert.equal(lastWords(dataFolder), 'the host stops: Cannot listen');
  writeFileSync(hostFiles.log(dataFolder), `${'x'.repeat(100_000)}\nSegmentation fault\n`);
  assert.equal(lastWords(dataFolder), 'Segmentation fault');
});

test('demo.json: a host that was started again: its new process group, the rest as it was', () => {
  const hosts = ['a', 'b'].map((name, index) => ({ name, processGroup: index + 1, data: join(root, name) }));
  const users = [{ address: 'user1@example.test', password: 'demo' }];
  updateProcessGroup(root, 'b', 7);
  writeDescription(root, { ports: { smtp: 2025 }, address: '127.0.0.1', users, hosts });
  updateProcessGroup(root, 'b', 7);
  const description = JSON.parse(readFileSync(clusterFiles.demo(root), 'utf8'));
  assert.deepEqual(description, {
    ports: { smtp: 2025 },
    address: '127.0.0.1',
    users,
    hosts: [hosts[0], { ...hosts[1], processGroup: 7 }],
  });
  removeDescription(root);
  updateProcessGroup(root, 'b', 8);
  assert.equal(existsSync(clusterFiles.demo(root)), false);
});

test('demo summary: what listens, how to log in, three commands that can be pasted', () => {
  const [, , hub] = configurationsOf('/x y', demoSpecification(2_000, { mode: 'sync' }), '');
  assert.ok(hub?.clients);
  const text = summaryText({
    clients: hub.clients,
    users: ['user1@example.test', 'user2@example.test'],
    folder: '/x y',
    hosts: [{ name: 'mbx01-node1', address: '127.0.0.2', processGroup: 77 }],
    activeHost: 'mbx01-node1',
    passiveHost: 'mbx01-node2',
  });
  for (const part of [
    '127.0.0.1:2143',
    'user1@example.test … user2@example.test',
    'password demo',
    'process group 77, active',
  ]) {
    assert.ok(text.includes(part), part);
  }
  assert.equal(text.match(/bin\/holdfast /g)?.length, 3);
  assert.match(text, /-TargetMachine mbx01-node2 .* --data '\/x y'/);
  assert.equal(shellWord("it's"), "'it'\\''s'");
});

test('demo progress: on a terminal one line that is drawn again, elsewhere a line for every tenth', () => {
  const written: string[] = [];
  const stream = { isTTY: false, write: (text: string) => written.push(text) };
  const bar = new ProgressBar(stream, 'Sending mail', 1_000);
  for (let done = 0; done <= 1_000; done++) bar.update(done);
  assert.equal(written.length, 11);
  assert.match(written.at(-1) ?? '', /^Sending mail \[#{30}\] 100 % \(1000 of 1000\)\n$/);
  new ProgressBar({ ...stream, isTTY: true }, 'Sending mail', 2).update(1);
  assert.match(written.at(-1) ?? '', /^\rSending mail .* 50 % \(1 of 2\)$/);
});

test('demo patience: temporary failures are tried again, others and late ones are not', async () => {
  let attempts = 0;
  const failing = (error: Error, times: number) => async () => {
    attempts += 1;
    if (attempts <= times) throw error;
    return attempts;
  };
  const temporary = new Problem('Busy', 'Cannot yet', { temporary: true });
  assert.equal(await untilDone(failing(temporary, 3), { withinMs: 1_000, pauseMs: 0 }), 4);
  await assert.rejects(untilDone(failing(new Problem('No', 'Cannot'), 99), { withinMs: 1_000, pauseMs: 0 }), {
    code: 'No',
  });
  await assert.rejects(untilDone(failing(temporary, 99), { withinMs: -1, pauseMs: 0 }), { code: 'Busy' });
});

test('demo patience: many at a time: all of them once, never more than the bound', async () => {
  let running = 0;
  let most = 0;
  const done: number[] = [];
  await forEachAtATime([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    running -= 1;
    done.push(item);
  });
  assert.deepEqual([most, done.toSorted((left, right) => left - right)], [3, [1, 2, 3, 4, 5, 6, 7]]);
});
