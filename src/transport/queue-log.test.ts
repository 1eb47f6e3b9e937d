import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../base/assert.ts';
import { type Logger, silentLogger } from '../base/logger.ts';
import { Problem } from '../base/problem.ts';
import { SeededRandom } from '../base/random.ts';
import { ManualClock, settle } from '../base/testing/manual-clock.ts';
import { MemoryDisk } from '../log/testing/memory-disk.ts';
import { encodeDelivery } from '../mail/delivery.ts';
import { newDelivery } from '../store/testing/store-world.ts';
import { queueLimits } from './limits.ts';
import { type CommitMode, DeliveryQueue } from './queue.ts';
import { openQueueLog } from './queue-log.ts';

const FOLDER = 'queue';
const MESSAGES = 60;

/** Lines of errors, as an administrator finds them. */
class Lines implements Logger {
  readonly errors: string[] = [];
  info = (): void => undefined;
  warn = (): void => undefined;
  child = (): Logger => this;
  error(fields: object, event: string): void {
    this.errors.push(`${event} ${JSON.stringify(fields)}`);
  }
}

async function openQueue(disk: MemoryDisk, mode: CommitMode = 'sync', logger: Logger = silentLogger) {
  const clock = new ManualClock();
  const random = new SeededRandom(5);
  const options = { disk, folder: FOLDER, clock, random, logger, fileSizeBytes: 8_192 };
  const { log } = await openQueueLog({ ...options, openDevice: () => disk.device() });
  const onLogFailed = (failure: Error): void => assert.fail(failure);
  const queue = await DeliveryQueue.open({ log, clock, logger, mode: () => mode, limits: queueLimits, onLogFailed });
  const close = async (): Promise<void> => {
    await queue.close();
    await log.close();
  };
  // Old files go.
  for (let round = 0; round < 5; round++) await settle();
  return { queue, log, close };
}

const messageOf = (number: number) => {
  const delivery = newDelivery(number, ['anna@example.test']);
  return { deliveryId: delivery.deliveryId, encoded: encodeDelivery(delivery) };
};

const numbersOf = async (queue: DeliveryQueue): Promise<number[]> => {
  const numbers: number[] = [];
  for await (const { deliveryId } of queue.waiting()) numbers.push(deliveryId.readUInt32BE(12));
  return numbers;
};

/** All of them queued, every third one confirmed. */
async function filled(mode: CommitMode = 'sync'): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const { queue, log, close } = await openQueue(disk, mode);
  for (let number = 1; number <= MESSAGES; number++) await queue.add(messageOf(number), 'waiting');
  for (let number = 3; number <= MESSAGES; number += 3) queue.confirm(messageOf(number).deliveryId, 1);
  await log.durable(log.endLsn);
  await close();
  return new MemoryDisk(disk.files());
}

const waiting = Array.from({ length: MESSAGES }, (_, index) => index + 1).filter((number) => number % 3 !== 0);

function closedFiles(disk: MemoryDisk): string[] {
  return [...disk.files().keys()].filter((name) => /E00[0-9a-f]{8}\.log$/.test(name)).sort();
}

function damage(disk: MemoryDisk, name: string, fromByte: number, bytes: number): void {
  const { current } = disk.inode(name);
  for (let at = fromByte; at < fromByte + bytes; at++) current.writeUInt8(current.readUInt8(at) ^ 0x55, at);
}

test('queue log: a record is damaged: file and range are told, every other message is delivered, the files stay', async () => {
  const disk = await filled();
  const [, file = ''] = closedFiles(disk);
  damage(disk, file, 4_200, 4);
  const lines = new Lines();
  const { queue, close } = await openQueue(disk, 'sync', lines);
  const numbers = await numbersOf(queue);
  const lost = waiting.filter((number) => !numbers.includes(number));
  assert.ok(lost.length <= 1, `${lost.length} are lost`);
  assert.equal(new Set(numbers).size, numbers.length);
  const told = lines.errors.join('\n');
  assert.match(told, /damaged.*"file":"E00\w+\.log","fromByte":\d+,"toByte":\d+/);
  assert.match(told, /"keptRecords":\d+,"unreadableRecords":1/);
  assert.ok(disk.files().has(`${FOLDER}/aside-1/${file.slice(FOLDER.length + 1)}`));
  await close();
  const again = await openQueue(new MemoryDisk(disk.files()));
  assert.deepEqual(await numbersOf(again.queue), numbers);
  await again.close();
});

