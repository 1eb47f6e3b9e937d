import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkRuntime, copyArguments, dataFolderOption, isAtLeast } from './command-line.ts';
import { errorLine } from './error-line.ts';
import { runShell } from './shell.ts';

const root = mkdtempSync(join(tmpdir(), 'holdfast-shell-'));
after(() => rmSync(root, { recursive: true }));

const program = fileURLToPath(new URL('../main.ts', import.meta.url));

function holdfast(...words: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], { encoding: 'utf8', cwd: root });
  return { status, stdout, stderr };
}

async function shell(words: string[], ask?: (question: string) => Promise<boolean>) {
  const out: string[] = [];
  const error: string[] = [];
  await runShell(words, { out: (text) => out.push(text), error: (text) => error.push(text), ask });
  return { out: out.join(''), error: error.join('') };
}

test('shell: Get-Command and Get-Help: answered without a cluster', async () => {
  assert.match((await shell(['Get-Command'])).out, /^Name +Synopsis\n-+/);
  const json = JSON.parse((await shell(['get-command', '*Mailbox', '-Format', 'Json'])).out);
  assert.deepEqual(
    json.map((row: { Name: string }) => row.Name),
    ['Get-Mailbox', 'New-Mailbox', 'Restore-Mailbox', 'Set-Mailbox'],
  );
  const help = (await shell(['Get-Help', 'New-Mailbox'])).out;
  assert.match(help, /^New-Mailbox\n {2}Makes a mailbox\.\n\nSyntax\n/);
  assert.equal((await shell(['New-Mailbox', '-?'])).out, help);
  assert.match((await shell(['Get-Help', 'New-Mailbox', '-Format', 'List'])).out, /^Name +: New-Mailbox\n/);
});

test('shell: a question at a terminal: no means that nothing is done, -Force and -Confirm:$false ask nothing', async () => {
  const questions: string[] = [];
  const no = async (question: string) => {
    questions.push(question);
    return false;
  };
  const move = [
    'Move-ClusteredMailboxServer',
    'mbx01',
    '-TargetMachine',
    'mbx01-node2',
    '-MoveComment',
    'x',
    '-Data',
    root,
  ];
  assert.equal((await shell(move, no)).error, 'Nothing was done.\n');
  assert.deepEqual(questions, ['Move mbx01 to mbx01-node2? [y/N] ']);
  for (const word of ['-Force', '-Confirm:$false', '-WhatIf']) {
    await assert.rejects(shell([...move, word], no), { code: 'ClusterNotFound' });
  }
  assert.equal(questions.length, 1);
  await assert.rejects(shell(move), { code: 'ClusterNotFound' });
  await assert.rejects(shell([...move, '-Confirm']), { code: 'CannotAsk' });
});

test('shell: what cannot be understood: the nearest is named', async () => {
  await assert.rejects(shell(['dmeo']), { code: 'CommandUnknown', message: /Did you mean demo\?/ });
  await assert.rejects(shell(['Get-Mailbx']), /Did you mean Get-Mailbox/);
});

test('command line: --help, --version, and nothing at all: an answer, exit code 0', () => {
  const help = holdfast('--help');
  assert.equal(help.status, 0);
  assert.match(help.stdout, /Get-StorageGroupCopyStatus/);
  assert.equal(holdfast().stdout, help.stdout);
  assert.match(holdfast('--version').stdout, /^holdfast \d+\.\d+\.\d+\n$/);
});

test('command line: bad input: exactly one line on stderr, nothing on stdout, an exit code that is not 0', () => {
  writeFileSync(join(root, 'holdfast.yaml'), 'format: [');
  const wrong = [
    ['Get-Nonsense'],
    ['Get-Mailbox'],
    ['Get-Mailbox', '-ResultSize', 'x'],
    ['Get-Mailbox', '--data', root],
    ['demo', '--port', 'x'],
    ['demo', '--data', root],
    ['demo', 'start-host', 'mbx01-node1'],
    ['host'],
    ['host', '--data', join(root, 'none')],
    ['host', '--data', root],
    ['copy'],
    ['copy', '{'],
  ];
  for (const words of wrong) {
    const { status, stdout, stderr } = holdfast(...words);
    assert.deepEqual([status, stdout], [1, ''], words.join(' '));
    assert.match(stderr, /^Cannot [^\n]+\n$/, words.join(' '));
  }
});

test('command line: an old Node or SQLite: said with what to do', () => {
  checkRuntime({ node: '24.21.0', sqlite: '3.51.3' });
  checkRuntime({ node: '26.10.0', sqlite: '3.53.4' });
  assert.throws(() => checkRuntime({ node: '24.20.9', sqlite: '3.53.4' }), {
    code: 'RuntimeTooOld',
    message: /npm ci/,
  });
  assert.throws(() => checkRuntime({ node: '26.0.0', sqlite: '3.50.4' }), { code: 'RuntimeTooOld' });
  assert.throws(() => checkRuntime({ node: '20.1.0' }), { code: 'RuntimeTooOld' });
  assert.ok(isAtLeast('27.0.0', '26.10.1'));
});

test('command line: words of the processes of a host', () => {
  assert.equal(dataFolderOption(['--data', '/x']), '/x');
  for (const words of [[], ['--data'], ['--data', ''], ['/x'], ['--data', '/x', 'y']]) {
    assert.throws(() => dataFolderOption(words), { code: 'ArgumentInvalid' });
  }
  assert.deepEqual(copyArguments(['{"a":1}']), { a: 1 });
});

test('error line: whatever was thrown is one line without control characters', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
    syscall: 'write',
    path: '/data/x',
  });
  assert.equal(
    errorLine(full, ''),
    'Cannot go on: the disk is full. Free some space, or use another folder with --data (/data/x).',
  );
  assert.equal(
    errorLine(new TypeError('a\nb'), 'See the log.'),
    'Cannot go on: internal error (a\\u{a}b). See the log.',
  );
  assert.equal(errorLine('text', ''), 'Cannot go on: internal error (text). ');
});
