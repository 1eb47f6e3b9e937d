import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../base/logger.ts';
import type { Channel } from '../base/network.ts';
import { settle } from '../base/testing/manual-clock.ts';
import { MemoryNetwork } from '../base/testing/memory-network.ts';
import { FOLDER, openWorld, writtenWorld } from '../log/testing/log-story.ts';
import type { MemoryDisk } from '../log/testing/memory-disk.ts';
import type { TransactionLog } from '../log/transaction-log.ts';
import { decodeSourceFrame, type SourceFrame } from './protocol.ts';
import { RecentItems } from './recent-items.ts';
import { Subscription } from './subscription.ts';
import { emptyHello } from './testing/empty-hello.ts';

const EPOCH = 1;

/** What a copy without a log is sent. */
async function framesFor(log: TransactionLog): Promise<readonly SourceFrame[]> {
  const network = new MemoryNetwork();
  const arrived = Promise.withResolvers<Channel>();
  network.host('node1').listen('node1/copy/g', arrived.resolve);
  const target = await network.host('node2').connect('node1/copy/g', 0);
  const frames: SourceFrame[] = [];
  target.onFrame((frame) => frames.push(decodeSourceFrame(frame)));
  const progress = { committedLsn: log.endLsn, endLsn: log.endLsn, generation: log.generation, inSync: false };
  const subscription = new Subscription({
    channel: await arrived.promise,
    hello: emptyHello(EPOCH),
    epoch: EPOCH,
    log,
    recent: new RecentItems({ limitBytes: 1, endLsn: log.endLsn }),
    progress: () => progress,
    onAcknowledged: () => undefined,
    onHigherEpoch: () => undefined,
    onClosed: () => undefined,
    logger: silentLogger,
  });
  const running = subscription.run();
  for (let turn = 0; turn < 50; turn++) await settle();
  subscription.close('the test ends');
  await running;
  return frames;
}

const damages: readonly (readonly [what: string, damage: (disk: MemoryDisk) => Promise<void>])[] = [
  [
    'is damaged',
    async (disk) => {
      const file = disk.inode(`${FOLDER}/E0000000002.log`);
      file.current[5_000] = (file.current[5_000] ?? 0) ^ 4;
    },
  ],
  ['is missing', (disk) => disk.remove(`${FOLDER}/E0000000002.log`)],
];

for (const [what, damage] of damages) {
  test(`subscription: a log file of the active copy ${what}: nothing of it is sent, and the other copy hears that it needs a seed`, async () => {
    const { log, disk } = await openWorld(await writtenWorld(60));
    await damage(disk);
    const frames = await framesFor(log);
    assert.deepEqual([frames[0]?.type, frames.at(-1)?.type], ['start', 'seed-needed']);
    const last = frames.at(-1);
    assert.match(last?.type === 'seed-needed' ? last.reason : '', /cannot be read on the active copy/);
    await log.close();
  });
}

test('subscription: the log of the active copy is whole: all of it is sent', async () => {
  const { log } = await openWorld(await writtenWorld(60));
  const frames = await framesFor(log);
  assert.equal(frames.filter(({ type }) => type === 'file').length, log.generation);
  assert.equal(frames.at(-1)?.type, 'progress');
  await log.close();
});
