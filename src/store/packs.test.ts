import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isProblem, Problem } from '../base/problem.ts';
import { SeededRandom } from '../base/random.ts';
import { Database, type Tally } from './database.ts';
import { BODY_CACHE_BYTES, BODY_PIECE_BYTES } from './limits.ts';
import { type PackDevice, Packs } from './packs.ts';
import { MemoryPacks } from './testing/memory-packs.ts';
import { SIGNATURE, TEST_PACK_BYTES } from './testing/store-world.ts';

function emptyTally(): Tally {
  return new Database({ path: ':memory:', signature: SIGNATURE }).tally;
}

test('packs: many bodies: lie behind one another, and a full pack is followed by the next', () => {
  const device = new MemoryPacks();
  const packs = new Packs(device, TEST_PACK_BYTES);
  const tally = emptyTally();
  const random = new SeededRandom(3);
  const bodies = Array.from({ length: 30 }, () => random.bytes(random.below(1_000)));
  const places = bodies.map((body, index) => packs.append(tally, index + 1, body));
  for (const [index, place] of places.entries()) assert.deepEqual(packs.read(place), bodies[index]);
  assert.ok(tally.pack > 2);
  assert.equal(device.list().length, tally.pack);
});

test('packs: the same bodies in the same order: the same bytes at the same places', () => {
  const devices = [new MemoryPacks(), new MemoryPacks()];
  for (const device of devices) {
    const packs = new Packs(device, TEST_PACK_BYTES);
    const tally = emptyTally();
    for (let id = 1; id < 20; id++) packs.append(tally, id, Buffer.alloc(500, id));
  }
  assert.deepEqual(devices[0]?.list(), devices[1]?.list());
  assert.deepEqual(devices[0]?.read(2, 0, 9_000), devices[1]?.read(2, 0, 9_000));
});

test('packs: one flipped bit anywhere in an entry: the body is not given out', () => {
  for (const position of [0, 5, 13, 17, 20, 519]) {
    const device = new MemoryPacks();
    const packs = new Packs(device);
    const place = packs.append(emptyTally(), 1, Buffer.alloc(500, 1));
    device.damage(1, position);
    assert.throws(
      () => packs.read(place),
      (error) => isProblem(error, 'BodyDamaged'),
      `byte ${position}`,
    );
    assert.throws(
      () => packs.read(place, 3, 4),
      (error) => isProblem(error, 'BodyDamaged'),
    );
  }
});

test('packs: a long body: ranges are checked by pieces, also those that rot after the first look', () => {
  const device = new MemoryPacks();
  const packs = new Packs(device);
  const body = new SeededRandom(5).bytes(BODY_CACHE_BYTES / 4 + 3 * BODY_PIECE_BYTES + 17);
  const place = packs.append(emptyTally(), 1, body);
  const edges = [0, 1, BODY_PIECE_BYTES - 1, BODY_PIECE_BYTES, BODY_PIECE_BYTES + 1, body.length - 1, body.length];
  for (const start of edges) {
    for (const end of edges) {
      const expected = body.subarray(start, Math.max(start, end));
      assert.ok(packs.read(place, start, end).equals(expected), `${start}..${end}`);
    }
  }
  assert.ok(packs.read(place).equals(body));
  device.damage(1, 20 + 2 * BODY_PIECE_BYTES);
  assert.ok(packs.read(place, 0, 10).equals(body.subarray(0, 10)));
  assert.throws(
    () => packs.read(place, 2 * BODY_PIECE_BYTES, 2 * BODY_PIECE_BYTES + 1),
    (error) => isProblem(error, 'BodyDamaged'),
  );
});

test('packs: a body of no bytes, and ranges beyond the end: give what there is', () => {
  const packs = new Packs(new MemoryPacks());
  const tally = emptyTally();
  assert.equal(packs.read(packs.append(tally, 1, Buffer.alloc(0))).length, 0);
  const place = packs.append(tally, 2, Buffer.from('abc'));
  assert.equal(packs.read(place, 1, 100).toString(), 'bc');
  assert.equal(packs.read(place, 5, 9).length, 0);
});

test('packs: a pack that ends too early: is damage', () => {
  const device = new MemoryPacks();
  const packs = new Packs(device);
  const place = packs.append(emptyTally(), 1, Buffer.alloc(500, 1));
  device.truncate(1, 100);
  assert.throws(
    () => packs.read(place),
    (error) => isProblem(error, 'BodyDamaged'),
  );
});

test('packs: the disk does not give the bytes of a body: it counts as damaged, and whoever mends it is told', () => {
  const memory = new MemoryPacks();
  const told: number[] = [];
  const device: PackDevice = {
    append: (pack, position, bytes) => memory.append(pack, position, bytes),
    read: () => {
      throw new Problem(
        'DiskFailed',
        'Cannot read packs/00000001.pack: the disk reports an error (EIO). Check the disk.',
      );
    },
    sync: () => memory.sync(),
    truncate: (pack, length) => memory.truncate(pack, length),
    remove: (pack) => memory.remove(pack),
    list: () => memory.list(),
    close: () => memory.close(),
    bodyDamaged: (bodyId) => told.push(bodyId),
  };
  const packs = new Packs(device);
  const place = packs.append(emptyTally(), 7, Buffer.alloc(500, 1));
  assert.throws(() => packs.read(place), {
    code: 'BodyDamaged',
    message:
      'Cannot read message body 7: Cannot read packs/00000001.pack: the disk reports an error (EIO). Check the disk.',
  });
  assert.deepEqual(told, [7]);
});
