/**
 * The largest message that is allowed, through every door and out again, on both copies; one byte more, refused by name.
 * And names of folders of any bytes: each is a folder that can be listed, selected and deleted, or refused with a reason,
 * and the session goes on.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { encodeModifiedUtf7 } from '../../src/mail/mailbox-name.ts';
import { MAX_MESSAGE_BYTES } from '../../src/store/limits.ts';
import { Demo, otherNode } from '../support/demo.ts';
import { largestMemoryBytes } from '../support/host-memory.ts';
import type { ImapClient } from '../support/imap-client.ts';
import { LineSocket } from '../support/line-socket.ts';
import { signIn } from '../support/numbered-mail.ts';
import { waitFor } from '../support/wait.ts';

const LIMIT_MS = 240_000;
const ANSWER_TIMEOUT_MS = 60_000;
/** Of each process of the host that serves, at its highest: a few times the message, not many. */
const MAX_MEMORY_BYTES = 900 * 1024 * 1024;

let demo: Demo;
before(async () => {
  demo = await Demo.start({ users: 1 });
});
after(() => demo?.stop());

/** Lines of 76 characters, each another one, so that no byte can be at a wrong place unseen. */
function messageOf(sizeBytes: number): Buffer {
  const message = Buffer.alloc(sizeBytes);
  let end = message.write('Subject: large\r\nFrom: a@example.org\r\n\r\n', 'latin1');
  for (let line = 0; end < sizeBytes - 2; line++)
    end += message.write(`${String(line).padStart(74, '.x')}\r\n`.slice(0, sizeBytes - end), end, 'latin1');
  message.write('\r\n', sizeBytes - 2, 'latin1');
  return message;
}

/** The sender is another one for each protocol, or the second message would be the first one sent again. The replies to everything that is said, one after the other; the last is that to the message, if it was asked for. */
async function send(protocol: 'smtp' | 'lmtp', message: Buffer, mailParameters = ''): Promise<readonly string[]> {
  const { address, ports, users } = demo.description;
  const socket = await LineSocket.open(address, ports[protocol], ANSWER_TIMEOUT_MS);
  const replies: string[] = [];
  const say = async (words: string | Buffer): Promise<string> => {
    if (words.length > 0) socket.write(words);
    for (;;) {
      const line = await socket.readLine();
      if (line[3] === '-') continue;
      replies.push(line);
      return line;
    }
  };
  try {
    await say('');
    await say(`${protocol === 'lmtp' ? 'LHLO' : 'EHLO'} large.example.org\r\n`);
    if (!(await say(`MAIL FROM:<${protocol}@example.org>${mailParameters}\r\n`)).startsWith('2')) return replies;
    await say(`RCPT TO:<${users[0]?.address}>\r\n`);
    if (!(await say('DATA\r\n')).startsWith('3')) return replies;
    // Dots at the beginning of a line are doubled.
    const stuffed = Buffer.from(message.toString('latin1').replace(/^\./gm, '..'), 'latin1');
    await say(Buffer.concat([stuffed, Buffer.from('.\r\n')]));
    return replies;
  } finally {
    socket.destroy();
  }
}

async function fetchesAll(client: ImapClient, message: Buffer): Promise<void> {
  await waitFor('all three are there', 60_000, async () => {
    const { untagged } = await client.ok('EXAMINE INBOX');
    return untagged.some(({ text }) => text === '* 3 EXISTS') ? true : undefined;
  });
  for (const number of [1, 2, 3]) await fetches(client, number, message);
}

async function fetches(client: ImapClient, number: number, message: Buffer): Promise<void> {
  const { untagged } = await client.ok(`FETCH ${number} (RFC822.SIZE BODY.PEEK[])`);
  const [whole] = untagged;
  assert.match(whole?.text ?? '', new RegExp(`RFC822.SIZE ${message.length}\\b`));
  assert.ok(whole?.literals[0]?.equals(message), `message ${number} is as it was sent`);
  for (const [from, count] of [
    [0, 1],
    [1_000_000, 70_000],
    [message.length - 100, 1_000],
    [message.length + 5, 10],
  ] as const) {
    const { untagged: part } = await client.ok(`FETCH ${number} BODY.PEEK[]<${from}.${count}>`);
    const expected = message.subarray(from, from + count);
    assert.ok((part[0]?.literals[0] ?? Buffer.alloc(0)).equals(expected), `bytes ${from} to ${from + count}`);
  }
}

test('large input: the largest message, by SMTP, LMTP and APPEND: whole and in parts, on both copies', {
  timeout: LIMIT_MS,
}, async () => {
  const active = await demo.waitUntilHealthy();
  const message = messageOf(MAX_MESSAGE_BYTES);
  assert.match((await send('smtp', message, ` SIZE=${message.length}`)).at(-1) ?? '', /^250 /);
  assert.match((await send('lmtp', message)).at(-1) ?? '', /^250 /);
  let client = await signIn(demo);
  await client.ok('APPEND INBOX', message);
  await fetchesAll(client, message);
  client.close();
  for (const host of [active, otherNode(active), 'hub1']) {
    const bytes = largestMemoryBytes(demo.hostFolder(host));
    console.log(`# ${host}: a process used ${Math.round(bytes / 2 ** 20)} MiB at most`);
    assert.ok(bytes < MAX_MEMORY_BYTES, `${host}: ${bytes} bytes`);
  }
  await demo.waitUntilHealthy();
  await demo.kill(active);
  await demo.waitForActive();
  client = await signIn(demo);
  await fetchesAll(client, message);
  client.close();
  await demo.startHost(active);
  await demo.waitUntilHealthy();
});

