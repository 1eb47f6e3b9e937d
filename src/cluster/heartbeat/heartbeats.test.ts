import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { silentLogger } from '../../base/logger.ts';
import { SeededRandom } from '../../base/random.ts';
import { ManualClock } from '../../base/testing/manual-clock.ts';
import { type ClusterNetwork, defaultHeartbeat } from '../networks/cluster-network.ts';
import { type Beat, encodeBeat, parseBeat } from './datagram.ts';
import { isLoss } from './heartbeat-link.ts';
import { Heartbeats } from './heartbeats.ts';
import { DatagramWire } from './testing/datagram-wire.ts';

const secret = { clusterId: '0123456789abcdef0123456789abcdef', key: Buffer.alloc(32, 7) };
const addresses = { a: '10.0.0.1', b: '10.0.0.2' };
const network = { role: 'private', priority: 1, prefixLength: 24, heartbeat: defaultHeartbeat, addresses } as const;
const networks: readonly ClusterNetwork[] = [
  { ...network, name: 'Private' },
  { ...network, name: 'Mixed', role: 'mixed' },
  { ...network, name: 'Clients', role: 'public' },
];

class World {
  readonly clock = new ManualClock();
  readonly wire = new DatagramWire();
  readonly changes: string[] = [];
  /** What is to be given up, in the same words. */
  readonly losses: string[] = [];
  /** Time that passed while no process ran. */
  stunnedMs = 0;
  networks = networks;
  #seed: number;

  constructor(seed = 1) {
    this.#seed = seed;
  }

