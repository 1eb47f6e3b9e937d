import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { deferred } from '../../base/deferred.ts';
import { FLAG_SEEN } from '../../mail/flags.ts';
import { parseMessage } from '../../mail/mime.ts';
import { UidSet } from '../../mail/uid-set.ts';
import { sessionLimits } from '../limits.ts';
import { Client, type ImapWorld, literal, makeWorld } from './testing/imap-world.ts';

const mail = 'Subject: x\r\n\r\nbody\r\n';

async function deliver(world: ImapWorld, count = 1): Promise<void> {
  const bytes = Buffer.from(mail);
  const message = { bytes, structure: parseMessage(bytes), flags: 0, keywords: [], internalDateMs: 0 };
  const inbox = world.store.folderByName(world.mailboxId, 'INBOX');
  await world.store.append(
    inbox?.id ?? 0,
    Array.from({ length: count }, () => message),
  );
}

test('session: a login handed over: is answered with its tag and the capabilities', async () => {
  const client = new Client(await makeWorld());
  await client.session.start('a7');
  assert.match(client.heard(), /^a7 OK \[CAPABILITY IMAP4rev1 [^\]]*APPENDLIMIT=52428800\] Logged in\n$/);
});

test('session: commands in one piece and byte by byte: the same answers in the same order', async () => {
  const lines = ['a SELECT INBOX', `b APPEND INBOX ${literal(mail)}`, 'c UID FETCH 1 BODY[]', 'd SEARCH ALL', 'e NOOP'];
  const whole = new Client(await makeWorld());
  const expected = await whole.say(...lines);
  assert.match(expected, /a OK[\s\S]*b OK[\s\S]*c OK[\s\S]*d OK[\s\S]*e OK/);
  const cut = new Client(await makeWorld());
  for (const byte of Buffer.from(lines.map((line) => `${line}\r\n`).join(''))) {
    await cut.session.feed(Buffer.from([byte]));
  }
  assert.equal(cut.heard(), expected);
});

test('session: nothing is committed yet: nothing is said, neither the OK nor what another session sees', async () => {
  const world = await makeWorld({ commitsAtOnce: false });
  world.journal.commit();
  const [writer, reader] = [new Client(world), new Client(world)];
  await reader.say('a SELECT INBOX');
  const writing = writer.say(`a APPEND INBOX ${literal(mail)}`);
  const reading = reader.say('b NOOP');
  const status = reader.say('c STATUS INBOX (MESSAGES)');
  assert.equal((await writer.settle()) + (await reader.settle()), '');
  world.journal.commit();
  assert.match(await writing, /^a OK \[APPENDUID \d+ 1\]/);
  assert.match((await reading) + (await status), /\* 1 EXISTS\n\* 1 RECENT\nb OK[\s\S]*MESSAGES 1[\s\S]*c OK/);
});

test('session: the lease is lost before the commit: the connection closes without a word', async () => {
  const world = await makeWorld({ commitsAtOnce: false });
  world.journal.commit();
  const client = new Client(world);
  const saying = client.say(`a APPEND INBOX ${literal(mail)}`, 'b NOOP');
  await client.settle();
  world.journal.depose();
  assert.equal(await saying, '');
  assert.equal(client.isClosed, true);
  const late = new Client(world);
  assert.equal(await late.say('a NOOP'), '');
  assert.equal(late.isClosed, true);
});

test('session: another session adds, flags and removes: told when the command allows it', async () => {
  const world = await makeWorld();
  const [one, two] = [new Client(world), new Client(world)];
  await deliver(world, 3);
  await one.say('a SELECT INBOX');
  await two.say('a SELECT INBOX');
  await deliver(world);
  await two.say('b UID STORE 1,3 +FLAGS (\\Deleted)', 'c UID STORE 2 +FLAGS ($x)', 'd UID EXPUNGE 1');
  // No EXPUNGE during FETCH, STORE and SEARCH: the numbers still mean the same messages.
  assert.equal(
    await one.say('b FETCH 2 UID'),
    '* 2 FETCH (UID 2)\n* 4 EXISTS\n* 0 RECENT\n' +
      '* 3 FETCH (UID 3 FLAGS (\\Deleted))\n* 2 FETCH (UID 2 FLAGS ($x))\nb OK FETCH completed\n',
  );
  assert.equal(await one.say('c FETCH 1 UID'), 'c OK [EXPUNGEISSUED] Some messages are gone\n');
  assert.equal(await one.say('d SEARCH ALL'), '* SEARCH 2 3 4\nd OK SEARCH completed\n');
  assert.equal(await one.say('e NOOP'), '* 1 EXPUNGE\ne OK NOOP completed\n');
  assert.equal(await one.say('f FETCH 1 UID'), '* 1 FETCH (UID 2)\nf OK FETCH completed\n');
});

