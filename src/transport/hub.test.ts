import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../base/logger.ts';
import { SeededRandom } from '../base/random.ts';
import { realClock } from '../base/testing/real-clock.ts';
import { Copies, STORAGE_GROUP } from '../directory/testing/copies.ts';
import { MemoryStore } from '../directory/testing/memory-store.ts';
import { MemoryDisk } from '../log/testing/memory-disk.ts';
import { TransactionLog } from '../log/transaction-log.ts';
import { type HubOptions, startHub } from './hub.ts';
import { RawSmtpClient } from './testing/raw-smtp-client.ts';
import { testCertificate } from './testing/reception-story.ts';

async function world() {
  const copies = new Copies(realClock);
  const store = new MemoryStore(['anna@example.com', 'bernd@example.com']);
  const finder = copies.finder();
  const disk = new MemoryDisk();
  const random = new SeededRandom(1);
  const { log } = await TransactionLog.open({
    disk,
    device: disk.device(),
    folder: '',
    clock: realClock,
    random,
    logger: silentLogger,
    ifMissing: 'empty',
  });
  const options: HubOptions = {
    storageGroups: [{ finder, log, mode: () => 'sync' }],
    acceptedDomains: ['example.com'],
    directoryCache: { load: async () => undefined, save: async () => undefined },
    listeners: [{ kind: 'lmtp', address: '127.0.0.1', port: 0 }],
    hostName: 'mail.example.com',
    certificate: testCertificate(),
    allowPlaintextLogin: false,
    login: async () => ({ outcome: 'wrong' }),
    clock: realClock,
    logger: silentLogger,
    onFatal: (error) => assert.fail(error),
    limits: { waitForActiveMs: 50 },
  };
  const close = async () => {
    finder.close();
    for (const service of copies.services.values()) service.close();
    await log.close();
  };
  return { copies, store, finder, options, close };
}

async function sendTo(client: RawSmtpClient, recipients: readonly string[], text: string): Promise<string[]> {
  await client.ask('MAIL FROM:<s@example.org>');
  for (const recipient of recipients) await client.ask(`RCPT TO:<${recipient}>`);
  await client.ask('DATA');
  const from = client.heard.length;
  await client.send(`${text}\r\n.\r\n`);
  await client.until(() => client.heard.slice(from).split('\r\n').length === recipients.length + 1);
  return client.heard
    .slice(from)
    .split('\r\n')
    .slice(0, -1)
    .map((line) => line.slice(0, 9));
}

test('hub: from LMTP to the mailbox, through a failover and its queue: every message once', async () => {
  const { copies, store, finder, options, close } = await world();
  const hub = await startHub(options);
  copies.activate('node1', store);
  await finder.whenActive(1_000);
  const client = await RawSmtpClient.connect(hub.ports[0] ?? 0);
  await client.reply();
  await client.ask('LHLO relay');
  const both = ['anna@example.com', 'bernd@example.com'];
  assert.deepEqual(await sendTo(client, both, 'one'), ['250 2.0.0', '250 2.0.0']);
  copies.crash('node1');
  assert.deepEqual(await sendTo(client, both, 'two'), ['250 2.0.0', '250 2.0.0']);
  assert.equal(hub.status().queues[0]?.queuedMessages, 1);
  assert.equal(hub.status().queues[0]?.storageGroup, STORAGE_GROUP);
  copies.activate('node2', store);
  await client.until(() => hub.status().queues[0]?.queuedMessages === 0);
  assert.deepEqual(store.messagesOf('anna@example.com'), ['one\r\n', 'two\r\n']);
  assert.deepEqual(store.messagesOf('bernd@example.com'), ['one\r\n', 'two\r\n']);
  client.close();
  await hub.close();
  await close();
});

test('hub: a port is in use: the start fails and leaves nothing behind', async () => {
  const first = await world();
  const hub = await startHub(first.options);
  const second = await world();
  const [port = 0] = hub.ports;
  const listeners = [
    { kind: 'smtp', address: '127.0.0.1', port: 0 },
    { kind: 'lmtp', address: '127.0.0.1', port },
  ] as const;
  await assert.rejects(startHub({ ...second.options, listeners }), { code: 'EADDRINUSE' });
  await hub.close();
  await first.close();
  await second.close();
});
