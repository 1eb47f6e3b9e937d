import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, literal, makeWorld } from '../testing/imap-world.ts';

async function names(client: Client, command: string): Promise<string[]> {
  const lines = (await client.say(`a ${command}`)).split('\n').filter((line) => line.startsWith('* '));
  return lines.map((line) => line.replace(/^\* \w+ /, '').replace(' "/"', ''));
}

test('folders: LIST: patterns, special use, children, separator', async () => {
  const client = new Client(await makeWorld());
  await client.say('a CREATE "work/a b/c"');
  assert.deepEqual(await names(client, 'LIST "" ""'), ['(\\Noselect) ""']);
  assert.deepEqual(await names(client, 'LIST "" inbox'), ['(\\HasNoChildren) INBOX']);
  assert.deepEqual(await names(client, 'LIST "" work/%'), ['(\\HasChildren) "work/a b"']);
  assert.deepEqual(await names(client, 'LIST work/ *'), [
    '(\\HasChildren) "work/a b"',
    '(\\HasNoChildren) "work/a b/c"',
  ]);
  assert.deepEqual(await names(client, 'LIST "" S%t'), ['(\\HasNoChildren \\Sent) Sent']);
  assert.equal((await names(client, 'LIST "" %')).length, 7);
  assert.equal((await names(client, 'LIST "" *')).length, 9);
});

test('folders: LIST extended: selection, RETURN, STATUS', async () => {
  const client = new Client(await makeWorld());
  await client.say('a CREATE x/y', 'a SUBSCRIBE x/y', 'a CREATE gone', 'a SUBSCRIBE gone', 'a DELETE gone');
  assert.deepEqual(await names(client, 'LIST (SUBSCRIBED) "" (x* gone)'), [
    '(\\NonExistent \\HasNoChildren \\Subscribed) gone',
    '(\\HasNoChildren \\Subscribed) x/y',
  ]);
  assert.deepEqual(await names(client, 'LIST (SUBSCRIBED RECURSIVEMATCH) "" x'), [
    '(\\HasChildren) x ("CHILDINFO" ("SUBSCRIBED"))',
  ]);
  assert.equal((await names(client, 'LIST (SPECIAL-USE) "" *')).length, 5);
  assert.deepEqual(await names(client, 'LIST "" x RETURN (STATUS (MESSAGES UIDNEXT) SUBSCRIBED CHILDREN)'), [
    '(\\HasChildren) x',
    'x (MESSAGES 0 UIDNEXT 1)',
  ]);
  for (const wrong of ['(RECURSIVEMATCH) "" *', '(X) "" *', '"" * RETURN (X)', '"" ()', '"" * RETURN (STATUS (X))']) {
    assert.match(await client.say(`a LIST ${wrong}`), /^a BAD/, wrong);
    await client.say('a NOOP');
  }
});

test('folders: LSUB: subscribed names, and what stands above them', async () => {
  const client = new Client(await makeWorld());
  await client.say('a CREATE x/y/z', 'a SUBSCRIBE x/y/z', 'a UNSUBSCRIBE Sent');
  assert.deepEqual(await names(client, 'LSUB "" x/%'), ['(\\Noselect) x/y']);
  assert.deepEqual(await names(client, 'LSUB "" x*'), ['() x/y/z']);
  assert.deepEqual(await names(client, 'LSUB "" S*'), []);
  assert.match(await client.say('a SUBSCRIBE nowhere'), /^a NO \[NONEXISTENT\]/);
});

test('folders: names in modified UTF-7: strict, and the same folder every time', async () => {
  const client = new Client(await makeWorld());
  assert.match(await client.say('a CREATE "Entw&APw-rfe"'), /^a OK/);
  assert.deepEqual(await names(client, 'LIST "" Ent*'), ['(\\HasNoChildren) Entw&APw-rfe']);
  // u + combining diaeresis is the same name.
  assert.match(await client.say('a CREATE "Entwu&Awg-rfe"'), /^a NO \[ALREADYEXISTS\]/);
  for (const wrong of ['&AGE-', '&', '&AOk', '&2AA-', 'a&b']) {
    assert.match(await client.say(`a CREATE ${wrong}`), /^a BAD/, wrong);
    await client.say('a NOOP');
  }
});