test('session: a message that came and went between two commands: is never announced', async () => {
  const world = await makeWorld();
  const [one, two] = [new Client(world), new Client(world)];
  await one.say('a SELECT INBOX');
  await two.say('a SELECT INBOX', `b APPEND INBOX (\\Deleted) ${literal(mail)}`, 'c EXPUNGE');
  assert.equal(await one.say('b NOOP'), 'b OK NOOP completed\n');
  assert.equal(await two.say('d NOOP'), 'd OK NOOP completed\n');
});

test('session: .SILENT: hides the own change, not the one of another session before it', async () => {
  const world = await makeWorld();
  const [one, two] = [new Client(world), new Client(world)];
  await deliver(world, 2);
  await one.say('a EXAMINE INBOX', 'b UNSELECT', 'c SELECT INBOX');
  await two.say('a SELECT INBOX', 'b STORE 2 +FLAGS (\\Flagged)');
  assert.equal(
    await one.say('d STORE 1:2 +FLAGS.SILENT (\\Seen)'),
    '* 2 FETCH (UID 2 FLAGS (\\Flagged \\Seen))\nd OK STORE completed\n',
  );
});

test('session: IDLE: what others do is told at once, and together', async () => {
  const world = await makeWorld();
  const [one, two] = [new Client(world), new Client(world)];
  await one.say('a SELECT INBOX');
  assert.equal(await one.say('b IDLE'), '+ Idling\n');
  await deliver(world, 2);
  assert.equal(await one.settle(), '* 2 EXISTS\n* 2 RECENT\n');
  await two.say('a SELECT INBOX', 'b STORE 1:* +FLAGS.SILENT (\\Deleted)', 'c EXPUNGE');
  assert.match(await one.settle(), /\* 2 EXPUNGE\n\* 1 EXPUNGE\n$/);
  assert.equal(await one.say('DO', 'NE').then(() => one.say('c NOOP')), 'c OK NOOP completed\n');
  assert.equal(await one.say('d IDLE', 'done', 'e NOOP'), '+ Idling\nd OK IDLE completed\ne OK NOOP completed\n');
});

test('session: IDLE with a held commit: the news waits for it', async () => {
  const world = await makeWorld({ commitsAtOnce: false });
  world.journal.commit();
  const client = new Client(world);
  await client.say('a SELECT INBOX', 'b IDLE');
  await deliver(world);
  assert.equal(await client.settle(), '');
  world.journal.commit();
  assert.equal(await client.settle(), '* 1 EXISTS\n* 1 RECENT\n');
});

test('session: the selected folder is deleted by another: BYE, in IDLE at once', async () => {
  const world = await makeWorld();
  const [one, two, three] = [new Client(world), new Client(world), new Client(world)];
  await one.say('a CREATE x', 'b SELECT x');
  await two.say('a SELECT x', 'b IDLE');
  assert.equal(await three.say('a DELETE x'), 'a OK DELETE completed\n');
  assert.equal(await two.settle(), '* BYE The selected folder was deleted\n');
  assert.equal(await one.say('c NOOP'), '* BYE The selected folder was deleted\n');
  assert.ok(one.isClosed && two.isClosed);
  await one.session.feed(Buffer.from('d NOOP\r\n'));
  assert.equal(one.heard(), '');
});

test('session: \\Recent: belongs to the first session that is told, never to EXAMINE', async () => {
  const world = await makeWorld();
  await deliver(world);
  const [one, two, three] = [new Client(world), new Client(world), new Client(world)];
  assert.match(await one.say('a SELECT INBOX'), /\* 1 EXISTS\n\* 0 RECENT\n/);
  await deliver(world);
  assert.match(await two.say('a EXAMINE INBOX'), /\* 2 EXISTS\n\* 1 RECENT\n/);
  assert.match(await one.say('b NOOP'), /\* 2 EXISTS\n\* 1 RECENT\n/);
  assert.match(await three.say('a SELECT INBOX'), /\* 2 EXISTS\n\* 0 RECENT\n/);
  assert.match(
    await one.say('c FETCH 1:* FLAGS', 'd SEARCH NEW'),
    /\* 1 FETCH \(FLAGS \(\)\)\n\* 2 FETCH \(FLAGS \(\\Recent\)\)\n[\s\S]*SEARCH 2\n/,
  );
});

