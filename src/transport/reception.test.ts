import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replies } from './replies.ts';
import type { RawSmtpClient } from './testing/raw-smtp-client.ts';
import { ReceptionStory } from './testing/reception-story.ts';

async function begun(story: ReceptionStory, hello = 'EHLO client.example.org'): Promise<RawSmtpClient> {
  const client = await story.client();
  await client.ask(hello);
  return client;
}

/** Up to the 354. */
async function beginMessage(client: RawSmtpClient, recipients = ['anna@example.com']): Promise<void> {
  await client.ask('MAIL FROM:<sender@example.org>');
  for (const recipient of recipients) await client.ask(`RCPT TO:<${recipient}>`);
  assert.match(await client.ask('DATA'), /354/);
}

/** The replies to a whole message, from the end of its data on. */
async function sendMessage(client: RawSmtpClient, content: string, recipients = ['anna@example.com']): Promise<string> {
  await beginMessage(client, recipients);
  const from = client.heard.length;
  await client.send(`${content}\r\n.\r\n`);
  return client.reply(from);
}

test('reception: EHLO on each port: announces what works and nothing else', async () => {
  for (const [kind, verb] of [
    ['smtp', 'EHLO'],
    ['lmtp', 'LHLO'],
    ['submission', 'EHLO'],
  ] as const) {
    const story = await new ReceptionStory(kind).start();
    const client = await story.client();
    const announced = (await client.ask(`${verb} client.example.org`))
      .split('\r\n')
      .map((line) => line.slice(4))
      .slice(1, -1);
    assert.deepEqual(
      announced,
      ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES', 'STARTTLS', 'SIZE 52428800'],
      kind,
    );
    await client.ask('STARTTLS');
    await client.startTls();
    const secure = (await client.ask(`${verb} client.example.org`)).split('\r\n').map((line) => line.slice(4));
    assert.equal(secure.includes('STARTTLS'), false);
    assert.deepEqual(
      secure.filter((line) => line.startsWith('AUTH')),
      kind === 'submission' ? ['AUTH PLAIN'] : [],
    );
    await story.stop();
  }
});

test('reception: a message: stored bytes are the ones sent, dots undone, nothing inserted', async () => {
  const story = await new ReceptionStory('smtp').start();
  const client = await begun(story);
  const answer = await sendMessage(client, 'Subject: dots\r\n\r\n..one dot\r\n...two\r\n..\r\nend');
  assert.match(answer, /^250 2\.0\.0 OK [0-9a-f]{32}\r\n$/);
  assert.deepEqual(story.bodies(), ['Subject: dots\r\n\r\n.one dot\r\n..two\r\n.\r\nend\r\n']);
  assert.match(
    story.accepted[0]?.trace ?? '',
    /^from client\.example\.org \(\[127\.0\.0\.1\]\) by mail\.example\.com with ESMTP id /,
  );
  await story.stop();
});

test('reception: recipients: unknown, foreign and undecided ones are refused with the right code', async () => {
  const story = await new ReceptionStory('smtp').start();
  const client = await begun(story);
  await client.ask('MAIL FROM:<>');
  assert.match(await client.ask('RCPT TO:<nobody@example.com>'), /^550 5\.1\.1 /);
  assert.match(await client.ask('RCPT TO:<anna@elsewhere.example>'), /^550 5\.7\.1 /);
  assert.match(await client.ask('RCPT TO:<later@example.com>'), /^451 4\.4\.3 /);
  assert.match(await client.ask('RCPT TO:<"a@b"@example.com>'), /^501 /);
  assert.match(await client.ask('DATA'), /^503 5\.5\.1 /);
  await story.stop();
});

test('reception: more recipients than allowed: 452 for the rest', async () => {
  const story = await new ReceptionStory('smtp').start();
  const client = await begun(story);
  await client.ask('MAIL FROM:<sender@example.org>');
  for (let number = 0; number < 100; number++)
    assert.match(await client.ask(`RCPT TO:<u${number}@example.com>`), /^250 /);
  assert.match(await client.ask('RCPT TO:<one-more@example.com>'), /^452 4\.5\.3 /);
  await story.stop();
});