test('large input: one byte more: refused by name at every door, and nothing is stored', {
  timeout: LIMIT_MS,
}, async () => {
  const message = messageOf(MAX_MESSAGE_BYTES + 1);
  const client = await signIn(demo);
  const before = await client.ok('STATUS INBOX (MESSAGES)');
  for (const protocol of ['smtp', 'lmtp'] as const) {
    assert.match((await send(protocol, message)).at(-1) ?? '', /^552 .*(size|large|limit)/i);
    assert.match((await send(protocol, message, ` SIZE=${message.length}`)).at(-1) ?? '', /^552 .*(size|large|limit)/i);
  }
  const refused = await client.command('APPEND INBOX', message);
  assert.equal(refused.status, 'NO');
  assert.match(refused.text, /^\[TOOBIG\]/);
  assert.deepEqual((await client.ok('STATUS INBOX (MESSAGES)')).untagged, before.untagged);
  client.close();
});

const utf7 = (name: string): Buffer => Buffer.from(encodeModifiedUtf7(name));
const refusals: readonly [what: string, name: Buffer][] = [
  ['modified UTF-7 of a letter that needs none', Buffer.from('&AGE-')],
  ['a shift that does not end', Buffer.from('ab&AOk')],
  ['a shift of half a character', Buffer.from('&AO-')],
  ['half of a pair', Buffer.from('&2D0-')],
  ['UTF-8 before it was enabled', Buffer.from('Grüße')],
  ['bytes that are no UTF-8', Buffer.from([0x61, 0xff, 0xfe])],
  ['a control character', Buffer.from('a\x07b')],
  ['a line end', Buffer.from('a\r\nb')],
  ['a line separator', utf7('a\u2028b')],
  ['nothing', Buffer.alloc(0)],
  ['a slash', Buffer.from('/')],
  ['a slash in front', Buffer.from('/a')],
  ['two slashes', Buffer.from('a//b')],
  ['the folder above', Buffer.from('a/../b')],
  ['1,000 levels', Buffer.from(`${'a/'.repeat(999)}a`)],
  ['10,000 bytes', Buffer.alloc(10_000, 0x61)],
  ['1,000 emoji', utf7('😀'.repeat(1_000))],
];
const accepted: readonly [what: string, name: string][] = [
  ['from right to left', 'שלום/عربي'],
  ['an override of the direction', 'a\u202Etxt.exe'],
  ['emoji, one of many parts', '😀 👩‍👩‍👧‍👦'],
  ['an ampersand', 'R&D'],
  ['quotes, backslash, wildcards', 'a "b" \\ % * c'],
  ['leading and trailing spaces', ' a '],
  ['a name that looks like an answer', '* OK [ALERT] x'],
  ['INBOX with a child', 'INBOX/child'],
];

test('folder names: of any bytes that cannot be one: refused with a reason, and the session goes on', async () => {
  const client = await signIn(demo);
  for (const [what, name] of refusals) {
    const answer = await client.command('CREATE', name);
    assert.notEqual(answer.status, 'OK', what);
    assert.ok(answer.text.length > 10, `${what}: ${answer.text}`);
  }
  await client.ok('NOOP');
  client.close();
});

test('folder names: a NUL in a literal: refused, and whatever happens to the session, the server serves', async () => {
  const client = await signIn(demo);
  const answer = await client.command('CREATE', Buffer.from('a\0b'));
  assert.notEqual(answer.status, 'OK', answer.text);
  client.close();
  (await signIn(demo)).close();
});

test('folder names: unusual ones that can be: listed as they were made, selected, renamed, deleted', async () => {
  const client = await signIn(demo);
  for (const [what, name] of accepted) {
    await client.ok('CREATE', utf7(name));
    const { untagged } = await client.ok('LIST "" "*"');
    const isListed = untagged.some(({ text, literals }) => {
      const quoted = `"${encodeModifiedUtf7(name).replace(/["\\]/g, '\\$&')}"`;
      return text.endsWith(` ${quoted}`) || text.endsWith(` ${quoted.slice(1, -1)}`) || literals[0]?.equals(utf7(name));
    });
    assert.ok(isListed, `${what}: ${untagged.map(({ text }) => text).join('\n')}`);
    await client.ok('SELECT', utf7(name));
    await client.ok('CLOSE');
    await client.ok('DELETE', utf7(name));
  }
  client.close();
});

test('folder names: one letter written in two ways: one folder', async () => {
  const client = await signIn(demo);
  await client.ok('CREATE', utf7('Caf\u00e9'));
  const again = await client.command('CREATE', utf7('Cafe\u0301'));
  assert.match(`${again.status} ${again.text}`, /^NO \[ALREADYEXISTS\]/);
  await client.ok('DELETE', utf7('Cafe\u0301'));
  client.close();
});