test('session: an exception in the store: logged, the client hears only SERVERBUG', async () => {
  const world = await makeWorld();
  const logged: unknown[] = [];
  const logger = {
    info: () => undefined,
    warn: () => undefined,
    error: (fields: object) => logged.push(fields),
    child: () => logger,
  };
  const store = Object.create(world.store, { subscriptions: { value: () => assert.fail('secret') } });
  Object.defineProperty(store, 'folders', { value: () => assert.fail('secret') });
  const client = new Client(world, { store, logger });
  Object.defineProperty(store, 'settled', { value: () => Promise.resolve() });
  assert.equal(await client.say('a LIST "" *', 'b NOOP'), 'a NO [SERVERBUG] Internal error\nb OK NOOP completed\n');
  assert.match(JSON.stringify(logged), /secret/);
});

test('session: bad commands: BAD, and BYE when they do not stop', async () => {
  const client = new Client(await makeWorld());
  assert.equal(await client.say('a FETCH 1 FLAGS'), 'a BAD Select a folder first\n');
  assert.equal(await client.say('a LOGIN u p'), 'a BAD Unknown command\n');
  assert.equal(await client.say('a UID'), 'a BAD Too few arguments\n');
  assert.equal(await client.say('a NOOP x'), 'a BAD Too many arguments\n');
  const flood = await client.say(...Array.from({ length: 100 }, () => 'x FOO'));
  assert.equal(flood.split('x BAD').length - 1, sessionLimits.badCommands - 4);
  assert.match(flood, /\* BYE Too many bad commands\n$/);
  assert.equal(client.isClosed, true);
});

test('session: silence for too long: BYE; a word in between: none', async () => {
  const world = await makeWorld();
  const client = new Client(world);
  world.clock.advance(sessionLimits.inactivityMs - 1);
  await client.say('a NOOP');
  world.clock.advance(sessionLimits.inactivityMs - 1);
  assert.equal(await client.settle(), '');
  world.clock.advance(1);
  assert.equal(await client.settle(), '* BYE Nothing was heard for too long\n');
  assert.equal(client.isClosed, true);
});

test('session: LOGOUT, bye and disconnected: end it, and the folder is not listened to any more', async () => {
  const world = await makeWorld();
  const client = new Client(world);
  assert.equal(
    await client.say('a SELECT INBOX', 'b LOGOUT', 'c NOOP').then((said) => said.split('\n').at(-3)),
    '* BYE Logging out',
  );
  const moved = new Client(world);
  await moved.session.bye('Moving to another node');
  assert.equal(moved.heard(), '* BYE Moving to another node\n');
  const gone = new Client(world);
  await gone.say('a SELECT INBOX', 'b IDLE');
  gone.session.disconnected();
  await deliver(world);
  assert.equal(await gone.settle(), '');
  assert.ok(client.isClosed && moved.isClosed && gone.isClosed);
});

test('session: a client that does not read: what waits for it stays small', async () => {
  const world = await makeWorld();
  const bytes = Buffer.from(`Subject: big\r\n\r\n${'0123456789abcdef\r\n'.repeat(20_000)}`);
  const message = { bytes, structure: parseMessage(bytes), flags: 0, keywords: [], internalDateMs: 0 };
  const inbox = world.store.folderByName(world.mailboxId, 'INBOX')?.id ?? 0;
  for (let index = 0; index < 10; index++) await world.store.append(inbox, [message]);
  const room = deferred<void>();
  const client = new Client(world, { send: () => room.promise });
  const saying = client.say('a SELECT INBOX', 'b FETCH 1:* BODY.PEEK[]');
  let waiting = 0;
  for (let turn = 0; turn < 5; turn++) waiting += (await client.settle()).length;
  assert.ok(waiting < 2 * sessionLimits.bodyPieceBytes, `${waiting} bytes`);
  room.resolve();
  const rest = await saying;
  assert.equal(rest.split('0123456789abcdef\n').length - 1, 200_000);
});

test('session: a message is expunged while a slow client takes it: whole or an end, never another text', async () => {
  const world = await makeWorld();
  const bytes = Buffer.from(`Subject: big\r\n\r\n${'0123456789abcdef\r\n'.repeat(60_000)}`);
  const message = { bytes, structure: parseMessage(bytes), flags: 0, keywords: [], internalDateMs: 0 };
  const inbox = world.store.folderByName(world.mailboxId, 'INBOX')?.id ?? 0;
  await world.store.append(inbox, [message]);
  const room = deferred<void>();
  const client = new Client(world, { send: () => room.promise });
  const saying = client.say('a SELECT INBOX', 'b FETCH 1 BODY.PEEK[]', 'c NOOP');
  await client.settle();
  await new Client(world).say('a SELECT INBOX', 'b STORE 1 +FLAGS (\\Deleted)', 'c EXPUNGE');
  room.resolve();
  const heard = await saying;
  assert.equal(heard.includes('b OK'), !client.isClosed);
  if (client.isClosed) assert.doesNotMatch(heard.slice(-100), /[bc] (OK|NO|BAD)/);
});

