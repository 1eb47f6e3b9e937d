/** Real mail through real programs: in by SMTP, out by IMAP, and every byte as it was. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { hasProgram } from '../../scripts/test-programs.ts';
import { Demo } from '../support/demo.ts';
import { idHeader, sha256Of } from '../support/history.ts';
import { ImapClient } from '../support/imap-client.ts';
import { runProgram } from '../support/program.ts';
import type { Account } from '../support/read-mail.ts';
import { skipWithout } from '../support/skip-without.ts';
import { compareMail } from './compare-mail.ts';
import { readBack } from './read-back.ts';
import { authorityOf, readingClients } from './reading-clients.ts';
import { CORPUS_MESSAGES, sentMail } from './sent-mail.ts';

const USERS = 10;
const SETUP_TIMEOUT_MS = 240_000;

let demo: Demo;
let sent: ReadonlyMap<string, readonly Buffer[]>;

before(
  async () => {
    demo = await Demo.start({ users: USERS, mail: true });
    sent = sentMail(demo.description.users.map((user) => user.address));
  },
  { timeout: SETUP_TIMEOUT_MS },
);
after(() => demo?.stop());

for (const client of readingClients) {
  const title = `peers: ${client.name} reads the real mail back: every byte is as it was sent`;
  test(title, { skip: skipWithout(client.programs) }, async () => {
    const result = await readBack(client, demo, sent);
    assert.deepEqual(result.faults.slice(0, 10), []);
    assert.equal(result.equal, result.sent);
    const mailboxes = Math.min(client.mailboxes, USERS);
    assert.ok(result.sent >= Math.floor(CORPUS_MESSAGES / USERS) * mailboxes, `only ${result.sent} were compared`);
    if (client.mailboxes >= USERS) assert.equal(result.sent, CORPUS_MESSAGES);
  });
}

/** Its TLS is a Perl module of its own, which Debian's package only recommends. */
async function swaksWithoutTls(): Promise<string | false> {
  const skip = skipWithout(['swaks']);
  if (skip !== false || !hasProgram('swaks')) return skip;
  const { stdout } = await runProgram('swaks', ['--support']);
  return stdout.includes('=== TLS supported') || process.env['CI'] === 'true'
    ? false
    : 'swaks has no TLS (Net::SSLeay)';
}

test('peers: swaks submits with STARTTLS and AUTH: the message arrives as it was written', {
  skip: await swaksWithoutTls(),
}, async () => {
  const { from, to, server, message } = submission('peers.swaks');
  const common = ['--server', server, '--from', from.address, '--to', to.address, '--data', '-'];
  const tls = ['--tls', '--tls-verify', '--tls-ca-path', authorityOf(demo)];
  const login = ['--auth', 'PLAIN', '--auth-user', from.address, '--auth-password', from.password];
  const input = message.slice(0, -'\r\n'.length); // it ends the last line itself
  const stranger = await runProgram('swaks', [...common, ...tls], { input });
  assert.notEqual(stranger.code, 0, 'without a login nothing is taken');
  const { code, stdout } = await runProgram('swaks', [...common, ...tls, ...login], { input });
  assert.equal(code, 0, stdout.toString('utf8'));
  assert.match(stdout.toString('utf8'), /TLS started/);
  assert.deepEqual((await find(to, 'peers.swaks')).map(sha256Of), [sha256Of(Buffer.from(message))]);
});

test('peers: curl submits with STARTTLS and AUTH: the message arrives as it was written', {
  skip: skipWithout(['curl']),
}, async () => {
  const { from, to, server, message } = submission('peers.curl');
  const common = ['--silent', '--show-error', '--ssl-reqd', '--cacert', authorityOf(demo), '--url', `smtp://${server}`];
  const mail = ['--mail-from', from.address, '--mail-rcpt', to.address, '--upload-file', '-'];
  const stranger = await runProgram('curl', [...common, ...mail], { input: message });
  assert.notEqual(stranger.code, 0, 'without a login nothing is taken');
  const login = ['--user', `${from.address}:${from.password}`];
  const { code, stderr } = await runProgram('curl', [...common, ...login, ...mail], { input: message });
  assert.equal(code, 0, stderr);
  assert.deepEqual((await find(to, 'peers.curl')).map(sha256Of), [sha256Of(Buffer.from(message))]);
});

function submission(id: string) {
  const { ports, address, users } = demo.description;
  const [from, to] = users;
  assert.ok(from !== undefined && to !== undefined);
  const header = `From: <${from.address}>\r\nTo: <${to.address}>\r\nSubject: ${id}\r\n${idHeader(id)}`;
  return { from, to, server: `${address}:${ports.submission}`, message: `${header}\r\nHello\r\n..dots\r\n` };
}

async function find(account: Account, id: string): Promise<readonly Buffer[]> {
  const { address, ports } = demo.description;
  const client = await ImapClient.open(address, ports.imap);
  try {
    await client.login(account.address, account.password);
    await client.ok('SELECT INBOX');
    const { untagged } = await client.ok(`UID SEARCH HEADER Message-ID "${id}"`);
    const uids = untagged.flatMap(({ text }) => /^\* SEARCH (.+)$/.exec(text)?.[1]?.split(' ') ?? []);
    const found: Buffer[] = [];
    for (const uid of uids) {
      await client.ok(`UID FETCH ${uid} (BODY.PEEK[])`, undefined, ({ literals }) => found.push(...literals));
    }
    return found;
  } finally {
    client.close();
  }
}

test('peers: the comparison: finds a missing message, a second one and a changed byte', () => {
  const asSent = { storesLf: false, ownFields: [] };
  const one = Buffer.from('Subject: 1\r\n\r\none\r\n');
  const two = Buffer.from('Subject: 2\r\n\r\ntwo\r\n');
  const counts = (read: readonly Buffer[], habits = asSent): readonly number[] => {
    const { compared, missing, strange } = compareMail([one, two], read, habits);
    return [compared, missing.length, strange.length];
  };
  assert.deepEqual(counts([two, one]), [2, 0, 0]);
  assert.deepEqual(counts([two]), [1, 1, 0]);
  assert.deepEqual(counts([two, two, one]), [2, 0, 1]);
  assert.deepEqual(counts([one, Buffer.from('Subject: 2\r\n\r\ntwO\r\n')]), [1, 1, 1]);
  assert.deepEqual(counts([one, Buffer.from('Subject: 2\n\ntwo\n')]), [1, 1, 1]);
  const maildir = { storesLf: true, ownFields: ['x-tuid'] as readonly string[] } as typeof asSent;
  assert.deepEqual(counts([one, Buffer.from('Subject: 2\nX-TUID: a\n\ntwo\n')], maildir), [2, 0, 0]);
});
