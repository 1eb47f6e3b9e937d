import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../base/logger.ts';
import { Problem } from '../base/problem.ts';
import { ManualClock, settle } from '../base/testing/manual-clock.ts';
import { MemoryNetwork } from '../base/testing/memory-network.ts';
import { CopyHosts } from './copy-hosts.ts';
import { type FollowedCopy, Follower } from './follower.ts';
import { decodeTargetFrame, encodeSourceFrame, type SourceFrame } from './protocol.ts';
import { emptyHello } from './testing/empty-hello.ts';

const EPOCH = 3;
const PROGRESS = { committedLsn: 5, endLsn: 5, generation: 1, inSync: true };

/** A copy with everything in its log, whose database takes no further record. */
function copyThatFails(failure: Problem): FollowedCopy {
  return {
    hello: () => emptyHello(EPOCH),
    epochFloor: () => EPOCH,
    storeEpoch: async () => undefined,
    continueFrom: async () => undefined,
    startFile: () => undefined,
    appendFrames: () => 5,
    durable: async () => undefined,
    applyUpTo: () => Promise.reject(failure),
    endLsn: 5,
    appliedLsn: 4,
    generation: 1,
    hasLogFailed: false,
    lacksRecords: false,
    recordsAreBack: async () => undefined,
  };
}

const START: SourceFrame = { type: 'start', epoch: EPOCH, commonLsn: 5, chain: 0 };

function follow(cause: Problem): Promise<{ fatal: unknown[]; applyFailure: string | null }> {
  const copy = copyThatFails(new Problem('RecordNotApplied', `Cannot apply a record: ${cause.message}`, { cause }));
  return followFrames(copy, [START, { type: 'progress', epoch: EPOCH, progress: PROGRESS }]);
}

/** The active copy says these, one after the other. */
async function followFrames(
  copy: FollowedCopy,
  frames: readonly SourceFrame[],
): Promise<{ fatal: unknown[]; applyFailure: string | null }> {
  const network = new MemoryNetwork();
  network.host('node1').listen('node1/copy/g', (channel) =>
    channel.onFrame(() => {
      for (const frame of frames) channel.send(encodeSourceFrame(frame));
    }),
  );
  const fatal: unknown[] = [];
  const follower = new Follower({
    storageGroup: 'g',
    copies: new CopyHosts('node2', ['node1', 'node2']),
    copy,
    network: network.host('node2'),
    clock: new ManualClock(),
    logger: silentLogger,
    isShortOfRoom: () => false,
    onFatal: (error) => fatal.push(error),
  });
  follower.start();
  await settle();
  const { applyFailure } = follower;
  await follower.stop('the test ends');
  return { fatal, applyFailure };
}

test('follower: a record is not applied for want of room: the process ends and begins anew, no copy has to be made', async () => {
  const full = new Problem('DiskFull', 'Cannot use the database (database.sqlite): the disk is full. Make room on it.');
  assert.deepEqual(await follow(full), { fatal: [full], applyFailure: null });
});

test('follower: a record is not applied because the database is damaged: the copy says so, and goes on with its log', async () => {
  const damaged = new Problem(
    'DatabaseDamaged',
    'Cannot use the database (database.sqlite): malformed. Check the disk.',
  );
  const { fatal, applyFailure } = await follow(damaged);
  assert.deepEqual(fatal, []);
  assert.match(applyFailure ?? '', /^Cannot apply a record: Cannot use the database/);
});

for (const [what, frames, begun] of [
  ['records come before the beginning', ['records', 'start'], 0],
  ['a second beginning comes behind records', ['start', 'records', 'start'], 1],
] as const) {
  test(`follower: ${what}: the channel is closed, and nothing is cut for it`, async () => {
    const records: SourceFrame = { type: 'records', epoch: EPOCH, committedLsn: 0, frames: Buffer.alloc(0) };
    const done: string[] = [];
    const copy = copyThatFails(new Problem('RecordNotApplied', 'Cannot apply a record'));
    copy.continueFrom = () => Promise.resolve(void done.push('continued'));
    copy.appendFrames = () => done.push('appended');
    const said = frames.map((type) => (type === 'start' ? START : records));
    assert.deepEqual((await followFrames(copy, said)).fatal, []);
    assert.equal(done.filter((each) => each === 'continued').length, begun);
    assert.equal(done.filter((each) => each === 'appended').length, begun);
  });
}

test('follower: a higher epoch is promised while a record is synced, and withdrawn: the copy connects anew and says what it has', async () => {
  const network = new MemoryNetwork();
  const clock = new ManualClock();
  const heard: string[] = [];
  network.host('node1').listen('node1/copy/g', (channel) => {
    let isOpen = true;
    channel.onClose((reason) => heard.push(reason));
    channel.onFrame((bytes) => {
      if (!isOpen) return void heard.push(decodeTargetFrame(bytes).type);
      isOpen = false;
      channel.send(encodeSourceFrame(START));
    });
  });
  const syncs = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const copy = copyThatFails(new Problem('RecordNotApplied', 'Cannot apply a record'));
  let floor = EPOCH;
  let asked = 0;
  copy.epochFloor = () => floor;
  copy.durable = () => syncs[asked++]?.promise ?? Promise.resolve();
  const hosts = new CopyHosts('node2', ['node1', 'node2']);
  const options = { storageGroup: 'g', copies: hosts, copy, clock, logger: silentLogger };
  const follower = new Follower({
    ...options,
    network: network.host('node2'),
    isShortOfRoom: () => false,
    onFatal: (error) => heard.push(String(error)),
  });
  follower.start();
  await settle();
  floor = EPOCH + 1;
  syncs[0]?.resolve();
  await settle();
  assert.deepEqual(heard, ['a higher epoch has been promised']);
  floor = EPOCH;
  await clock.advance(1_000);
  syncs[1]?.resolve();
  await settle();
  assert.deepEqual(heard, ['a higher epoch has been promised', 'acknowledge']);
  await follower.stop('the test ends');
});

test('follower: its disk is nearly full: it lets go, says so, and follows again when there is room', async () => {
  const network = new MemoryNetwork();
  const clock = new ManualClock();
  let channels = 0;
  network.host('node1').listen('node1/copy/g', (channel) => {
    channels += 1;
    let isBegun = false;
    channel.onFrame(() => {
      if (!isBegun) channel.send(encodeSourceFrame(START));
      isBegun = true;
    });
  });
  let isShortOfRoom = false;
  const follower = new Follower({
    storageGroup: 'g',
    copies: new CopyHosts('node2', ['node1', 'node2']),
    copy: copyThatFails(new Problem('RecordNotApplied', 'Cannot apply a record')),
    network: network.host('node2'),
    clock,
    logger: silentLogger,
    isShortOfRoom: () => isShortOfRoom,
    onFatal: (error) => assert.fail(String(error)),
  });
  follower.start();
  await settle();
  assert.equal(follower.state.source, 'node1');
  isShortOfRoom = true;
  follower.look();
  await clock.advance(10_000);
  assert.equal(channels, 1);
  assert.equal(follower.state.source, null);
  assert.match(follower.hold ?? '', /^Cannot follow the active copy: the disk is nearly full\./);
  isShortOfRoom = false;
  await clock.advance(1_000);
  assert.deepEqual([channels, follower.state.source], [2, 'node1']);
  await follower.stop('the test ends');
});
