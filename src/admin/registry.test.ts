import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allParametersOf } from './arguments.ts';
import { helpText, overview } from './help.ts';
import { nearestNames } from './nearest-names.ts';
import { openApiDocument } from './open-api.ts';
import { parametersOf } from './parameters.ts';
import { execute, executeLocally, registry } from './registry.ts';
import { FakeCluster, IDENTITY } from './testing/fake-cluster.ts';

const promised = [
  'Get-ClusteredMailboxServerStatus',
  'Get-Command',
  'Get-Help',
  'Get-Mailbox',
  'Get-StorageGroup',
  'Get-StorageGroupCopyStatus',
  'Move-ClusteredMailboxServer',
  'New-Mailbox',
  'Resume-StorageGroupCopy',
  'Suspend-StorageGroupCopy',
  'Test-ReplicationHealth',
  'Update-StorageGroupCopy',
  'Enable-StorageGroupCopy',
  'Add-ClusterNode',
  'Remove-ClusterNode',
  'Disable-StorageGroupCopy',
  'Dismount-Database',
  'Get-LossReport',
  'Get-MailboxServer',
  'Mount-Database',
  'Restore-ClusterVote',
  'Restore-StorageGroupCopy',
  'Get-ClusterQuorum',
  'Set-ClusterQuorum',
  'Get-ClusterVersion',
  'Set-ClusterVersion',
  'Set-MailboxServer',
  'Set-StorageGroup',
  'Set-Mailbox',
  'Set-MailboxDatabase',
  'Get-MailboxDatabase',
  'Get-RecoverableItems',
  'Restore-RecoverableItems',
  'Start-ClusteredMailboxServer',
  'Stop-ClusteredMailboxServer',
];

test('registry: the commands that were promised are there, and each is whole', () => {
  const names = registry.commands.map((command) => command.name);
  for (const name of promised) assert.ok(names.includes(name), name);
  for (const command of registry.commands) {
    assert.match(command.name, /^[A-Z][a-z]+-[A-Z][A-Za-z]+$/);
    assert.ok(
      command.examples.length > 0 && command.examples.every((each) => each.line.startsWith(command.name)),
      command.name,
    );
    const own = parametersOf(command).map((parameter) => parameter.name);
    for (const parameter of parametersOf(command))
      assert.ok(parameter.description.endsWith('.'), `${command.name} -${parameter.name}`);
    for (const name of [...command.positional, ...Object.values(command.aliases)]) assert.ok(own.includes(name), name);
    const columns = command.columns.map((column) => column.name);
    for (const name of command.table) assert.ok(columns.includes(name), `${command.name}: ${name}`);
  }
});

test('registry: every row that a command returns has exactly its columns', async () => {
  const cluster = new FakeCluster();
  cluster.mailboxes.push({ guid: '1', address: 'a@example.test', displayName: '', createdMs: 0 });
  cluster.copyAnswers['get-limits'] = { retentionMs: null, warningBytes: null, storageBytes: null, messages: null };
  cluster.copyAnswers['deleted-items'] = [
    { folderId: 1, uid: 1, folderName: 'x', internalDateMs: 0, sizeBytes: 1, removedMs: 0, subject: null },
  ];
  for (const command of registry.commands.filter((each) => each.change === undefined)) {
    const parameters = command.parameters.safeParse({}).success ? {} : { Identity: 'a@example.test' };
    const { rows } = await execute(cluster, { command: command.name, parameters }, command.permission);
    assert.ok(rows.length > 0, command.name);
    const columns = command.columns.map((column) => column.name).sort();
    for (const row of rows) assert.deepEqual(Object.keys(row).sort(), columns, command.name);
  }
});

test('registry: a name in any case is found; a mistyped one is refused with the nearest', () => {
  assert.equal(registry.find('get-MAILBOX').name, 'Get-Mailbox');
  assert.throws(() => registry.find('Get-Mailbx'), { code: 'CommandUnknown', message: /Did you mean Get-Mailbox\b/ });
  assert.throws(() => registry.find('StorageGroupCopyStatus'), /Did you mean Get-StorageGroupCopyStatus/);
  assert.throws(() => registry.find('__proto__'), { code: 'CommandUnknown' });
  assert.throws(() => registry.find('x\u001b[31m'.repeat(100)), { code: 'CommandUnknown' });
});