test('session: our own mistake in the middle of a response: nothing half is said', async () => {
  const world = await makeWorld();
  await deliver(world, 2);
  const logged: string[] = [];
  const note = (_: object, event: string) => logged.push(event);
  const logger = { info: note, warn: note, error: note, child: () => logger };
  const store = new Proxy(world.store, {
    get: (target, name) => {
      if (name === 'envelope') return () => assert.fail('a bug');
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const client = new Client(world, { store, logger });
  await client.say('a SELECT INBOX');
  assert.equal(
    await client.say('b FETCH 1:2 (UID FLAGS ENVELOPE)', 'c FETCH 1 UID'),
    'b NO [SERVERBUG] Internal error\n* 1 FETCH (UID 1)\nc OK FETCH completed\n',
  );
  assert.deepEqual(logged, ['imap.message.unreadable', 'imap.failed']);
});

test('session: a client that cannot be reached: ends quietly', async () => {
  const world = await makeWorld();
  const client = new Client(world, { logger: failingLogger, send: () => Promise.reject(new Error('EPIPE')) });
  await client.say('a NOOP');
  assert.equal(client.isClosed, true);
});

test('session: long commands: give others their turn', async () => {
  const world = await makeWorld();
  await deliver(world, 300);
  const client = new Client(world);
  const { clock } = world;
  const monotonicMs = clock.monotonicMs.bind(clock);
  let extraMs = 0;
  clock.monotonicMs = () => {
    extraMs += 3;
    return monotonicMs() + extraMs;
  };
  for (const command of [
    'FETCH 1:* FLAGS',
    'SEARCH SUBJECT x',
    'STORE 1:* +FLAGS (\\Seen)',
    'UID FETCH 1:* ENVELOPE',
  ]) {
    client.turnsYielded = 0;
    await client.say('a SELECT INBOX', `b ${command}`);
    assert.ok(client.turnsYielded >= 1, command);
  }
  assert.equal(world.store.message(world.store.folderByName(world.mailboxId, 'INBOX')?.id ?? 0, 300)?.flags, FLAG_SEEN);
});

test('session: input that nobody waited for: closes when it is too much', async () => {
  const world = await makeWorld({ commitsAtOnce: false });
  const client = new Client(world);
  const chunk = Buffer.from('a NOOP\r\n'.repeat(30_000));
  for (let index = 0; index < 10; index++) void client.session.feed(chunk);
  assert.equal(client.isClosed, true);
  world.journal.commit();
  await client.settle();
});

test('session: two mailboxes: the names of the other one do not exist', async () => {
  const world = await makeWorld();
  const other = await world.store.createMailbox({ address: 'eve@example.org', displayName: 'Eve', credential: null });
  const [jo, eve] = [new Client(world), new Client(world, { mailboxId: other.id })];
  await jo.say('a CREATE secret');
  for (const command of ['SELECT', 'STATUS', 'DELETE', 'EXAMINE', 'SUBSCRIBE']) {
    const extra = command === 'STATUS' ? ' (MESSAGES)' : '';
    const there = await eve.say(`a ${command} secret${extra}`);
    assert.equal(there, await eve.say(`a ${command} random${extra}`));
    assert.match(there, /^a NO/);
  }
  assert.doesNotMatch(await eve.say('a LIST "" *'), /secret/);
});

test('session: any grammar at all: every tagged line is answered once, nothing else happens', async () => {
  const world = await makeWorld();
  await deliver(world, 2);
  const verb = fc.constantFrom(
    'FETCH',
    'STORE',
    'SEARCH',
    'UID FETCH',
    'LIST',
    'STATUS',
    'COPY',
    'APPEND',
    'UID',
    'SELECT',
    'CLOSE',
  );
  const words = [
    '1:*',
    '4294967295:1',
    '*',
    'INBOX',
    '(FLAGS)',
    'BODY[',
    'BODY[1.2.3.MIME]',
    'BODY[]<1.2>',
    '+FLAGS',
    '(',
    ')',
    '"%*"',
  ];
  const word = fc.constantFrom(
    ...words,
    '(\\Seen)',
    'NOT',
    'OR',
    'ALL',
    '&AGE',
    '&AGEAYg-',
    '""',
    '{1+}\r\nx',
    'RETURN',
    '0',
    'NIL',
    'é',
  );
  const command = fc.tuple(verb, fc.array(word, { maxLength: 6 })).map(([name, rest]) => [name, ...rest].join(' '));
  const limits = { ...sessionLimits, badCommands: 1_000 };
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 5 }), async (commands) => {
      const client = new Client(world, { limits, logger: failingLogger });
      const said = await client.say('s SELECT INBOX', ...commands.map((text, index) => `t${index} ${text}`), 'z NOOP');
      assert.match(said, /\nz OK NOOP completed\n$/);
      for (const index of commands.keys()) {
        assert.equal(said.split('\n').filter((line) => line.startsWith(`t${index} `)).length, 1, commands.join('\n'));
      }
      client.session.disconnected();
    }),
    { numRuns: 150 },
  );
});

