import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALL_MAILBOXES } from '../../../store/mailbox-keeping.ts';
import { Client, literal, makeWorld } from '../testing/imap-world.ts';

test('quota: nothing limited: no root is told, and there is no quota', async () => {
  const client = new Client(await makeWorld());
  assert.match(await client.say('a CAPABILITY'), / QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE /);
  assert.equal(await client.say('a GETQUOTAROOT INBOX'), '* QUOTAROOT INBOX\na OK GETQUOTAROOT completed\n');
  assert.match(await client.say('a GETQUOTA jo@example.org'), /^a NO \[NONEXISTENT\]/);
  assert.match(await client.say('a GETQUOTAROOT nowhere'), /^a NO \[NONEXISTENT\]/);
  assert.match(await client.say('a SETQUOTA x (STORAGE 1)'), /^a BAD/);
});

test('quota: limits: told with what is used, in units of 1024 octets, and OVERQUOTA beyond them', async () => {
  const world = await makeWorld();
  const client = new Client(world);
  await client.say(`a APPEND INBOX (\\Deleted) ${literal('x'.repeat(1_500))}`);
  await world.store.settings.setLimits(ALL_MAILBOXES, { storageBytes: 4_096, messages: 2, warningBytes: 1_000 });
  const quota = '* QUOTA jo@example.org (STORAGE 2 4 MESSAGE 1 2)\n';
  assert.equal(await client.say('a GETQUOTA jo@example.org'), `${quota}a OK GETQUOTA completed\n`);
  assert.equal(
    await client.say('a GETQUOTAROOT INBOX'),
    `* QUOTAROOT INBOX jo@example.org\n${quota}a OK GETQUOTAROOT completed\n`,
  );
  assert.match(await client.say('a STATUS INBOX (DELETED DELETED-STORAGE)'), /\(DELETED 1 DELETED-STORAGE 1500\)/);
  assert.match(await client.say(`a APPEND INBOX ${literal('x'.repeat(3_000))}`), /^a NO \[OVERQUOTA\]/);
  await client.say(`a APPEND INBOX ${literal('two')}`);
  assert.match(await client.say(`a APPEND INBOX ${literal('three')}`), /^a NO \[OVERQUOTA\]/);
  assert.match(await client.say('a SELECT INBOX'), /\* NO \[OVERQUOTA\] The mailbox is nearly full\n/);
  assert.match(await client.say('a COPY 2 Archive'), /^a NO \[OVERQUOTA\]/);
  assert.match(await client.say('a MOVE 2 Archive'), /a OK/);
  await client.say('a EXPUNGE');
  assert.match(await client.say('a SELECT Archive', 'a COPY 1 INBOX'), /a OK \[COPYUID/);
});