test('registry: a role that may only look: reads, changes nothing', async () => {
  const cluster = new FakeCluster();
  const request = { command: 'Suspend-StorageGroupCopy', parameters: { Identity: IDENTITY } };
  await assert.rejects(execute(cluster, request, 'View-Only Administrator'), { code: 'PermissionDenied' });
  assert.equal(cluster.asked.length, 0);
});

test('registry: wrong requests: refused with what is wrong', async () => {
  const run = (request: unknown) => execute(new FakeCluster(), request, 'Server Administrator');
  for (const request of [
    null,
    7,
    'Get-Mailbox',
    {},
    { command: 'Get-Mailbox' },
    { command: 'Get-Mailbox', parameters: [] },
  ]) {
    await assert.rejects(run(request), { code: 'RequestInvalid' });
  }
  const wrong = (command: string, parameters: object) => run({ command, parameters });
  await assert.rejects(
    wrong('Move-ClusteredMailboxServer', { Identity: 'mbx01', TargetMachine: 'x' }),
    /-MoveComment is missing/,
  );
  await assert.rejects(wrong('Get-Mailbox', { Identiti: 'x' }), /it has no parameter "Identiti", perhaps -Identity/);
  await assert.rejects(wrong('Get-Mailbox', { ResultSize: '5' }), { code: 'ParameterInvalid' });
  await assert.rejects(wrong('Get-Mailbox', JSON.parse('{"constructor": {"x": 1}}')), { code: 'ParameterInvalid' });
  await assert.rejects(wrong('New-Mailbox', { Identity: 'a@example.test', WhatIf: 'yes' }), /-WhatIf is true or false/);
  await assert.rejects(wrong('Get-Mailbox', { WhatIf: true }), /it has no parameter "WhatIf"/);
});

test('help: every command and every parameter, its columns and examples are in it', async () => {
  const all = overview(registry.commands, []);
  for (const command of registry.commands) {
    assert.ok(all.includes(command.name));
    const text = helpText(command).replace(/\s+/g, ' ');
    const { own, common } = allParametersOf(command);
    for (const { name } of [...own, ...common]) assert.ok(text.includes(`-${name}`), `${command.name} -${name}`);
    for (const { name } of command.columns) assert.ok(text.includes(name));
    for (const { line } of command.examples) assert.ok(text.includes(line));
    const { rows } = await executeLocally({ command: 'Get-Help', parameters: { Name: command.name } });
    assert.equal(rows[0]?.['Name'], command.name);
  }
});

test('Get-Command: patterns: stars stand for anything, in any case', async () => {
  const names = async (pattern: string) => {
    const { rows } = await executeLocally({ command: 'Get-Command', parameters: { Name: pattern } });
    return rows.map((row) => row['Name']);
  };
  assert.deepEqual(await names('*mailbox'), ['Get-Mailbox', 'New-Mailbox', 'Restore-Mailbox', 'Set-Mailbox']);
  assert.deepEqual(await names('get-*group*'), ['Get-StorageGroup', 'Get-StorageGroupCopyStatus']);
  assert.deepEqual(await names('Get-Mailbox'), ['Get-Mailbox']);
  assert.deepEqual(
    await names('*x*'),
    registry.commands.map((command) => command.name).filter((name) => name.includes('x')),
  );
  assert.deepEqual(
    await names('*'.repeat(100)),
    registry.commands.map((command) => command.name),
  );
});

test('OpenAPI: one path for each command, with its schema', () => {
  const { paths } = openApiDocument(registry.commands) as { paths: Record<string, { post: { operationId: string } }> };
  assert.deepEqual(
    Object.values(paths).map((path) => path.post.operationId),
    registry.commands.map((command) => command.name),
  );
  assert.ok(JSON.stringify(paths).includes('"SuspendComment"'));
});

test('nearest names: letters swapped or left out are near, other words are not', () => {
  const names = ['Get-Mailbox', 'Get-StorageGroup', 'Test-ReplicationHealth'];
  assert.deepEqual(nearestNames('Get-Stoage', names, 3), ['Get-StorageGroup']);
  assert.deepEqual(nearestNames('Set-Transport', names, 3), []);
  assert.deepEqual(nearestNames('', names, 3), []);
});