const failingLogger = {
  info: () => undefined,
  warn: () => undefined,
  error: (fields: object) => assert.fail(JSON.stringify(fields)),
  child: () => failingLogger,
};

test('session: numbers as the client counts them: match the store through any history of two sessions', async () => {
  const step = fc.tuple(fc.nat(1), fc.constantFrom('add', 'delete', 'expunge', 'noop', 'fetch'), fc.nat(9));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const world = await makeWorld();
      const watchers = [new Watcher(world), new Watcher(world)];
      for (const watcher of watchers) await watcher.say('a SELECT INBOX');
      for (const [who, what, uid] of steps) {
        const watcher = watchers[who];
        if (what === 'add') await deliver(world);
        else if (what === 'delete') await watcher?.say(`a UID STORE ${uid + 1} +FLAGS.SILENT (\\Deleted)`);
        else await watcher?.say({ expunge: 'a EXPUNGE', noop: 'a NOOP', fetch: 'a FETCH 1:* (UID FLAGS)' }[what]);
      }
      const inbox = world.store.folderByName(world.mailboxId, 'INBOX')?.id ?? 0;
      for (const watcher of watchers) {
        await watcher.say('b NOOP');
        assert.equal(watcher.count, world.store.uids(inbox).length);
        assert.equal(await watcher.say('c UID SEARCH ALL'), ['* SEARCH', ...world.store.uids(inbox)].join(' '));
        watcher.client.session.disconnected();
      }
    }),
    { numRuns: 60 },
  );
});

/** Counts messages as a client does, from EXISTS and EXPUNGE, and checks every number that it sees. */
class Watcher {
  readonly client: Client;
  count = 0;

  constructor(world: ImapWorld) {
    this.client = new Client(world, { logger: failingLogger });
  }

  async say(line: string): Promise<string | undefined> {
    const lines = (await this.client.say(line)).split('\n');
    for (const one of lines) {
      const [, number, word] = /^\* (\d+) (EXISTS|EXPUNGE|FETCH)/.exec(one) ?? [];
      if (word === 'EXISTS') {
        assert.ok(Number(number) >= this.count, 'EXISTS never shrinks');
        this.count = Number(number);
      } else if (word !== undefined) {
        assert.ok(Number(number) >= 1 && Number(number) <= this.count, one);
        if (word === 'EXPUNGE') this.count--;
      }
    }
    return lines[0];
  }
}

test('session: sets of all sizes: cost what they hold, not what they name', async () => {
  const world = await makeWorld();
  await deliver(world, 3);
  const client = new Client(world);
  await client.say('a SELECT INBOX');
  const all = '* SEARCH 1 2 3\na OK UID SEARCH completed\n';
  assert.equal(await client.say('a UID SEARCH UID 1:4294967295'), all);
  assert.equal(await client.say('a UID SEARCH UID 3:*,1:2'), all);
  assert.equal(await client.say('a FETCH 4 UID'), 'a BAD No such message\n');
  assert.equal(await client.say('a FETCH 0 UID'), 'a BAD Not a set of messages\n');
  assert.equal(await client.say('a UID FETCH 9:* UID'), '* 3 FETCH (UID 3)\na OK UID FETCH completed\n');
  const ranges = Array.from({ length: 8_000 }, (_, index) => 2 * index + 5).join(',');
  assert.equal(await client.say(`a UID FETCH ${ranges} UID`), 'a OK UID FETCH completed\n');
  assert.equal(UidSet.of([1, 2, 3]).toString(), '1:3');
});
