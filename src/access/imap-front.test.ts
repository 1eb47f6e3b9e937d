import assert from 'node:assert/strict';
import { test } from 'node:test';
import getTlsOptions from 'smtp-server/lib/tls-options.js';
import { silentLogger } from '../base/logger.ts';
import type { Channel } from '../base/network.ts';
import { realClock } from '../base/testing/real-clock.ts';
import type { CopyFinder } from '../directory/copy-finder.ts';
import type { CopyHello } from '../directory/copy-protocol.ts';
import { Copies, type CopyHost, STORAGE_GROUP } from '../directory/testing/copies.ts';
import { MemoryStore } from '../directory/testing/memory-store.ts';
import type { LoginRequest, LoginResult } from './authentication.ts';
import { type ImapFront, type imapFrontLimits, startImapFront } from './imap-front.ts';
import { RawImapClient } from './testing/raw-imap-client.ts';

/** A session in a copy's process, as far as this side sees it. */
interface Joined {
  readonly host: CopyHost;
  readonly hello: CopyHello;
  readonly channel: Channel;
  bytes: string;
}

class FrontStory {
  readonly copies = new Copies(realClock);
  readonly joined: Joined[] = [];
  readonly #finder: CopyFinder = this.copies.finder('access');
  readonly #clients: RawImapClient[] = [];
  #front: ImapFront | undefined;

  async start(
    options: { allowPlaintextLogin?: boolean; limits?: Partial<typeof imapFrontLimits> } = {},
  ): Promise<this> {
    this.copies.onOther = (hello, channel, host) => this.#join(hello, channel, host);
    const { cert, key } = getTlsOptions();
    this.#front = await startImapFront({
      listeners: [
        { address: '127.0.0.1', port: 0, implicitTls: false },
        { address: '127.0.0.1', port: 0, implicitTls: true },
      ],
      certificate: { certificate: cert as string, key: key as string },
      allowPlaintextLogin: options.allowPlaintextLogin ?? true,
      verify: async (request) => verify(request),
      finders: [this.#finder],
      network: this.copies.network.host('access'),
      clock: realClock,
      logger: silentLogger,
      limits: options.limits ?? {},
    });
    return this;
  }

  async activate(host: CopyHost): Promise<void> {
    this.copies.activate(host, new MemoryStore(['anna@example.com']));
    await this.#finder.whenActive(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }

  async client(how: 'plain' | 'tls' = 'plain', protocols?: string[]): Promise<RawImapClient> {
    const [plain = 0, secure = 0] = this.#front?.ports ?? [];
    const client = how === 'plain' ? await RawImapClient.plain(plain) : await RawImapClient.secure(secure, protocols);
    this.#clients.push(client);
    return client;
  }

  /** A client that has logged in, and the session that it was joined to. */
  async loggedIn(): Promise<{ client: RawImapClient; joined: Joined }> {
    const client = await this.client();
    const before = this.joined.length;
    await client.send('a1 LOGIN anna@example.com secret\r\n');
    await client.until(() => this.joined.length > before);
    return { client, joined: this.joined[before] as Joined };
  }

  get connectionCount(): number {
    return this.#front?.connectionCount() ?? 0;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.#front?.close();
    this.#finder.close();
    for (const service of this.copies.services.values()) service.close();
  }

  #join(hello: CopyHello, channel: Channel, host: CopyHost): void {
    const joined: Joined = { host, hello, channel, bytes: '' };
    this.joined.push(joined);
    channel.onFrame((frame) => {
      joined.bytes += frame.toString('latin1');
    });
  }
}

function verify({ user, password }: LoginRequest): LoginResult {
  if (password === 'secret') return { outcome: 'ok', mailboxId: 7, address: user, storageGroup: STORAGE_GROUP };
  return { outcome: password === 'later' ? 'unavailable' : 'wrong' };
}

test('imap front: a login: the session gets the mailbox, the tag and every byte behind the login', async () => {
  const story = await new FrontStory().start();
  await story.activate('node1');
  const client = await story.client();
  assert.match(await client.ask('a1', 'LOGIN anna@example.com wrong'), /a1 NO \[AUTHENTICATIONFAILED\]/);
  assert.match(await client.ask('a2', 'LOGIN anna@example.com later'), /a2 NO \[UNAVAILABLE\]/);
  await client.send('a3 LOGIN anna@example.com secret\r\na4 SELECT INBOX\r\na5 NO');
  await client.until(() => story.joined.length === 1);
  await client.send('OP\r\n');
  const joined = story.joined[0] as Joined;
  await client.until(() => joined.bytes.endsWith('a5 NOOP\r\n'));
  assert.deepEqual(joined.hello, { service: 'imap', mailboxId: 7, tag: 'a3' });
  assert.equal(joined.bytes, 'a4 SELECT INBOX\r\na5 NOOP\r\n');
  joined.channel.send(Buffer.from('a3 OK Logged in\r\n'));
  await client.until(() => client.heard.includes('a3 OK'));
  await story.stop();
});

