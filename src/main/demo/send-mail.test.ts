import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { findCorpus, readMessage } from './corpus.ts';
import { sendMail } from './send-mail.ts';

const corpus = { files: findCorpus().files.slice(0, 60) };

interface Received {
  readonly recipient: string;
  readonly digest: string;
}

/** Sends the corpus to a server that answers as `answer` says; returns what it accepted. */
async function sendTo(
  answer: (count: number, server: SMTPServer) => Error | undefined,
  stopped = () => false,
): Promise<Received[]> {
  const received: Received[] = [];
  let count = 0;
  const onData: SMTPServerOptions['onData'] = (stream, session, callback) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      count += 1;
      const error = answer(count, server);
      if (error !== undefined) return callback(error);
      const recipient = session.envelope.rcptTo[0]?.address ?? '';
      received.push({ recipient, digest: digestOf(Buffer.concat(chunks)) });
      callback();
    });
  };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    onData,
  });
  server.on('error', () => undefined); // connections that the story cuts
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.server.address() as AddressInfo;
    await sendMail(corpus, {
      address: '127.0.0.1',
      port,
      recipients: ['a@x.test', 'b@x.test', 'c@x.test'],
      onProgress: () => undefined,
      stopped,
    });
  } finally {
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
  return received;
}

function digestOf(message: Buffer): string {
  return createHash('sha256').update(message).digest('hex');
}

function refusal(responseCode: number): Error {
  return Object.assign(new Error('not now'), { responseCode });
}

function expected(): Received[] {
  const recipients = ['a@x.test', 'b@x.test', 'c@x.test'];
  return corpus.files.map((path, index) => ({
    recipient: recipients[index % 3] ?? '',
    digest: digestOf(readMessage(path)),
  }));
}

const sorted = (list: Received[]) =>
  list.map((each) => `${each.digest} ${each.recipient}`).toSorted((a, b) => (a < b ? -1 : 1));

test('demo mail: sent: every message once, byte for byte, spread over the users', async () => {
  assert.deepEqual(sorted(await sendTo(() => undefined)), sorted(expected()));
});

test('demo mail: the server says 451 now and then: tried again, none missing', async () => {
  const received = await sendTo((count) => (count % 20 === 3 ? refusal(451) : undefined));
  assert.deepEqual(sorted(received), sorted(expected()));
});

test('demo mail: connections are cut: none missing; those without an answer may come twice', async () => {
  const received = await sendTo((count, server) => {
    if (count === 17) for (const connection of server.connections) connection._socket.destroy();
    return undefined;
  });
  const distinct = (list: Received[]) => [...new Set(sorted(list))];
  assert.deepEqual(distinct(received), distinct(expected()));
});

test('demo mail: refused for good: the message and the answer are named', async () => {
  await assert.rejects(
    sendTo((count) => (count === 5 ? refusal(552) : undefined)),
    { code: 'MailRefused', message: /\.txt to .@x\.test: .*552/ },
  );
});

test('demo mail: interrupted: it ends without an error', async () => {
  let sent = 0;
  await sendTo(
    () => {
      sent += 1;
      return undefined;
    },
    () => sent >= 10,
  );
  assert.ok(sent < corpus.files.length);
});
