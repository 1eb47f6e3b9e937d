import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../base/logger.ts';
import { ManualClock, settle } from '../base/testing/manual-clock.ts';
import { MemoryNetwork } from '../base/testing/memory-network.ts';
import { CopyHosts } from './copy-hosts.ts';
import { type CopyDamage, CopyRepair } from './copy-repair.ts';
import type { CopySeeding, SeedOrder } from './copy-seeding.ts';
import type { CopyStorage } from './copy-storage.ts';
import { replicationLimits } from './limits.ts';
import { encodeSourceFrame } from './protocol.ts';
import { emptyHello } from './testing/empty-hello.ts';

const HELLO = emptyHello(3);

class RepairWorld {
  readonly clock = new ManualClock();
  readonly network = new MemoryNetwork();
  readonly orders: SeedOrder[] = [];
  readonly done: string[] = [];
  closings = 0;
  damage: CopyDamage | undefined = { what: 'database', reason: 'a page is damaged' };
  reachesBack = false;
  readonly repair: CopyRepair;

  constructor() {
    const receive = (order: SeedOrder): Promise<void> => {
      this.orders.push(order);
      return Promise.resolve();
    };
    const putDatabaseAside = (): Promise<void> => {
      this.done.push('database put aside');
      return Promise.resolve();
    };
    this.repair = new CopyRepair({
      host: 'node2',
      storageGroup: 'g',
      copies: new CopyHosts('node2', ['node1', 'node2']),
      network: this.network.host('node2'),
      clock: this.clock,
      logger: silentLogger,
      storage: { putDatabaseAside } as unknown as CopyStorage,
      seeding: { receive } as unknown as CopySeeding,
      damage: () => this.damage,
      hello: () => HELLO,
      logReachesBack: () => this.reachesBack,
      anew: (work) => work(),
      closeFiles: () => {
        this.closings += 1;
        return Promise.resolve();
      },
      onMended: (what) => this.done.push(`${what} mended`),
    });
  }

  /** `node1` answers as a copy that is active under `epoch`, or as one that is not. */
  answerAs(epoch: number | undefined): void {
    this.network.host('node1').listen('node1/copy/g', (channel) =>
      channel.onFrame(() => {
        if (epoch === undefined) channel.close('this copy is not active');
        else channel.send(encodeSourceFrame({ type: 'seed-needed', epoch, reason: 'it has no log' }));
      }),
    );
  }

  async steps(count: number): Promise<void> {
    for (let step = 0; step < count; step++) {
      await this.clock.advance(replicationLimits.repairRetryMs);
      const ended = this.repair.step();
      await settle();
      await ended;
    }
  }
}

test('repair: a database that stays damaged: is made anew a few times, and no more before the period is over', async () => {
  const world = new RepairWorld();
  world.answerAs(3);
  await world.steps(20);
  assert.equal(world.orders.length, replicationLimits.repairsInPeriod);
  assert.deepEqual(world.orders[0], { source: 'node1', maxBytesPerSecond: null, keepLog: true });
  assert.equal(world.repair.mayRepair, false);
  await world.clock.advance(replicationLimits.repairPeriodMs);
  await world.steps(1);
  assert.equal(world.orders.length, replicationLimits.repairsInPeriod + 1);
});

test('repair: the disk did not let the files be opened: they are opened again and again, and nobody is asked', async () => {
  const world = new RepairWorld();
  world.damage = {
    what: 'opening',
    reason: 'Cannot read log/E00.log: the disk reports an error (EIO). Check the disk.',
  };
  await world.steps(20);
  const attempts = (20 * replicationLimits.repairRetryMs) / replicationLimits.reopenMs;
  assert.deepEqual([world.closings, world.orders, world.done], [attempts, [], []]);
  assert.equal(world.repair.mayRepair, true);
});

test('repair: nobody is active, or only under an older epoch: nothing is touched', async () => {
  for (const epoch of [undefined, 2]) {
    const world = new RepairWorld();
    world.answerAs(epoch);
    await world.steps(5);
    assert.deepEqual([world.orders, world.done], [[], []]);
    assert.equal(world.repair.mayRepair, true, 'looking for help does not count');
  }
});

test('repair: nobody is active and the log reaches back to its beginning: the database is put aside and replayed', async () => {
  const world = new RepairWorld();
  world.answerAs(undefined);
  world.reachesBack = true;
  await world.steps(1);
  assert.deepEqual(world.done, ['database put aside', 'database mended']);
  world.damage = undefined;
  await world.steps(3);
  assert.equal(world.done.length, 2);
});