test('queue log: a file is gone, another has no header: what the others hold is delivered', async () => {
  const disk = await filled();
  const files = closedFiles(disk);
  const [first = '', , third = ''] = files;
  await disk.remove(first);
  damage(disk, third, 0, 64);
  const { queue, close } = await openQueue(disk);
  const numbers = await numbersOf(queue);
  assert.ok(numbers.length >= waiting.length / 2, `${numbers.length} of ${waiting.length}`);
  await queue.add(messageOf(1_000), 'waiting');
  assert.ok((await numbersOf(queue)).includes(1_000));
  await close();
});

test('queue log: the last named file has no header, and the one behind it no name yet: what both hold is delivered', async () => {
  const disk = await filled();
  const closed = closedFiles(disk);
  await disk.rename(`${FOLDER}/E00.log`, `${FOLDER}/E00tmp9.log`);
  await disk.rename(closed.at(-1) ?? '', `${FOLDER}/E00.log`);
  damage(disk, `${FOLDER}/E00.log`, 0, 64);
  const { queue, close } = await openQueue(disk);
  assert.deepEqual(await numbersOf(queue), waiting);
  await close();
});

test('queue log: damaged in async mode: what the dumpster holds is there for a takeover that lost something', async () => {
  const disk = await filled('async');
  damage(disk, present(closedFiles(disk)[0], 'There is one'), 4_200, 4);
  const { queue, close } = await openQueue(disk, 'async');
  assert.ok(queue.status.dumpsterMessages >= MESSAGES / 3 - 1);
  queue.onActive(9, true);
  assert.ok((await numbersOf(queue)).length >= MESSAGES - 1);
  await close();
});

test('queue log: the machine stops at any step of the rescue: no message is lost by it', async () => {
  const files = (await filled()).files();
  const damaged = (): MemoryDisk => {
    const disk = new MemoryDisk(new Map([...files].map(([name, bytes]) => [name, Buffer.from(bytes)])));
    damage(disk, present(closedFiles(disk)[1], 'There are two'), 4_200, 4);
    return new MemoryDisk(disk.files());
  };
  const whole = damaged();
  const { queue, close } = await openQueue(whole);
  const expected = await numbersOf(queue);
  const { steps } = whole;
  await close();
  for (let stop = 0; stop <= steps; stop++) {
    const disk = damaged();
    disk.stopBefore(stop);
    await Promise.race([openQueue(disk), disk.stopped]);
    for (const keep of ['all', 'none', 'some'] as const) {
      const again = await openQueue(disk.afterCrash(new SeededRandom(stop), keep));
      const numbers = await numbersOf(again.queue);
      const missing = expected.filter((number) => !numbers.includes(number));
      assert.deepEqual([missing, new Set(numbers).size], [[], numbers.length], `stop ${stop} keeps ${keep}`);
      await again.close();
    }
  }
});

/** One file has a bad place, wherever it is moved. */
class UnreadableFile extends MemoryDisk {
  unreadable = '';

  override read(name: string, position: number, length: number): Promise<Buffer> {
    if (name !== this.unreadable) return super.read(name, position, length);
    return Promise.reject(new Problem('DiskFailed', `Cannot read ${name}: the disk reports an error (EIO).`));
  }

  override async rename(from: string, to: string): Promise<void> {
    if (from === this.unreadable) this.unreadable = to;
    await super.rename(from, to);
  }
}

test('queue log: the disk does not give a file: it is told by name, and what the others hold is delivered', async () => {
  const disk = new UnreadableFile((await filled()).files());
  const name = present(closedFiles(disk)[0], 'There is one');
  disk.unreadable = name;
  const lines = new Lines();
  const { queue, close } = await openQueue(disk, 'sync', lines);
  assert.ok((await numbersOf(queue)).length >= waiting.length / 2);
  assert.match(lines.errors.join('\n'), new RegExp(`"unreadableFiles":\\["${name.slice(FOLDER.length + 1)}"\\]`));
  await close();
});
