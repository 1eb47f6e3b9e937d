import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { after, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { deferred } from '../base/deferred.ts';
import { silentLogger } from '../base/logger.ts';
import type { Channel } from '../base/network.ts';
import { createAuthority, issueCertificate } from './certificates.ts';
import type { Place } from './endpoints.ts';
import { machineClock } from './machine.ts';
import { TlsNetwork } from './tls-network.ts';

const authority = await createAuthority('test', '0'.repeat(32), machineClock.wallMs());
const identity = async (name: string) =>
  await issueCertificate(authority, { name, role: 'host', alternativeNames: [] }, machineClock.wallMs());
const [nearIdentity, farIdentity] = [await identity('near'), await identity('far')];

const undo: (() => void)[] = [];
after(() => {
  for (const each of undo) each();
});

async function freePort(address: string): Promise<number> {
  const server = await listening(address, 0);
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

function listening(address: string, port: number): Promise<Server> {
  const server = createServer();
  return new Promise((resolve) => server.listen(port, address, () => resolve(server)));
}

function network(identityOf: typeof nearIdentity, places: readonly Place[]): TlsNetwork {
  return new TlsNetwork({
    identity: identityOf,
    locate: () => places,
    logger: silentLogger,
    onListenError: () => undefined,
  });
}

/** A host `far` on two networks, and what it accepted. */
async function twoNetworks() {
  const port = await freePort('127.0.1.9');
  const places = [
    { address: '127.0.1.9', port, network: 'Private' },
    { address: '127.0.0.9', port, network: 'Public' },
  ];
  const far = network(farIdentity, places);
  const accepted: Channel[] = [];
  undo.push(far.listen('far/cluster', (channel) => accepted.push(channel)));
  return { places, port, accepted };
}

test('network of TLS: two ways: the preferred one is taken', async () => {
  const { places } = await twoNetworks();
  const near = network(nearIdentity, places);
  const channel = await near.connect('far/cluster', 5_000);
  const closed = deferred<string>();
  channel.onClose((reason) => closed.resolve(reason));
  near.closeOver('far', 'Public', 'another network');
  near.closeOver('far', 'Private', 'Private is lost');
  assert.equal(await closed.promise, 'Private is lost');
});

test('network of TLS: the preferred way is back: what was connected over another one is formed again, what was to take that one stays', async () => {
  const { places } = await twoNetworks();
  const ways = places.slice(1);
  const near = network(nearIdentity, ways);
  const closed: string[] = [];
  const connect = async (name: string, options = {}): Promise<Channel> => {
    const channel = await near.connect('far/cluster', 5_000, options);
    channel.onClose((reason) => closed.push(`${name}: ${reason}`));
    return channel;
  };
  await connect('free');
  const named = await connect('named', { network: 'Public' });
  ways.unshift(...places.slice(0, 1));
  const preferred = await connect('preferred');
  near.returnTo('mars', 'Private');
  near.returnTo('far', 'Public');
  near.returnTo('far', 'Private');
  await turn();
  assert.deepEqual(closed, ['free: Private is back']);
  for (const channel of [named, preferred]) channel.close('done');
});

test('network of TLS: nobody listens on the preferred way: the next one is taken', async () => {
  const { places, port } = await twoNetworks();
  const near = network(nearIdentity, [{ address: '127.0.1.10', port, network: 'Private' }, ...places.slice(1)]);
  const channel = await near.connect('far/cluster', 5_000);
  assert.equal(channel.remoteHost, 'far');
  channel.close('done');
});

test('network of TLS: the preferred way swallows everything: the next one is taken long before the time is over', async () => {
  const { places } = await twoNetworks();
  const mute = await listening('127.0.1.11', 0);
  undo.push(() => mute.close());
  mute.on('connection', (socket) => undo.push(() => socket.destroy()));
  const { port } = mute.address() as AddressInfo;
  const near = network(nearIdentity, [{ address: '127.0.1.11', port, network: 'Private' }, ...places.slice(1)]);
  const startMs = machineClock.monotonicMs();
  (await near.connect('far/cluster', 30_000)).close('done');
  assert.ok(machineClock.monotonicMs() - startMs < 10_000);
});

test('network of TLS: one network asked for: no other is taken; an unknown one: said so', async () => {
  const { places } = await twoNetworks();
  const port = await freePort('127.0.1.12');
  const near = network(nearIdentity, [{ address: '127.0.1.12', port, network: 'Private' }, ...places.slice(1)]);
  await assert.rejects(near.connect('far/cluster', 5_000, { network: 'Private' }), { code: 'Unreachable' });
  await assert.rejects(near.connect('far/cluster', 5_000, { network: 'Mars' }), /it has no address on Mars/);
  (await near.connect('far/cluster', 5_000, { network: 'Public' })).close('done');
});

test('network of TLS: the other way is another host: refused, as on the first', async () => {
  const { places, port } = await twoNetworks();
  const near = network(nearIdentity, [{ address: '127.0.1.13', port, network: 'Private' }, ...places.slice(1)]);
  await assert.rejects(near.connect('mars/cluster', 5_000), { code: 'Unreachable' });
});

test('network of TLS: networks change: a new address is listened on, one that is gone is not, and connections take the new order', async () => {
  const { places } = await twoNetworks();
  const port = await freePort('127.0.2.9');
  const third = { address: '127.0.2.9', port, network: 'Replication' };
  const [own, ways] = [[third], places.slice(1)];
  const far = network(farIdentity, own);
  const accepted = deferred<void>();
  undo.push(far.listen('far/copy/g', () => accepted.resolve()));
  const near = network(nearIdentity, ways);
  const closed: string[] = [];
  const free = await near.connect('far/cluster', 5_000);
  free.onClose((reason) => closed.push(reason));
  near.placesChanged();
  ways.push(third);
  near.placesChanged();
  await turn();
  assert.deepEqual(closed, [], 'it takes the best network already');
  ways.reverse();
  near.placesChanged();
  await turn();
  assert.deepEqual(closed, ['the networks have changed']);
  const again = await near.connect('far/cluster', 5_000);
  const ended = deferred<string>();
  again.onClose((reason) => ended.resolve(reason));
  await accepted.promise;
  own.pop();
  far.placesChanged();
  await ended.promise;
  own.push(third);
  far.placesChanged();
  (await near.connect('far/cluster', 5_000, { network: 'Replication' })).close('done');
});
