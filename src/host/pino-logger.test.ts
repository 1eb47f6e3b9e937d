import assert from 'node:assert/strict';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { pino } from 'pino';
import { loggerTo } from './pino-logger.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-log-'));
after(() => rmSync(folder, { recursive: true }));

/** Every write to it fails with ENOSPC. */
const FULL = '/dev/full';
const noFullDevice = process.platform === 'linux' ? false : `${FULL} is there on Linux only`;

test('host log: its disk is full: nobody ends; lines wait, and are there in order when it has room', {
  skip: noFullDevice,
}, async () => {
  const { destination, logger } = logOnFullDisk(100_000);
  for (let number = 1; number <= 3; number++) logger.info({ number }, 'line');
  const lines = roomFor(destination, 'waiting.log');
  logger.info({ number: 4 }, 'line');
  await setImmediate();
  assert.deepEqual(
    lines().map(({ number }) => number),
    [1, 2, 3, 4],
  );
});

test('host log: more than may wait: lines are dropped, and how many is told when there is room', {
  skip: noFullDevice,
}, async () => {
  const { destination, logger } = logOnFullDisk(1_000);
  for (let number = 1; number <= 100; number++) logger.info({ number }, 'line');
  const lines = roomFor(destination, 'dropped.log');
  for (let number = 101; number <= 103; number++) logger.info({ number }, 'line');
  await setImmediate();
  const written = lines();
  const dropped = written.find((line) => line.droppedLines !== undefined)?.droppedLines ?? 0;
  assert.ok(dropped > 80, `${dropped} lines dropped`);
  assert.equal(written.filter((line) => line.number !== undefined).length + dropped, 103);
});

function logOnFullDisk(maxLength: number) {
  const destination = pino.destination({ dest: openSync(FULL, 'w'), sync: true, maxLength });
  return { destination, logger: loggerTo(destination, {}) };
}

/** Space is back: the same stream writes to a file with room from now on. */
function roomFor(destination: object, name: string): () => readonly { number?: number; droppedLines?: number }[] {
  const path = join(folder, name);
  Object.assign(destination, { fd: openSync(path, 'w') });
  return () =>
    readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { number?: number; droppedLines?: number });
}
