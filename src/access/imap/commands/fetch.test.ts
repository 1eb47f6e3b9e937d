import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sessionLimits } from '../../limits.ts';
import { Client, type ImapWorld, literal, makeWorld } from '../testing/imap-world.ts';

const mail = [
  'Date: Wed, 17 Jul 1996 02:23:25 -0700',
  'From: "Jo \\"the\\" X" <jo@example.org>',
  'To: a@example.org,',
  ' b@example.org',
  'Subject: =?utf-8?q?=C3=A9?=',
  'Message-ID: <1@example.org>',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  'Content-Type: text/plain; charset=utf-8',
  '',
  'line one',
  'line two',
  '',
  '--b',
  'Content-Type: message/rfc822',
  '',
  'Subject: inner',
  '',
  'inner body',
  '--b--',
  '',
].join('\r\n');

async function open(world: ImapWorld, ...messages: readonly string[]): Promise<Client> {
  const client = new Client(world);
  for (const message of messages) await client.say(`a APPEND INBOX "17-Jul-1996 02:44:25 -0700" ${literal(message)}`);
  await client.say('a SELECT INBOX');
  return client;
}

test('fetch: envelope, structure, dates and sizes: in one response', async () => {
  const client = await open(await makeWorld(), mail);
  assert.equal(
    await client.say('a FETCH 1 (UID INTERNALDATE RFC822.SIZE ENVELOPE)'),
    `* 1 FETCH (UID 1 INTERNALDATE "17-Jul-1996 09:44:25 +0000" RFC822.SIZE ${mail.length} ENVELOPE (` +
      '"Wed, 17 Jul 1996 02:23:25 -0700" "=?utf-8?q?=C3=A9?=" (("Jo \\"the\\" X" NIL "jo" "example.org")) ' +
      '(("Jo \\"the\\" X" NIL "jo" "example.org")) (("Jo \\"the\\" X" NIL "jo" "example.org")) ' +
      '((NIL NIL "a" "example.org")(NIL NIL "b" "example.org")) NIL NIL NIL "<1@example.org>"))\na OK FETCH completed\n',
  );
  assert.equal(
    await client.say('a FETCH 1 BODY'),
    '* 1 FETCH (BODY (("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "7BIT" 20 2)' +
      '("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 28 (NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL) ' +
      '("TEXT" "PLAIN" ("CHARSET" "us-ascii") NIL NIL "7BIT" 10 0) 2) "MIXED"))\na OK FETCH completed\n',
  );
});

test('fetch: macros and single items: as the RFC names them', async () => {
  const client = await open(await makeWorld(), 'Subject: x\r\n\r\ny');
  const start = '* 1 FETCH (FLAGS () INTERNALDATE "17-Jul-1996 09:44:25 +0000" RFC822.SIZE 15';
  assert.equal(await client.say('a FETCH 1 FAST'), `${start})\na OK FETCH completed\n`);
  assert.match(await client.say('a FETCH 1 ALL'), / ENVELOPE \([\s\S]*\)\)\n/);
  assert.match(await client.say('a FETCH 1 FULL'), / ENVELOPE \([\s\S]*\) BODY \([\s\S]*\)\)\n/);
  assert.equal(await client.say('a UID FETCH 1 FLAGS'), '* 1 FETCH (UID 1 FLAGS ())\na OK UID FETCH completed\n');
});

test('fetch: sections: byte for byte', async () => {
  const client = await open(await makeWorld(), mail);
  const headerEnd = mail.indexOf('\r\n\r\n') + 4;
  const expected: readonly (readonly [string, string | null])[] = [
    ['BODY[]', mail],
    ['BODY[HEADER]', mail.slice(0, headerEnd)],
    ['BODY[TEXT]', mail.slice(headerEnd)],
    ['BODY[1]', 'line one\r\nline two\r\n'],
    ['BODY[1.MIME]', 'Content-Type: text/plain; charset=utf-8\r\n\r\n'],
    ['BODY[2]', 'Subject: inner\r\n\r\ninner body'],
    ['BODY[2.HEADER]', 'Subject: inner\r\n\r\n'],
    ['BODY[2.TEXT]', 'inner body'],
    ['BODY[2.1]', 'inner body'],
    ['BODY[3]', null],
    ['BODY[1.HEADER]', null],
    ['BODY[HEADER.FIELDS (TO X)]', 'To: a@example.org,\r\n b@example.org\r\n\r\n'],
    ['BODY[2.HEADER.FIELDS (SUBJECT)]', 'Subject: inner\r\n\r\n'],
    ['BODY[2.HEADER.FIELDS.NOT (SUBJECT)]', '\r\n'],
    ['RFC822', mail],
    ['RFC822.HEADER', mail.slice(0, headerEnd)],
    ['RFC822.TEXT', mail.slice(headerEnd)],
  ];
  for (const [item, bytes] of expected) {
    const peek = item.startsWith('BODY[') ? item.replace('BODY', 'BODY.PEEK') : item;
    await client.say('x STORE 1 +FLAGS.SILENT (\\Seen)');
    await client.session.feed(Buffer.from(`a FETCH 1 ${peek}\r\n`));
    const value = bytes === null ? 'NIL' : `{${bytes.length}}\r\n${bytes}`;
    assert.equal(client.heardBytes().toString('latin1'), `* 1 FETCH (${item} ${value})\r\na OK FETCH completed\r\n`);
  }
});

