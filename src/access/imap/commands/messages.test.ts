import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, literal, makeWorld } from '../testing/imap-world.ts';

async function withMail(count: number): Promise<Client> {
  const client = new Client(await makeWorld());
  for (let index = 1; index <= count; index++)
    await client.say(`a APPEND INBOX ${literal(`Subject: m${index}\r\n\r\nbody ${index}\r\n`)}`);
  await client.say('a SELECT INBOX');
  return client;
}

test('append: flags, date, several at once: APPENDUID, and the bytes as they came', async () => {
  const client = new Client(await makeWorld());
  const odd = 'bare\nlf\r and \xff bytes';
  const answer = await client.say(
    `a APPEND INBOX (\\Seen kw) " 1-Feb-2020 00:00:00 +0000" ${literal(odd)} (\\Draft) ${literal('two')} ${literal('3')}`,
  );
  assert.match(answer, /^a OK \[APPENDUID \d+ 1:3\] APPEND completed\n$/);
  await client.say('b SELECT INBOX');
  await client.session.feed(Buffer.from('c FETCH 1:3 (FLAGS INTERNALDATE BODY.PEEK[])\r\n'));
  const heard = client.heardBytes().toString('latin1');
  assert.ok(
    heard.includes(`FLAGS (\\Seen kw) INTERNALDATE " 1-Feb-2020 00:00:00 +0000" BODY[] {${odd.length}}\r\n${odd})`),
  );
  assert.ok(heard.includes('* 2 FETCH (FLAGS (\\Draft) INTERNALDATE " 2-Jan-2026 03:04:05 +0000" BODY[] {3}\r\ntwo)'));
});

test('append: what is wrong: TRYCREATE, TOOBIG before the plus, BAD, and nothing is kept', async () => {
  const client = new Client(await makeWorld());
  assert.match(await client.say(`a APPEND nowhere ${literal('x')}`), /^a NO \[TRYCREATE\]/);
  assert.equal(await client.say('b APPEND INBOX {52428801}'), 'b NO [TOOBIG] Message is too big\n');
  assert.equal(
    await client.say(`c APPEND INBOX {60000000}`, 'd NOOP'),
    'c NO [TOOBIG] Message is too big\nd OK NOOP completed\n',
  );
  assert.match(await client.say(`e APPEND INBOX ${literal('x')} ${literal('')}`), /^e NO An empty/);
  for (const wrong of [
    '"quoted"',
    '(\\Recent) {1+}\r\nx',
    '"1-Xxx-2020 00:00:00 +0000" {1+}\r\nx',
    '{1+}\r\n\0',
    '~{1+}\r\nx',
    '',
  ]) {
    assert.match(await client.say(`f APPEND INBOX ${wrong}`), /^f BAD/, wrong);
    await client.say('g NOOP');
  }
  assert.match(await client.say('h STATUS INBOX (MESSAGES)'), /MESSAGES 0/);
  assert.equal(await client.say('i APPEND INBOX {3}'), '+ Go on\n');
  assert.match(await client.say('abc'), /^i OK/);
});

test('store: add, remove, replace, keywords, silent: each as asked', async () => {
  const client = await withMail(2);
  assert.equal(
    await client.say('a STORE 1 +FLAGS (\\Seen $Junk)'),
    '* 1 FETCH (FLAGS (\\Seen $Junk))\na OK STORE completed\n',
  );
  assert.equal(await client.say('a STORE 1 -FLAGS \\Seen'), '* 1 FETCH (FLAGS ($Junk))\na OK STORE completed\n');
  assert.equal(
    await client.say('a STORE 1:* FLAGS \\Draft \\Deleted'),
    '* 1 FETCH (FLAGS (\\Deleted \\Draft))\n* 2 FETCH (FLAGS (\\Deleted \\Draft))\na OK STORE completed\n',
  );
  assert.equal(await client.say('a UID STORE 2 FLAGS.SILENT ()'), 'a OK UID STORE completed\n');
  assert.equal(await client.say('a UID STORE 2 +FLAGS ()'), '* 2 FETCH (UID 2 FLAGS ())\na OK UID STORE completed\n');
  for (const wrong of ['FLAGS', 'XFLAGS ()', 'FLAGS (\\Recent)', 'FLAGS (\\X)', '+FLAGS.LOUD ()', 'FLAGS (\\*)']) {
    assert.match(await client.say(`a STORE 1 ${wrong}`), /^a BAD/, wrong);
    await client.say('a NOOP');
  }
});