test('folders: names that cannot be: NO, and nothing is made', async () => {
  const client = new Client(await makeWorld());
  for (const name of ['/x', 'x//y', '../x', 'x/..', '.', '""', 'x'.repeat(1_001), 'd/'.repeat(40)]) {
    assert.match(await client.say(`a CREATE ${name}`), /^a NO \[CANNOT\]/, name);
  }
  assert.match(await client.say('a CREATE INBOX'), /^a NO \[/);
  assert.match(await client.say('a DELETE INBOX'), /^a NO \[CANNOT\]/);
  assert.match(await client.say('a SELECT nowhere'), /^a NO \[NONEXISTENT\]/);
  assert.equal((await names(client, 'LIST "" *')).length, 6);
});

test('folders: CREATE, RENAME, DELETE: and the response codes of what does not work', async () => {
  const client = new Client(await makeWorld());
  assert.match(await client.say('a CREATE work/'), /^a OK/);
  assert.match(await client.say('a CREATE work'), /^a NO \[ALREADYEXISTS\]/);
  assert.match(await client.say('a CREATE work/x', 'b DELETE work'), /b NO \[HASCHILDREN\]/);
  assert.match(await client.say('a RENAME work home'), /^a OK/);
  assert.deepEqual(await names(client, 'LIST "" home*'), ['(\\HasChildren) home', '(\\HasNoChildren) home/x']);
  assert.match(await client.say('a RENAME nowhere x'), /^a NO \[NONEXISTENT\]/);
  assert.match(await client.say('a RENAME home Sent'), /^a NO \[ALREADYEXISTS\]/);
  assert.match(await client.say('a DELETE home/x', 'b DELETE home'), /a OK[\s\S]*b OK/);
});

test('folders: RENAME INBOX: its messages move, the inbox stays', async () => {
  const client = new Client(await makeWorld());
  await client.say(`a APPEND INBOX ${literal('Subject: x\r\n\r\n')}`, 'b SELECT INBOX');
  assert.equal(await client.say('c RENAME INBOX old'), '* 1 EXPUNGE\nc OK RENAME completed\n');
  assert.match(await client.say('d STATUS old (MESSAGES)'), /^\* STATUS old \(MESSAGES 1\)\nd OK/);
});

test('folders: DELETE of the folder selected: leaves it', async () => {
  const client = new Client(await makeWorld());
  await client.say('a CREATE x', 'b SELECT x');
  assert.equal(await client.say('c DELETE x', 'd CHECK'), 'c OK DELETE completed\nd BAD Select a folder first\n');
});

test('folders: SELECT: says what there is; a failed one leaves nothing selected', async () => {
  const client = new Client(await makeWorld());
  await client.say(`a APPEND INBOX (\\Seen) ${literal('x')} ${literal('y')}`);
  assert.match(
    await client.say('b SELECT INBOX'),
    /^\* FLAGS \([^)]*\)\n\* 2 EXISTS\n\* 0 RECENT\n\* OK \[PERMANENTFLAGS \([^)]*\\\*\)\] [\s\S]*UIDVALIDITY \d+\][\s\S]*UIDNEXT 3\][\s\S]*UNSEEN 2\][\s\S]*\nb OK \[READ-WRITE\]/,
  );
  assert.match(await client.say('c EXAMINE INBOX'), /PERMANENTFLAGS \(\)\][\s\S]*c OK \[READ-ONLY\]/);
  assert.match(await client.say('d STORE 1 FLAGS ()'), /^d NO /);
  assert.match(await client.say('e SELECT nowhere', 'f CHECK'), /^e NO \[NONEXISTENT\][\s\S]*f BAD/);
});

test('folders: STATUS, NAMESPACE, ID, CAPABILITY: answered', async () => {
  const client = new Client(await makeWorld());
  await client.say(`a APPEND INBOX ${literal('abc')}`);
  assert.match(
    await client.say('a STATUS inbox (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN SIZE APPENDLIMIT)'),
    /^\* STATUS INBOX \(MESSAGES 1 RECENT 0 UIDNEXT 2 UIDVALIDITY \d+ UNSEEN 1 SIZE 3 APPENDLIMIT 52428800\)\na OK/,
  );
  assert.equal(
    await client.say('a NAMESPACE'),
    '* NAMESPACE (("" "/")) (("Other Users/" "/")) NIL\na OK NAMESPACE completed\n',
  );
  assert.match(
    await client.say('a ID NIL', 'b CAPABILITY'),
    /\* ID \("name" "Holdfast"\)\na OK[\s\S]*\* CAPABILITY IMAP4rev1 /,
  );
  assert.match(await client.say('a STATUS INBOX ()'), /^a BAD/);
});

test('folders: LIST with a hostile pattern over many folders: takes little time', async () => {
  const world = await makeWorld();
  const client = new Client(world);
  for (let index = 0; index < 500; index++)
    await world.store.createFolder(world.mailboxId, `${'a'.repeat(60)}${index}`);
  const startMs = performance.now();
  assert.match(await client.say(`a LIST "" ${'%*'.repeat(1_000)}b`), /^a OK/);
  assert.ok(performance.now() - startMs < 2_000);
});