test('fetch: partial: every offset and length gives exactly that cut', async () => {
  const client = await open(await makeWorld(), mail);
  for (const [offset, length] of [
    [0, 1],
    [0, 5],
    [10, 20],
    [mail.length - 1, 5],
    [mail.length, 5],
    [999_999, 4294967295],
  ]) {
    const cut = mail.slice(offset, (offset ?? 0) + (length ?? 0));
    await client.session.feed(Buffer.from(`a FETCH 1 BODY.PEEK[]<${offset}.${length}>\r\n`));
    assert.equal(
      client.heardBytes().toString('latin1'),
      `* 1 FETCH (BODY[]<${offset}> {${cut.length}}\r\n${cut})\r\na OK FETCH completed\r\n`,
    );
  }
  assert.match(
    await client.say('a FETCH 1 BODY.PEEK[HEADER.FIELDS (To)]<4.3>'),
    /BODY\[HEADER\.FIELDS \(To\)\]<4> \{3\}\na@e\)/,
  );
});

test('fetch: a message longer than a piece: arrives whole, whatever bytes it has', async () => {
  const world = await makeWorld();
  const bytes = Buffer.alloc(1_000_000);
  for (let index = 0; index < bytes.length; index++) bytes[index] = (index * 7919) % 255 || 1;
  const client = new Client(world);
  await client.session.feed(
    Buffer.concat([Buffer.from(`a APPEND INBOX {${bytes.length}+}\r\n`), bytes, Buffer.from('\r\n')]),
  );
  assert.match(client.heard(), /^a OK/);
  await client.say('a SELECT INBOX');
  await client.session.feed(Buffer.from('a FETCH 1 BODY.PEEK[]\r\n'));
  const heard = client.heardBytes();
  const start = heard.indexOf('}\r\n') + 3;
  assert.deepEqual(heard.subarray(start, start + bytes.length), bytes);
});

test('fetch: BODY[] sets \\Seen and says so, PEEK and EXAMINE do not', async () => {
  const world = await makeWorld();
  const client = await open(world, 'Subject: x\r\n\r\ny', 'Subject: z\r\n\r\ny');
  assert.equal(
    await client.say('a FETCH 1 (FLAGS BODY.PEEK[TEXT])'),
    '* 1 FETCH (FLAGS () BODY[TEXT] {1}\ny)\na OK FETCH completed\n',
  );
  assert.equal(
    await client.say('a FETCH 1 (FLAGS BODY[TEXT])'),
    '* 1 FETCH (BODY[TEXT] {1}\ny FLAGS (\\Seen))\na OK FETCH completed\n',
  );
  assert.equal(await client.say('a FETCH 1 BODY[TEXT]'), '* 1 FETCH (BODY[TEXT] {1}\ny)\na OK FETCH completed\n');
  await client.say('a EXAMINE INBOX');
  assert.equal(
    await client.say('a FETCH 2 (FLAGS RFC822.TEXT)'),
    '* 2 FETCH (FLAGS () RFC822.TEXT {1}\ny)\na OK FETCH completed\n',
  );
});

test('fetch: a damaged message: the others come, the answer says NO', async () => {
  const world = await makeWorld();
  const client = await open(
    world,
    'Subject: one\r\n\r\n1',
    `Subject: two\r\n\r\n${'x'.repeat(9_000_000)}`,
    'Subject: three\r\n\r\n3',
  );
  const [{ pack, length }] = world.packs.list() as [{ pack: number; length: number }];
  world.packs.damage(pack, length - 5_000_000);
  const answer = await client.say('a FETCH 1:3 BODY.PEEK[TEXT]<0.1>');
  assert.match(answer, /\* 1 FETCH[\s\S]*\* 3 FETCH/);
  assert.match(answer, /\na NO \[CORRUPTION\] A message is damaged on this copy\n$/);
});

test('fetch: wrong items: BAD', async () => {
  const client = await open(await makeWorld(), mail);
  const deep = `BODY[${Array.from({ length: 500 }, () => 1).join('.')}]`;
  for (const item of [
    'X',
    '()',
    'BODY[',
    'BODY[0]',
    'BODY[1.]',
    'BODY[1TEXT]',
    'BODY[.1]',
    'BODY[MIME]',
    'BODY[TEXT]x',
    'BODY[]<1>',
    'BODY[]<1.0>',
    'BODY[HEADER.FIELDS]',
    'BODY[HEADER.FIELDS ()]',
    'BODY[HEADER.FIELDS ("a\tb")]',
    'BODY[HEADER.FIELDS (a) ]',
    'BODY.PEEK',
    '(FLAGS',
    '(ALL)',
    deep,
  ]) {
    assert.match(await client.say(`a FETCH 1 ${item}`), /^a BAD /, item);
    await client.say('b NOOP');
  }
  const many = Array.from({ length: sessionLimits.fetchItems + 1 }, (_, index) => `BODY[]<${index}.1>`);
  assert.match(await client.say(`a FETCH 1 (${many.join(' ')})`), /^a BAD /);
});