test('reception: LMTP: a reply for each recipient, in their order', async () => {
  const story = await new ReceptionStory('lmtp').start();
  const client = await begun(story, 'LHLO relay');
  await beginMessage(client, ['anna@example.com', 'full@example.com', 'bernd@example.com']);
  const from = client.heard.length;
  await client.send('Subject: three\r\n\r\nx\r\n.\r\n');
  await client.until(() => client.heard.slice(from).split('\r\n').length === 4);
  assert.deepEqual(
    client.heard
      .slice(from)
      .split('\r\n')
      .map((line) => line.slice(0, 3)),
    ['250', '550', '250', ''],
  );
  await story.stop();
});

test('reception: SMTP and recipients that fared differently: not a success, for one reply cannot say both', async () => {
  const story = await new ReceptionStory('smtp').start();
  const client = await begun(story);
  assert.match(await sendMessage(client, 'x', ['anna@example.com', 'full@example.com']), /^451 /);
  assert.match(await sendMessage(client, 'x', ['full@example.com']), /^550 5\.2\.0/);
  await story.stop();
});

test('reception: all commands of a transaction in one packet, and the next one behind it: both are understood', async () => {
  const story = await new ReceptionStory('smtp').start();
  const client = await begun(story);
  const envelope = 'MAIL FROM:<s@example.org>\r\nRCPT TO:<anna@example.com>\r\nDATA\r\n';
  await client.send(`${envelope}one\r\n.\r\n${envelope}two\r\n.\r\nQUIT\r\n`);
  assert.match(await client.untilEnd(), /221 /);
  assert.deepEqual(story.bodies(), ['one\r\n', 'two\r\n']);
  assert.equal(story.seen, 0, 'commands sent blindly prove nothing');
  await story.stop();
});

test('reception: proof of reading: the next command proves it, a cut connection does not', async () => {
  const story = await new ReceptionStory('smtp').start();
  const first = await begun(story);
  await sendMessage(first, 'one');
  first.cut();
  const second = await begun(story);
  await sendMessage(second, 'one');
  assert.equal(story.seen, 0);
  await second.ask('RSET');
  assert.equal(story.seen, 1);
  await sendMessage(second, 'one');
  await second.ask('QUIT');
  assert.equal(story.seen, 2);
  await story.stop();
});

test('reception: proof of reading under TLS: the same', async () => {
  const story = await new ReceptionStory('smtp').start();
  const client = await begun(story);
  await client.ask('STARTTLS');
  await client.startTls();
  await client.ask('EHLO client.example.org');
  await sendMessage(client, 'one');
  assert.equal(story.seen, 0);
  await client.ask('NOOP');
  assert.equal(story.seen, 1);
  await story.stop();
});

test('reception: nobody knows whether the message was taken: the connection ends without a word', async () => {
  const story = await new ReceptionStory('smtp').start();
  story.verdict = async () => ({ kind: 'no-answer' });
  const client = await begun(story);
  await beginMessage(client);
  const from = client.heard.length;
  await client.send('x\r\n.\r\n');
  await client.untilEnd();
  assert.equal(client.heard.slice(from), '');
  await story.stop();
});

test('reception: a message above the limit: 552, by SIZE at once; the connection goes on', async () => {
  const story = await new ReceptionStory('smtp', { maxMessageBytes: 1_000 }).start();
  const client = await begun(story);
  assert.match(await client.ask('MAIL FROM:<s@example.org> SIZE=1001'), /^552 5\.3\.4 /);
  assert.match(await sendMessage(client, 'x'.repeat(2_000)), /^552 5\.3\.4 /);
  assert.match(await sendMessage(client, 'small'), /^250 /);
  assert.equal(story.memory.bytes, 0);
  await story.stop();
});

test('reception: a message that never ends: cut off at a bound', async () => {
  const story = await new ReceptionStory('smtp', { maxMessageBytes: 1_000, maxExcessBytes: 100_000 }).start();
  const client = await begun(story);
  await beginMessage(client);
  for (let number = 0; number < 50 && !client.ended; number++) await client.send('x'.repeat(10_000));
  await client.untilEnd();
  assert.deepEqual(story.accepted, []);
  await story.stop();
});