  host(name: string): Heartbeats {
    const heartbeats = new Heartbeats({
      host: name,
      networks: () => this.networks,
      secret,
      datagrams: this.wire.of(name),
      clock: {
        monotonicMs: () => this.clock.monotonicMs() + this.stunnedMs,
        wallMs: () => this.clock.wallMs(),
        after: (delayMs, fire) => this.clock.after(delayMs, fire),
      },
      random: new SeededRandom(this.#seed++),
      logger: silentLogger,
      onChange: (peer, on, state, before) => {
        this.changes.push(`${name} sees ${peer} on ${on}: ${state}`);
        if (isLoss(before, state)) this.losses.push(`${peer} on ${on}`);
      },
    });
    heartbeats.start();
    return heartbeats;
  }
}

function states(heartbeats: Heartbeats): Record<string, string> {
  return Object.fromEntries(heartbeats.status().map((way) => [way.network, way.state]));
}

test('heartbeats: two hosts: both networks between nodes come up, the one of clients has no heartbeats', async () => {
  const world = new World();
  const [a, b] = [world.host('a'), world.host('b')];
  await world.clock.advance(2_000);
  assert.deepEqual(states(a), { Private: 'up', Mixed: 'up' });
  assert.deepEqual(states(b), { Private: 'up', Mixed: 'up' });
  assert.ok(world.wire.sent.every((datagram) => datagram.bytes.length < 150 && datagram.network !== 'Clients'));
});

test('heartbeats: one network cut: down within the tolerance, the other stays up; healed: up after a few in a row', async () => {
  const world = new World();
  const [a] = [world.host('a'), world.host('b')];
  await world.clock.advance(2_000);
  for (const way of ['Private:a>b', 'Private:b>a']) world.wire.cuts.add(way);
  await world.clock.advance(1_500);
  assert.deepEqual(states(a), { Private: 'up', Mixed: 'up' });
  assert.equal(a.status()[0]?.isLate, true);
  await world.clock.advance(1_000);
  assert.deepEqual(states(a), { Private: 'down', Mixed: 'up' });
  assert.equal(a.isDown('b', 'Private'), true);
  assert.equal(a.isDown('b', 'Clients'), false);
  world.wire.cuts.clear();
  await world.clock.advance(500);
  assert.equal(states(a)['Private'], 'down');
  await world.clock.advance(1_500);
  assert.equal(states(a)['Private'], 'up');
});

test('heartbeats: one direction cut: both sides know, and the one that still hears says so', async () => {
  const world = new World();
  const [a, b] = [world.host('a'), world.host('b')];
  await world.clock.advance(2_000);
  world.wire.cuts.add('Private:a>b');
  await world.clock.advance(6_000);
  assert.equal(states(a)['Private'], 'one-way');
  assert.equal(states(b)['Private'], 'down');
});

test('heartbeats: a host that nobody knew is heard before it hears: on the way from down to up nothing is given up again', async () => {
  const world = new World();
  const a = world.host('a');
  await world.clock.advance(3_000);
  assert.deepEqual(world.losses, ['b on Private', 'b on Mixed']);
  world.wire.cuts.add('Private:a>b');
  world.wire.cuts.add('Mixed:a>b');
  world.host('b');
  await world.clock.advance(1_000);
  assert.deepEqual(states(a), { Private: 'one-way', Mixed: 'one-way' });
  world.wire.cuts.clear();
  await world.clock.advance(3_000);
  assert.deepEqual(states(a), { Private: 'up', Mixed: 'up' });
  assert.deepEqual(world.losses, ['b on Private', 'b on Mixed']);
});

test('heartbeats: the peer restarts at once: no network is lost', async () => {
  const world = new World();
  const a = world.host('a');
  const before = world.host('b');
  await world.clock.advance(2_000);
  before.stop();
  world.host('b');
  await world.clock.advance(4_000);
  assert.deepEqual(
    world.changes.filter((change) => change.includes('down')),
    [],
  );
  assert.equal(states(a)['Private'], 'up');
});

test('heartbeats: what was recorded is played again, also after the peer has started anew: never counts', async () => {
  const world = new World();
  const a = world.host('a');
  const before = world.host('b');
  await world.clock.advance(2_000);
  before.stop();
  world.host('b').stop();
  const recorded = world.wire.sent.filter(({ to }) => to === 'a');
  await world.clock.advance(3_000);
  assert.equal(states(a)['Private'], 'down');
  for (let round = 0; round < 20; round++) {
    for (const { network: on, bytes } of recorded) world.wire.inject(on, 'a', bytes);
    await world.clock.advance(250);
  }
  assert.notEqual(states(a)['Private'], 'up');

  const again = new World(100);
  const restarted = again.host('a');
  for (const { network: on, bytes } of recorded) again.wire.inject(on, 'a', bytes);
  await again.clock.advance(250);
  await again.clock.advance(250);
  assert.notEqual(states(restarted)['Private'], 'up');
});

test('heartbeats: another key, another cluster, another network, sent back to its sender: refused and counted', async () => {
  const world = new World();
  const a = world.host('a');
  const beat: Beat = { from: 'b', to: 'a', network: 'Private', run: '11'.repeat(8), echo: '00'.repeat(8), sequence: 1 };
  const forged = [
    encodeBeat(beat, { ...secret, key: Buffer.alloc(32, 8) }),
    encodeBeat(beat, { ...secret, clusterId: 'ff'.repeat(16) }),
    encodeBeat({ ...beat, network: 'Mixed' }, secret),
    encodeBeat({ ...beat, from: 'a', to: 'b' }, secret),
    encodeBeat({ ...beat, from: 'mars' }, secret),
  ];
  for (const bytes of forged) world.wire.inject('Private', 'a', bytes);
  assert.equal(a.refused, forged.length);
  world.wire.inject('Private', 'a', encodeBeat(beat, secret));
  assert.equal(a.refused, forged.length);
});

test('heartbeats: this process stood still for longer than the tolerance: no network is lost for that', async () => {
  const world = new World();
  world.host('a');
  world.host('b');
  await world.clock.advance(2_000);
  world.stunnedMs = 10_000;
  await world.clock.advance(2_000);
  assert.deepEqual(
    world.changes.filter((change) => !change.endsWith(': up')),
    [],
  );
});

test('heartbeats: a third host comes, and goes: heard on every network, then no longer spoken to; the others stay up', async () => {
  const world = new World();
  const [a, b] = [world.host('a'), world.host('b')];
  await world.clock.advance(2_000);
  const withThird = networks.map((each) => ({ ...each, addresses: { ...addresses, c: '10.0.0.3' } }));
  world.networks = withThird;
  const c = world.host('c');
  for (const host of [a, b]) host.hostsChanged();
  await world.clock.advance(2_000);
  const upTo = (from: Heartbeats): string[] =>
    from.status().flatMap(({ peer, network: on, state }) => (state === 'up' ? [`${peer}/${on}`] : []));
  assert.deepEqual(upTo(a).sort(), ['b/Mixed', 'b/Private', 'c/Mixed', 'c/Private']);
  world.networks = networks;
  for (const host of [a, b]) host.hostsChanged();
  c.stop();
  world.wire.sent.length = 0;
  await world.clock.advance(5_000);
  assert.deepEqual(upTo(a).sort(), ['b/Mixed', 'b/Private']);
  assert.ok(world.wire.sent.every(({ to }) => to !== 'c'));
  assert.deepEqual(
    world.changes.filter((change) => !change.endsWith(': up')),
    [],
  );
});

test('heartbeats: stopped: sets no more timers', async () => {
  const world = new World();
  const a = world.host('a');
  await world.clock.advance(1_000);
  a.stop();
  assert.equal(world.clock.pending, 0);
});

test('heartbeat datagram: what is written is read; any bytes, and any flipped bit: refused without a throw', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/);
  const run = fc.stringMatching(/^[0-9a-f]{16}$/);
  const beats = fc.record({ from: name, to: name, network: name, run, echo: run, sequence: fc.maxSafeNat() });
  fc.assert(
    fc.property(beats, fc.nat(), (beat, at) => {
      const bytes = encodeBeat(beat, secret);
      assert.deepEqual(parseBeat(bytes, secret), { ...beat });
      const bit = at % (bytes.length * 8);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(parseBeat(bytes, secret), undefined);
      assert.equal(parseBeat(bytes.subarray(0, at % bytes.length), secret), undefined);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      assert.equal(parseBeat(Buffer.from(bytes), secret), undefined);
    }),
  );
});

test('heartbeat datagram: rightly signed nonsense in the names: refused without a throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (tail) => {
      const beat: Beat = { from: 'b', to: 'a', network: 'P', run: '1'.repeat(16), echo: '0'.repeat(16), sequence: 1 };
      const signed = resign(Buffer.concat([encodeBeat(beat, secret).subarray(0, 45), tail]));
      const read = parseBeat(signed, secret);
      assert.ok(read === undefined || read.run === beat.run);
    }),
  );
});

function resign(body: Buffer): Buffer {
  return Buffer.concat([body, createHmac('sha256', secret.key).update(body).digest()]);
}
