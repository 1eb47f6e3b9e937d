import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isProblem } from '../base/problem.ts';
import { ManualClock, settle } from '../base/testing/manual-clock.ts';
import { decodeDeliveryResults, encodeDelivery } from '../mail/delivery.ts';
import { copyMethods, decodeHello, encodeBody } from './copy-protocol.ts';
import { Copies } from './testing/copies.ts';
import { MemoryStore } from './testing/memory-store.ts';

async function world() {
  const copies = new Copies(new ManualClock());
  const store = new MemoryStore(['anna@example.com']);
  const finder = copies.finder();
  copies.activate('node1', store);
  await settle();
  const rpc = finder.active()?.rpc;
  assert.ok(rpc);
  const ask = async (method: string, body: object): Promise<unknown> =>
    JSON.parse((await rpc.ask(method, encodeBody(body), 1_000)).toString());
  return { copies, store, rpc, ask };
}

const message = encodeDelivery({
  deliveryId: Buffer.alloc(16, 1),
  acceptedMs: 1,
  sender: '',
  recipients: ['anna@example.com'],
  trace: '',
  bytes: Buffer.from('x'),
  structure: Buffer.alloc(0),
});

test('copy service: mailboxes and passwords: made, found, changed', async () => {
  const { ask } = await world();
  const made = await ask(copyMethods.createMailbox, {
    address: 'new@example.com',
    displayName: 'New',
    credential: 'hash',
  });
  assert.deepEqual(made, {
    id: 2,
    guid: '2'.padStart(32, '0'),
    address: 'new@example.com',
    displayName: '',
    hasCredential: true,
    createdMs: 0,
  });
  await ask(copyMethods.setCredential, { address: 'NEW@example.com', credential: 'other' });
  assert.deepEqual(await ask(copyMethods.credential, { address: 'new@example.com' }), {
    found: { mailboxId: 2, address: 'new@example.com', phc: 'other' },
  });
  assert.deepEqual(await ask(copyMethods.credential, { address: 'nobody@example.com' }), { found: null });
  const code = (expected: string) => (error: unknown) => isProblem(error, expected);
  await assert.rejects(
    ask(copyMethods.createMailbox, { address: 'new@example.com', displayName: '', credential: null }),
    code('MailboxExists'),
  );
  await assert.rejects(
    ask(copyMethods.createMailbox, { address: 'no address', displayName: '', credential: null }),
    code('AddressInvalid'),
  );
  await assert.rejects(
    ask(copyMethods.setCredential, { address: 'nobody@example.com', credential: null }),
    code('MailboxNotFound'),
  );
  await assert.rejects(ask(copyMethods.resolve, { addresses: 'not a list' }), code('Malformed'));
});

test('copy service: the list of mailboxes: sent only to who has another one', async () => {
  const { ask, store } = await world();
  const first = (await ask(copyMethods.mailboxes, { digest: '' })) as { digest: string; addresses: unknown };
  assert.deepEqual(first.addresses, ['anna@example.com']);
  assert.deepEqual(await ask(copyMethods.mailboxes, { digest: first.digest }), {
    digest: first.digest,
    addresses: null,
  });
  store.add('new@example.com', null);
  assert.notDeepEqual(await ask(copyMethods.mailboxes, { digest: first.digest }), {
    digest: first.digest,
    addresses: null,
  });
});

test('copy service: nothing is answered before it is committed', async () => {
  const { store, rpc } = await world();
  store.hold();
  let answered = false;
  const delivered = rpc.ask(copyMethods.deliver, message, 1_000).finally(() => {
    answered = true;
  });
  await settle();
  assert.equal(answered, false);
  store.release();
  assert.deepEqual(decodeDeliveryResults(await delivered), [{ recipient: 'anna@example.com', outcome: 'delivered' }]);
});

test('copy service: the copy loses its place in the middle of a delivery: the outcome is called unknown, not refused', async () => {
  const { store, rpc } = await world();
  store.hold();
  const delivered = rpc.ask(copyMethods.deliver, message, 1_000);
  delivered.catch(() => undefined);
  await settle();
  store.fail();
  await assert.rejects(delivered, (error) => isProblem(error, 'OutcomeUnknown'));
});

test('copy service: not active: says so to every question', async () => {
  const { copies, rpc } = await world();
  copies.services.get('node1')?.deactivate(2);
  for (const method of [copyMethods.deliver, copyMethods.resolve, copyMethods.credential, copyMethods.mailboxes]) {
    await assert.rejects(rpc.ask(method, Buffer.from('{}'), 1_000), (error) => isProblem(error, 'NotActive'), method);
  }
});

test('copy protocol: a hello that is no hello: malformed', () => {
  for (const bytes of ['', 'x', '[]', '{}', '{"service":7}', `{"service":"${'x'.repeat(100)}"}`]) {
    assert.throws(
      () => decodeHello(Buffer.from(bytes)),
      (error) => isProblem(error, 'Malformed'),
      bytes,
    );
  }
});