test('copy and move: COPYUID pairs them, MOVE expunges here', async () => {
  const client = await withMail(4);
  assert.match(await client.say('a COPY 2,4 Sent'), /^a OK \[COPYUID \d+ 2,4 1:2\]/);
  assert.match(await client.say('a UID COPY 99 Sent'), /^a OK UID COPY completed\n$/);
  assert.match(
    await client.say('a UID MOVE 1,3 Sent'),
    /^\* OK \[COPYUID \d+ 1,3 3:4\] Moved\n\* 3 EXPUNGE\n\* 1 EXPUNGE\na OK/,
  );
  assert.match(await client.say('a MOVE 1 INBOX'), /^\* OK \[COPYUID \d+ 2 5\] Moved\n\* 1 EXPUNGE\n\* 2 EXISTS\n/);
  assert.match(await client.say('a MOVE 1 nowhere'), /^a NO \[TRYCREATE\]/);
  assert.match(await client.say('a UID FETCH 1:* BODY.PEEK[TEXT]'), /UID 4 [\s\S]*body 4[\s\S]*UID 5 [\s\S]*body 2/);
});

test('expunge: all, some, on close, and not when only reading', async () => {
  const client = await withMail(4);
  await client.say('a STORE 1:3 +FLAGS.SILENT (\\Deleted)');
  assert.equal(await client.say('a UID EXPUNGE 2,4'), '* 2 EXPUNGE\na OK UID EXPUNGE completed\n');
  assert.equal(await client.say('a EXPUNGE'), '* 2 EXPUNGE\n* 1 EXPUNGE\na OK EXPUNGE completed\n');
  await client.say('a STORE 1 +FLAGS.SILENT (\\Deleted)', 'b EXAMINE INBOX');
  assert.match(await client.say('a EXPUNGE'), /^a NO/);
  assert.match(await client.say('a CLOSE', 'b STATUS INBOX (MESSAGES)'), /MESSAGES 1/);
  assert.match(await client.say('a SELECT INBOX', 'b UNSELECT', 'c STATUS INBOX (MESSAGES)'), /MESSAGES 1/);
  assert.match(
    await client.say('a SELECT INBOX', 'b CLOSE', 'c STATUS INBOX (MESSAGES)'),
    /b OK CLOSE completed\n[\s\S]*MESSAGES 0/,
  );
});

test('search: keys: find what they say', async () => {
  const client = await withMail(3);
  await client.say('a STORE 2 +FLAGS.SILENT (\\Seen kw)');
  const expected: readonly (readonly [string, string])[] = [
    ['ALL', ' 1 2 3'],
    ['SEEN', ' 2'],
    ['UNSEEN', ' 1 3'],
    ['KEYWORD KW', ' 2'],
    ['UNKEYWORD kw', ' 1 3'],
    ['2:*', ' 2 3'],
    ['UID 1,3', ' 1 3'],
    ['NOT 2', ' 1 3'],
    ['OR 1 SUBJECT m3', ' 1 3'],
    ['(1:2 UNSEEN)', ' 1'],
    ['SUBJECT M2', ' 2'],
    ['HEADER Subject m1', ' 1'],
    ['BODY "body 3"', ' 3'],
    ['TEXT {2+}\r\nm2', ' 2'],
    ['SINCE 1-Jan-2026 BEFORE 3-Jan-2026', ' 1 2 3'],
    ['ON "1-Jan-2026"', ''],
    ['LARGER 10 SMALLER 100', ' 1 2 3'],
    ['CHARSET UTF-8 NOT SEEN', ' 1 3'],
    ['FROM x', ''],
  ];
  for (const [key, found] of expected) {
    assert.equal(await client.say(`a SEARCH ${key}`), `* SEARCH${found}\na OK SEARCH completed\n`, key);
  }
  assert.equal(
    await client.say('a SEARCH RETURN (MIN MAX COUNT) UNSEEN'),
    '* ESEARCH (TAG "a") MIN 1 MAX 3 COUNT 2\na OK SEARCH completed\n',
  );
  assert.equal(
    await client.say('a UID SEARCH RETURN () 1:3'),
    '* ESEARCH (TAG "a") UID ALL 1:3\na OK UID SEARCH completed\n',
  );
  assert.equal(
    await client.say('a SEARCH RETURN (ALL COUNT) FROM x'),
    '* ESEARCH (TAG "a") COUNT 0\na OK SEARCH completed\n',
  );
  assert.match(await client.say('a SEARCH CHARSET X-Y SUBJECT x'), /^a NO \[BADCHARSET \(UTF-8 US-ASCII\)\]/);
});

test('search: bombs: BAD, in little time', async () => {
  const client = await withMail(1);
  const deep = [
    'NOT '.repeat(100).concat('ALL'),
    'OR ALL '.repeat(100).concat('ALL'),
    `${'('.repeat(31)}NOT NOT ALL${')'.repeat(31)}`,
  ];
  for (const key of [
    ...deep,
    '(',
    '()',
    'NOT',
    'OR ALL',
    'SINCE x',
    'LARGER -1',
    'X',
    'KEYWORD \\Seen',
    'UID x',
    'SUBJECT "\xff"',
  ]) {
    assert.match(await client.say(`a SEARCH ${key}`), /^a BAD/, key.slice(0, 20));
    await client.say('a NOOP');
  }
  assert.equal(await client.say(`a SEARCH ${'NOT '.repeat(28)}ALL`), '* SEARCH 1\na OK SEARCH completed\n');
});
