/**
 * A real client, ImapFlow, over a real socket: greeting, login, hand-over, session. The server here is the smallest
 * that joins the two halves.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ImapFlow } from 'imapflow';
import { silentLogger } from '../../base/logger.ts';
import { type GreetingEffect, GreetingSession } from './greeting-session.ts';
import { ImapSession } from './session.ts';
import { type ImapWorld, makeWorld } from './testing/imap-world.ts';

class Connection {
  readonly #socket: Socket;
  readonly #world: ImapWorld;
  readonly #greeting = new GreetingSession({ secure: false, startTls: false, allowPlaintext: true });
  #session: ImapSession | undefined;

  constructor(socket: Socket, world: ImapWorld) {
    this.#socket = socket;
    this.#world = world;
    socket.on('data', (bytes: Buffer) => void this.#onData(bytes));
    socket.on('close', () => this.#session?.disconnected());
    socket.on('error', () => socket.destroy());
  }

  greet(): void {
    this.#carryOut(this.#greeting.greet());
  }

  async #onData(bytes: Buffer): Promise<void> {
    if (this.#session === undefined) {
      this.#carryOut(this.#greeting.feed(bytes));
      return;
    }
    this.#socket.pause();
    await this.#session.feed(bytes);
    this.#socket.resume();
  }

  #carryOut(effects: readonly GreetingEffect[]): void {
    for (const effect of effects) {
      if (effect.type === 'send') this.#socket.write(effect.bytes);
      else if (effect.type === 'close') this.#socket.end();
      else if (effect.type === 'authenticate' && effect.password === 'secret') this.#join();
      else if (effect.type === 'authenticate') this.#carryOut(this.#greeting.refused('wrong'));
    }
  }

  #join(): void {
    const { tag, rest } = this.#greeting.handOver();
    const session = new ImapSession({
      ...this.#world,
      logger: silentLogger,
      send: async (bytes) => {
        if (!this.#socket.write(bytes)) await Promise.race([once(this.#socket, 'drain'), once(this.#socket, 'close')]);
      },
      close: () => this.#socket.end(),
      yieldTurn: () => new Promise((resolve) => setImmediate(resolve)),
    });
    this.#session = session;
    void session.start(tag);
    void session.feed(rest);
  }
}

/** Returns its port; closed with everything on it when the test ends. */
async function listen(context: TestContext): Promise<number> {
  const world = await makeWorld();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    new Connection(socket, world).greet();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}

function makeClient(port: number, pass: string): ImapFlow {
  const auth = { user: 'jo@example.org', pass };
  return new ImapFlow({ host: '127.0.0.1', port, secure: false, doSTARTTLS: false, auth, logger: false });
}

const mail = 'From: Jo <jo@example.org>\r\nSubject: Gr=?utf-8?q?=C3=BC?=\u00dfe\r\n\r\nline\r\n';

test('imapflow: a day in a mailbox: works', async (context) => {
  const port = await listen(context);
  const client = makeClient(port, 'secret');
  await client.connect();
  context.after(() => client.close());
  assert.deepEqual((await client.list()).map(({ path, specialUse }) => `${path} ${specialUse ?? ''}`).sort(), [
    'Archive \\Archive',
    'Drafts \\Drafts',
    'INBOX \\Inbox',
    'Junk \\Junk',
    'Sent \\Sent',
    'Trash \\Trash',
  ]);
  assert.equal((await client.mailboxCreate('Entw\u00fcrfe/2026')).created, true);

  const appended = await client.append('INBOX', Buffer.from(mail), ['\\Flagged'], new Date(0));
  assert.ok(appended && appended.uid === 1);
  const lock = await client.getMailboxLock('INBOX');
  try {
    const message = await client.fetchOne('1', { source: true, envelope: true, flags: true, bodyStructure: true });
    assert.ok(message);
    assert.deepEqual(message.source, Buffer.from(mail));
    assert.equal(message.envelope?.from?.[0]?.address, 'jo@example.org');
    assert.equal(message.bodyStructure?.type, 'text/plain');
    assert.ok(message.flags?.has('\\Flagged'));
    assert.deepEqual(await client.search({ flagged: true, body: 'line' }, { uid: true }), [1]);
    assert.equal(await client.messageFlagsAdd('1', ['\\Seen', 'kw'], { uid: true }), true);
    const copied = await client.messageCopy('1', 'Sent');
    assert.ok(copied);
    assert.deepEqual(copied.uidMap, new Map([[1, 1]]));
    const moved = await client.messageMove('1', 'Entw\u00fcrfe/2026');
    assert.ok(moved && moved.uidMap?.get(1) === 1);
    assert.ok(client.mailbox);
    assert.equal(client.mailbox.exists, 0);
  } finally {
    lock.release();
  }
  const status = await client.status('Entw\u00fcrfe/2026', { messages: true, unseen: true });
  assert.ok(status && status.messages === 1 && status.unseen === 0);
  await client.logout();
});

test('imapflow: two clients, one idle: hears of the mail of the other', async (context) => {
  const port = await listen(context);
  const [idle, other] = [makeClient(port, 'secret'), makeClient(port, 'secret')];
  await Promise.all([idle.connect(), other.connect()]);
  context.after(() => {
    idle.close();
    other.close();
  });
  await idle.mailboxOpen('INBOX');
  const heard = once(idle, 'exists');
  const idling = idle.idle();
  await other.append('INBOX', mail);
  const [event] = (await heard) as [{ count: number; prevCount: number }];
  assert.deepEqual([event.prevCount, event.count], [0, 1]);
  await idle.noop();
  await idling;
});

test('imapflow: a wrong password: AUTHENTICATIONFAILED', async (context) => {
  const port = await listen(context);
  const client = makeClient(port, 'wrong');
  context.after(() => client.close());
  await assert.rejects(client.connect(), { authenticationFailed: true });
});
