import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../base/random.ts';
import { diskPortSuite, type Storage } from '../log/disk.port-suite.ts';
import { PortDisk, PortLogDevice } from './disk-ports.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { SimulatedTime } from './simulated-time.ts';

interface World {
  readonly disk: SimulatedDisk;
  readonly process: SimulatedProcess;
  readonly end: () => void;
}

/** Time goes on by itself until the test has ended. */
function world(seed = 1): World {
  const time = new SimulatedTime(new SeededRandom(seed));
  const { promise, resolve } = Promise.withResolvers<void>();
  const tick = (): void => void time.after(1, tick);
  tick();
  void time.run(promise);
  return { disk: new SimulatedDisk(time, new SeededRandom(seed)), process: new SimulatedProcess('test'), end: resolve };
}

diskPortSuite('simulated', async (): Promise<Storage> => {
  const { disk, process, end } = world();
  const place = { disk, process, root: 'copy' };
  return {
    disk: new PortDisk(place),
    device: new PortLogDevice(place),
    reopenDevice: () => new PortLogDevice(place),
    dispose: async () => end(),
  };
});

test('simulated disk: a loss of power: keeps what was synced, and of the rest any part', () => {
  let kept = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const { disk, end } = world(seed);
    disk.create('log/file', Buffer.from('synced'));
    disk.sync('log/file');
    disk.syncFolder('log');
    disk.write('log/file', 0, Buffer.from('SYNCED and more'));
    disk.create('log/other', Buffer.from('name not synced'));
    disk.losePower();
    const text = disk.read('log/file', 0, 100).toString();
    assert.match(text, /^(synced|SYNCED and more)$/);
    if (text !== 'synced') kept += 1;
    end();
  }
  assert(kept > 5 && kept < 35, `${kept} of 40`);
});

test('simulated disk: a sync that failed: is not made good by the next one, only by writing again', () => {
  const { disk, end } = world();
  disk.create('log/file', Buffer.from('old'));
  disk.sync('log/file');
  disk.syncFolder('log');
  disk.write('log/file', 0, Buffer.from('new'));
  disk.isFailing = true;
  assert.throws(() => disk.sync('log/file'), /EIO/);
  disk.isFailing = false;
  disk.sync('log/file');
  assert.equal(disk.read('log/file', 0, 3).toString(), 'new');
  disk.losePower();
  assert.equal(disk.read('log/file', 0, 3).toString(), 'old');
  disk.write('log/file', 0, Buffer.from('new'));
  disk.sync('log/file');
  disk.losePower();
  assert.equal(disk.read('log/file', 0, 3).toString(), 'new');
  end();
});

test('simulated disk: whatever changes a file, or what is durable of it: gives it another stamp', () => {
  const disk = new SimulatedDisk(new SimulatedTime(new SeededRandom(1)), new SeededRandom(2));
  const steps: readonly (() => void)[] = [
    () => disk.create('a/file', Buffer.from('one')),
    () => disk.write('a/file', 1, Buffer.from('x')),
    () => disk.sync('a/file'),
    () => disk.truncate('a/file', 2),
    () => disk.flipBit('a/file', 0),
    () => disk.create('a/other', Buffer.from('two')),
    () => disk.rename('a/other', 'a/file'),
    () => disk.syncFolder('a'),
    () => disk.losePower(),
    () => disk.remove('a/file'),
  ];
  const seen = new Set([`${disk.stampOf('a/file')}`]);
  const isNewWith = (step: () => void): boolean => {
    step();
    return seen.size < seen.add(`${disk.stampOf('a/file')} ${disk.durableStampOf('a/file')}`).size;
  };
  const told = steps.map((step) => isNewWith(step));
  // Another file is none of its business.
  assert.deepEqual(told, [true, true, true, true, true, false, true, true, true, true]);
});

test('simulated process: a kill: nothing that was under way comes back to it', async () => {
  const { disk, process, end } = world();
  const time = new SimulatedTime(new SeededRandom(1));
  let hasHappened = false;
  const other = new SimulatedDisk(time, new SeededRandom(1));
  void other.operation(process, 5, () => {
    hasHappened = true;
  });
  time.after(1, () => process.kill());
  await time.run(time.sleep(20));
  assert.equal(hasHappened, false);
  assert.equal(disk.list('').length, 0);
  end();
});
