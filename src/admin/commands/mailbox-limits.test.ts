import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Row } from '../command.ts';
import { UNLIMITED } from '../limits.ts';
import { execute } from '../registry.ts';
import { FakeCluster, GROUP, IDENTITY } from '../testing/fake-cluster.ts';

const MIB = 2 ** 20;

function clusterWith(quota: Record<string, number> = {}): FakeCluster {
  const cluster = new FakeCluster();
  const none = { retentionMs: 14 * 86_400_000, warningBytes: UNLIMITED, storageBytes: UNLIMITED, messages: UNLIMITED };
  cluster.mailboxes.push({
    guid: '1'.padStart(32, '0'),
    address: 'anna@example.test',
    displayName: 'Anna Berg',
    createdMs: 0,
    quota: { ...none, usedBytes: 0, usedMessages: 0, ...quota },
  });
  return cluster;
}

async function run(
  cluster: FakeCluster,
  command: string,
  parameters: Record<string, unknown> = {},
): Promise<readonly Row[]> {
  return (await execute(cluster, { command, parameters }, 'Server Administrator')).rows;
}

test('mailbox limits: Set-Mailbox: sizes with units, unlimited and default reach the active copy', async () => {
  const cluster = clusterWith();
  await run(cluster, 'Set-Mailbox', {
    Identity: 'anna',
    IssueWarningQuota: '900MB',
    ProhibitSendReceiveQuota: 'unlimited',
    MessageLimit: 'default',
    RetainDeletedItemsFor: '30',
  });
  assert.deepEqual(cluster.asked.at(-1), {
    to: GROUP,
    method: 'set-limits',
    body: {
      address: 'anna@example.test',
      limits: { warningBytes: 900 * MIB, storageBytes: UNLIMITED, messages: null, retentionMs: 30 * 86_400_000 },
    },
  });
  await assert.rejects(run(cluster, 'Set-Mailbox', { Identity: 'anna' }), { code: 'NothingToSet' });
  await assert.rejects(run(cluster, 'Set-Mailbox', { Identity: 'bo', MessageLimit: '1' }), { code: 'MailboxNotFound' });
  for (const wrong of [{ MessageLimit: '5MB' }, { ProhibitSendReceiveQuota: '-1' }, { RetainDeletedItemsFor: 'x' }]) {
    await assert.rejects(run(cluster, 'Set-Mailbox', { Identity: 'anna', ...wrong }), { code: 'ParameterInvalid' });
  }
});

test('mailbox limits: Set-MailboxDatabase and Get-MailboxDatabase: the defaults of the storage group', async () => {
  const cluster = clusterWith();
  await run(cluster, 'Set-MailboxDatabase', { Identity: IDENTITY, DeletedItemRetention: '0' });
  assert.deepEqual(cluster.asked.at(-1)?.body, { address: null, limits: { retentionMs: 0 } });
  cluster.copyAnswers['get-limits'] = { retentionMs: 0, warningBytes: null, storageBytes: 1536 * MIB, messages: 10 };
  const [row] = await run(cluster, 'Get-MailboxDatabase');
  assert.deepEqual(row, {
    Identity: IDENTITY,
    IssueWarningQuota: null,
    ProhibitSendReceiveQuota: '1536MB',
    MessageLimit: '10',
    RetainDeletedItemsFor: 0,
  });
});

test('mailbox limits: Get-Mailbox: what is used, what is allowed, and where it stands', async () => {
  const stands = async (quota: Record<string, number>) => {
    const [row] = await run(clusterWith(quota), 'Get-Mailbox');
    return [row?.['TotalItemSize'], row?.['ItemCount'], row?.['StorageLimitStatus']];
  };
  assert.deepEqual(await stands({ usedBytes: MIB, usedMessages: 2 }), ['1MB', 2, 'BelowLimit']);
  assert.deepEqual(await stands({ usedBytes: 5, warningBytes: 5 }), ['5B', 0, 'IssueWarning']);
  assert.deepEqual(await stands({ usedMessages: 3, messages: 3 }), ['0B', 3, 'MailboxDisabled']);
});

test('recoverable items: shown, and brought back by identity or all of them', async () => {
  const cluster = clusterWith();
  cluster.copyAnswers['deleted-items'] = [
    { folderId: 12, uid: 7, folderName: 'work', internalDateMs: 0, sizeBytes: 10, removedMs: 1_000, subject: 'Hi' },
  ];
  cluster.copyAnswers['restore-items'] = { restored: 1 };
  const [row] = await run(cluster, 'Get-RecoverableItems', { Identity: 'anna' });
  assert.deepEqual([row?.['Identity'], row?.['Folder'], row?.['Subject']], ['12:7', 'work', 'Hi']);
  const [answer] = await run(cluster, 'Restore-RecoverableItems', {
    Identity: 'anna',
    Item: ['12:7'],
    TargetFolder: 'x',
  });
  assert.equal(answer?.['Restored'], 1);
  assert.deepEqual(cluster.asked.at(-1)?.body, {
    address: 'anna@example.test',
    items: [{ folderId: 12, uid: 7 }],
    folderName: 'x',
  });
  await run(cluster, 'Restore-RecoverableItems', { Identity: 'anna' });
  assert.deepEqual(cluster.asked.at(-1)?.body, { address: 'anna@example.test', items: null, folderName: null });
});