test('reception: messages take more memory than there is: 452, and room again afterwards', async () => {
  const story = await new ReceptionStory('smtp', { maxReceivingBytes: 5_000 }).start();
  const client = await begun(story);
  assert.match(await sendMessage(client, 'x'.repeat(10_000)), /^452 4\.3\.1 /);
  assert.match(await sendMessage(client, 'small'), /^250 /);
  await story.stop();
});

test('reception: a mail that went round in circles: 554', async () => {
  const story = await new ReceptionStory('smtp').start();
  const client = await begun(story);
  assert.match(await sendMessage(client, `${'Received: from a by b\r\n'.repeat(100)}\r\nx`), /^250 /);
  assert.match(await sendMessage(client, `${'Received: from a by b\r\n'.repeat(101)}\r\nx`), /^554 5\.4\.6 /);
  await story.stop();
});

test('reception: BDAT, browsers, CR or NUL in a command: the connection ends, what follows is not read as commands', async () => {
  const inner = 'MAIL FROM:<evil@example.org>\r\nRCPT TO:<anna@example.com>\r\nDATA\r\nsmuggled\r\n.\r\n';
  const openers = [
    `MAIL FROM:<s@example.org>\r\nRCPT TO:<anna@example.com>\r\nBDAT ${inner.length} LAST\r\n`,
    'BDAT 0 LAST\r\n',
    'bdat 18446744073709551616\r\n',
    'GET / HTTP/1.1\r\nHost: mail.example.com\r\n\r\n',
    'POST / HTTP/1.1\r\nContent-Length: 999\r\n\r\n',
    'post\r\n',
    'NOOP\rMAIL FROM:<x@y>\r\n',
    'NOOP \0\r\n',
  ];
  const story = await new ReceptionStory('smtp').start();
  for (const opener of openers) {
    const client = await begun(story);
    await client.send(opener + inner);
    const heard = await client.untilEnd();
    assert.match(heard, /\r\n(502|500|421) [^\r]*\r\n$/, opener);
    assert.deepEqual(story.accepted, [], opener);
  }
  await story.stop();
});

test('reception: a whole dialogue before the greeting: nothing of it is carried out', async () => {
  const story = await new ReceptionStory('smtp').start();
  const client = await story.hasty();
  await client.send('EHLO x\r\nMAIL FROM:<s@example.org>\r\nRCPT TO:<anna@example.com>\r\nDATA\r\nx\r\n.\r\n');
  assert.match(await client.untilEnd(), /^421 /);
  assert.deepEqual(story.accepted, []);
  await story.stop();
});

test('reception: commands behind STARTTLS: not carried out inside TLS, whether in its packet or the next', async () => {
  for (const cut of [false, true]) {
    const story = await new ReceptionStory('smtp').start();
    const client = await begun(story);
    const from = client.heard.length;
    if (!cut) await client.send('STARTTLS\r\nMAIL FROM:<evil@example.org>\r\nRCPT TO:<anna@example.com>\r\n');
    else {
      await client.send('STARTTLS\r\n');
      await client.send('MAIL FROM:<evil@example.org>\r\n');
    }
    await client.reply(from);
    try {
      await client.startTls();
      assert.match(await client.ask('RCPT TO:<anna@example.com>'), /^503 /);
    } catch (error) {
      assert.ok(error instanceof Error && !(error instanceof assert.AssertionError), 'the handshake may fail');
    }
    assert.doesNotMatch(client.heard.slice(from), /Accepted/);
    await story.stop();
  }
});

test('reception: too many wrong recipients: the connection ends', async () => {
  const story = await new ReceptionStory('smtp').start();
  const client = await begun(story);
  await client.ask('MAIL FROM:<s@example.org>');
  for (let number = 0; number < 20 && !client.ended; number++) await client.ask('RCPT TO:<nobody@example.com>');
  assert.match(await client.untilEnd(), /421 4\.7\.0 Too many errors\r\n$/);
  await story.stop();
});

