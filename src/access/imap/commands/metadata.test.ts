import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, literal, makeWorld } from '../testing/imap-world.ts';

test('metadata: set, told, taken away; of a folder and of the mailbox', async () => {
  const client = new Client(await makeWorld());
  assert.match(await client.say('a SETMETADATA INBOX (/PRIVATE/Comment "mine" /shared/comment ours)'), /^a BAD/);
  assert.equal(
    await client.say('a SETMETADATA INBOX (/PRIVATE/Comment "mine" /shared/comment "ours")'),
    'a OK SETMETADATA completed\n',
  );
  assert.equal(
    await client.say('a GETMETADATA INBOX (/private/comment /shared/comment /shared/nothing)'),
    '* METADATA INBOX (/private/comment "mine" /shared/comment "ours")\na OK GETMETADATA completed\n',
  );
  assert.equal(await client.say('a GETMETADATA "" /private/comment'), 'a OK GETMETADATA completed\n');
  await client.say('a SETMETADATA "" (/private/comment "whole")');
  assert.match(
    await client.say('a GETMETADATA "" /private/comment'),
    /^\* METADATA "" \(\/private\/comment "whole"\)\n/,
  );
  await client.say('a SETMETADATA INBOX (/private/comment NIL)');
  assert.equal(await client.say('a GETMETADATA INBOX /private/comment'), 'a OK GETMETADATA completed\n');
});

test('metadata: DEPTH and MAXSIZE: children are told as far as asked, long values are left out and named', async () => {
  const client = new Client(await makeWorld());
  await client.say('a SETMETADATA INBOX (/shared/a "1" /shared/a/b "22" /shared/a/b/c "333" /shared/ab "x")');
  const told = async (options: string) =>
    (await client.say(`a GETMETADATA ${options}INBOX /shared/a`)).split('\n').filter((line) => line !== '');
  assert.deepEqual(await told('(DEPTH 0) '), ['* METADATA INBOX (/shared/a "1")', 'a OK GETMETADATA completed']);
  assert.equal((await told('(DEPTH 1) '))[0], '* METADATA INBOX (/shared/a "1" /shared/a/b "22")');
  assert.equal(
    (await told('(DEPTH infinity) '))[0],
    '* METADATA INBOX (/shared/a "1" /shared/a/b "22" /shared/a/b/c "333")',
  );
  assert.deepEqual(await told('(MAXSIZE 1 DEPTH infinity) '), [
    '* METADATA INBOX (/shared/a "1")',
    'a OK [METADATA LONGENTRIES 3] GETMETADATA completed',
  ]);
});

test('metadata: bytes of any kind: come back as they were given', async () => {
  const client = new Client(await makeWorld());
  const value = 'line\r\n\0\xff end';
  assert.match(await client.say(`a SETMETADATA INBOX (/private/x ~${literal(value)})`), /^a OK/);
  await client.session.feed(Buffer.from('a GETMETADATA INBOX /private/x\r\n'));
  assert.ok(client.heardBytes().toString('latin1').includes(`(/private/x ~{${value.length}}\r\n${value})\r\n`));
});

test('metadata: too much, too long, wrong names, no folder: refused by name, nothing is kept', async () => {
  const client = new Client(await makeWorld());
  assert.match(
    await client.say(`a SETMETADATA INBOX (/private/x ${literal('x'.repeat(40_000))})`),
    /^a NO \[METADATA MAXSIZE 32768\]/,
  );
  const many = (from: number, count: number) =>
    Array.from({ length: count }, (_, index) => `/private/n${from + index} "v"`).join(' ');
  assert.match(await client.say(`a SETMETADATA INBOX (${many(0, 100)})`), /^a OK/);
  assert.match(await client.say('a SETMETADATA INBOX (/private/more "v")'), /^a NO \[METADATA TOOMANY\]/);
  assert.match(await client.say('a SETMETADATA INBOX (/private/n0 NIL /private/more "v")'), /^a OK/);
  assert.match(await client.say('a SETMETADATA nowhere (/private/x "v")'), /^a NO \[NONEXISTENT\]/);
  assert.match(await client.say('a GETMETADATA nowhere /private/x'), /^a NO \[NONEXISTENT\]/);
  for (const entry of [
    '/other/x',
    '/private',
    '/private/',
    '/private//x',
    '/private/x/',
    '"/private/a*"',
    'private/x',
  ]) {
    assert.match(await client.say(`a GETMETADATA INBOX ${entry}`), /^a BAD/, entry);
    await client.say('a NOOP');
  }
});

test('metadata: the folder is renamed, and deleted: the values go along, and go with it', async () => {
  const client = new Client(await makeWorld());
  await client.say('a CREATE work', 'a SETMETADATA work (/shared/comment "c")', 'a RENAME work job');
  assert.match(await client.say('a GETMETADATA job /shared/comment'), /\(\/shared\/comment "c"\)/);
  await client.say('a DELETE job', 'a CREATE job');
  assert.equal(await client.say('a GETMETADATA job /shared/comment'), 'a OK GETMETADATA completed\n');
});
