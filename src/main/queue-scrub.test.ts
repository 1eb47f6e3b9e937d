import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Logger } from '../base/logger.ts';
import { ManualClock } from '../base/testing/manual-clock.ts';
import { writtenWorld } from '../log/testing/log-story.ts';
import { MemoryDisk } from '../log/testing/memory-disk.ts';
import { QueueScrub } from './queue-scrub.ts';

const DAY_MS = 24 * 60 * 60_000;

/** A queue's log lies in its root. */
async function queueOnDisk(): Promise<MemoryDisk> {
  const files = [...(await writtenWorld(60)).files()].map(
    ([name, bytes]) => [name.replace('log/', ''), bytes] as const,
  );
  return new MemoryDisk(new Map(files));
}

function loggerTo(lines: string[]): Logger {
  const ignore = (): void => undefined;
  const logger: Logger = {
    info: ignore,
    warn: ignore,
    error: (fields, event) => void lines.push(`${event} ${JSON.stringify(fields)}`),
    child: () => logger,
  };
  return logger;
}

test('queue scrub: a closed file of a queue rots: file and range are told at the next pass, and the queue is opened anew', async () => {
  const clock = new ManualClock();
  const [sound, rotten] = [await queueOnDisk(), await queueOnDisk()];
  const queues = [
    { storageGroup: 'First', disk: sound },
    { storageGroup: 'Second', disk: rotten },
  ];
  const lines: string[] = [];
  let damaged = 0;
  const onDamaged = (): void => {
    damaged += 1;
  };
  const scrub = new QueueScrub({ queues, clock, logger: loggerTo(lines), onDamaged });
  await clock.advance(DAY_MS / 2);
  assert.deepEqual([lines, damaged], [[], 0]);
  const { current } = rotten.inode('E0000000002.log');
  current.writeUInt8(current.readUInt8(5_000) ^ 4, 5_000);
  await clock.advance(DAY_MS);
  assert.equal(damaged, 1);
  assert.match(lines.join('\n'), /damage in a queue .*"Second","file":"E0000000002.log","fromByte":\d+,"toByte":\d+/);
  scrub.stop();
  await clock.advance(2 * DAY_MS);
  assert.equal(damaged, 1);
});