test('reception: connections of one address: bounded', async () => {
  const story = await new ReceptionStory('smtp', { maxConnectionsPerAddress: 2 }).start();
  const clients = [await story.client(), await story.client(), await story.client()];
  assert.match(clients[2]?.heard ?? '', /^421 4\.7\.0 /);
  assert.match(clients[1]?.heard ?? '', /^220 /);
  await story.stop();
});

test('reception: the service stops: an idle client is told, a message under way gets its answer', async () => {
  const story = await new ReceptionStory('smtp').start();
  const idle = await begun(story);
  const busy = await begun(story);
  let finish: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    finish = resolve;
  });
  story.verdict = async () => {
    await gate;
    return { kind: 'answer', replies: [replies.accepted(Buffer.alloc(16))], receipt: undefined };
  };
  await beginMessage(busy);
  await busy.send('x\r\n.\r\n');
  const stopped = story.stopGently();
  assert.match(await idle.untilEnd(), /421 4\.3\.2 [^\r]*\r\n$/);
  finish();
  await busy.until(() => busy.heard.includes('250 2.0.0 OK'));
  busy.close();
  idle.close();
  await stopped;
});

const login = (user: string, password: string) => Buffer.from(`\0${user}\0${password}`).toString('base64');

test('submission: before TLS: neither AUTH nor MAIL', async () => {
  const story = await new ReceptionStory('submission').start();
  const client = await begun(story);
  assert.match(await client.ask(`AUTH PLAIN ${login('anna@example.com', 'secret')}`), /^5\d\d /);
  assert.match(await client.ask('MAIL FROM:<anna@example.com>'), /^530 5\.7\.0 /);
  await story.stop();
});

test('submission: after a login: as oneself, to our recipients, with one From', async () => {
  const story = await new ReceptionStory('submission', {}, true).start();
  const client = await begun(story);
  assert.match(await client.ask('MAIL FROM:<anna@example.com>'), /^530 5\.7\.0 /);
  assert.match(await client.ask('AUTH LOGIN'), /^504 /);
  assert.match(await client.ask(`AUTH PLAIN ${login('anna@example.com', 'later')}`), /^454 4\.7\.0 /);
  assert.match(await client.ask(`AUTH PLAIN ${login('anna@example.com', 'secret')}`), /^235 2\.7\.0 /);
  assert.match(await client.ask('MAIL FROM:<bernd@example.com>'), /^553 5\.7\.1 /);
  assert.match(await client.ask('MAIL FROM:<Anna@Example.com>'), /^250 /);
  assert.match(await client.ask('RCPT TO:<someone@elsewhere.example>'), /^550 5\.7\.1 /);
  assert.match(await client.ask('RCPT TO:<bernd@example.com>'), /^250 /);
  await client.ask('DATA');
  const from = client.heard.length;
  await client.send('From: anna@example.com\r\nFrom: boss@example.com\r\n\r\nx\r\n.\r\n');
  assert.match(await client.reply(from), /^554 5\.6\.0 /);
  await story.stop();
});

test('submission: wrong passwords: refused, then the connection ends', async () => {
  const story = await new ReceptionStory('submission', {}, true).start();
  const client = await begun(story);
  for (let number = 0; number < 2; number++) {
    assert.match(await client.ask(`AUTH PLAIN ${login('anna@example.com', 'wrong')}`), /^535 5\.7\.8 /);
  }
  assert.match(await client.ask(`AUTH PLAIN ${login('anna@example.com', 'wrong')}`), /^421 /);
  await client.untilEnd();
  await story.stop();
});

test('reception: no reply repeats what the client said', async () => {
  const story = await new ReceptionStory('smtp').start();
  const client = await begun(story);
  for (const line of [
    'EHLO canary77',
    'MAIL FROM:<canary77@x',
    'VRFY canary77',
    'canary77',
    'RCPT TO:<canary77>',
    'HELP canary77',
  ]) {
    await client.ask(line);
  }
  assert.doesNotMatch(client.heard, /canary77/);
  await story.stop();
});