test('imap front: no copy is active: the login is put off, the connection stays', async () => {
  const story = await new FrontStory().start();
  const client = await story.client();
  assert.match(await client.ask('a1', 'LOGIN anna@example.com secret'), /a1 NO \[UNAVAILABLE\]/);
  await story.activate('node2');
  await client.send('a2 LOGIN anna@example.com secret\r\n');
  await client.until(() => story.joined.length === 1);
  assert.equal(story.joined[0]?.host, 'node2');
  await story.stop();
});

test('imap front: failover: the client is cut off at once, and comes again to the new active copy', async () => {
  const story = await new FrontStory().start();
  await story.activate('node1');
  const { client } = await story.loggedIn();
  story.copies.crash('node1');
  await client.untilEnd();
  await story.activate('node2');
  assert.equal((await story.loggedIn()).joined.host, 'node2');
  await story.stop();
});

test('imap front: the copy falls silent and another takes over: the client does not wait for a timeout', async () => {
  const story = await new FrontStory().start();
  await story.activate('node1');
  const { client } = await story.loggedIn();
  story.copies.network.silence('node1', true);
  await story.activate('node2');
  await client.untilEnd();
  await story.stop();
});

test('imap front: the session ends: its last words reach the client before the end', async () => {
  const story = await new FrontStory().start();
  await story.activate('node1');
  const { client, joined } = await story.loggedIn();
  joined.channel.send(Buffer.from('* BYE Logging out\r\na9 OK done\r\n'));
  joined.channel.close('logout');
  assert.match(await client.untilEnd(), /\* BYE Logging out\r\na9 OK done\r\n$/);
  await story.stop();
});

test('imap front: the client leaves: its session is told', async () => {
  const story = await new FrontStory().start();
  await story.activate('node1');
  const { client, joined } = await story.loggedIn();
  const closed = new Promise((resolve) => joined.channel.onClose(resolve));
  client.close();
  await closed;
  await story.stop();
  assert.equal(story.connectionCount, 0);
});

test('imap front: STARTTLS: passwords only inside it, and nothing from before it is carried out', async () => {
  const story = await new FrontStory().start({ allowPlaintextLogin: false });
  await story.activate('node1');
  const client = await story.client();
  assert.match(client.heard, /LOGINDISABLED/);
  assert.match(await client.ask('a1', 'LOGIN anna@example.com secret'), /a1 NO \[PRIVACYREQUIRED\]/);
  assert.match(await client.ask('a2', 'STARTTLS'), /a2 OK/);
  await client.startTls();
  assert.match(await client.ask('a3', 'CAPABILITY'), /AUTH=PLAIN/);
  await client.send('a4 LOGIN anna@example.com secret\r\n');
  await client.until(() => story.joined.length === 1);
  const attacked = await story.client();
  await attacked.send('b1 STARTTLS\r\nb2 LOGIN anna@example.com secret\r\n');
  assert.doesNotMatch(await attacked.untilEnd(), /b2 /);
  const slowlyAttacked = await story.client();
  await slowlyAttacked.ask('c1', 'STARTTLS');
  await slowlyAttacked.send('c2 LOGIN anna@example.com secret\r\n');
  assert.doesNotMatch(await slowlyAttacked.untilEnd(), /c2 /);
  assert.equal(story.joined.length, 1);
  await story.stop();
});

test('imap front: TLS from the first byte; a foreign ALPN and plaintext are refused', async () => {
  const story = await new FrontStory().start();
  await story.activate('node1');
  const client = await story.client('tls', ['imap']);
  assert.match(await client.ask('a1', 'NOOP'), /a1 OK/);
  const browser = await story.client('tls', ['http/1.1']);
  assert.equal(browser.ended, true);
  assert.equal(browser.heard, '');
  await story.stop();
});

test('imap front: a browser: cut off', async () => {
  const story = await new FrontStory().start();
  const client = await story.client();
  await client.send('GET /canary77 HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.doesNotMatch(await client.untilEnd(), /canary77/);
  await story.stop();
});

test('imap front: more connections than allowed: the rest is refused, and there is room again afterwards', async () => {
  const story = await new FrontStory().start({ limits: { maxConnectionsPerAddress: 2 } });
  const first = await story.client();
  await story.client();
  const third = await story.client();
  assert.equal(third.heard, '');
  first.close();
  while (story.connectionCount > 1) await new Promise((resolve) => setImmediate(resolve));
  assert.match((await story.client()).heard, /OK/);
  await story.stop();
});

test('imap front: a client that does not read: the session is made to wait', async () => {
  const story = await new FrontStory().start();
  await story.activate('node1');
  const { client, joined } = await story.loggedIn();
  client.stopReading();
  const piece = Buffer.alloc(256 * 1024, 'x');
  let sent = 0;
  for (; sent < 200 && joined.channel.unsentBytes < 2 * piece.length; sent++) {
    joined.channel.send(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(sent < 200, 'fifty megabytes are not held for it');
  client.goOnReading();
  const before = client.heardBytes;
  await client.until(() => client.heardBytes - before >= (sent - 1) * piece.length - before);
  assert.equal(joined.channel.unsentBytes, 0);
  await story.stop();
});
