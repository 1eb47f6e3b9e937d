/**
 * What every `Disk` and `LogDevice` must do, the machine's and the simulated ones alike. A test file calls
 * `diskPortSuite` with a way to make a fresh pair on one empty root.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../base/logger.ts';
import { isProblem } from '../base/problem.ts';
import { SeededRandom } from '../base/random.ts';
import type { Disk, LogDevice } from './disk.ts';
import { collect, contents, KIND, payloadOf, recordsOf } from './testing/log-story.ts';
import { TransactionLog } from './transaction-log.ts';

export interface Storage {
  disk: Disk;
  device: LogDevice;
  /** A new device on the same root, after the first one was closed. */
  reopenDevice(): LogDevice;
  dispose(): Promise<void>;
}

export function diskPortSuite(name: string, make: () => Promise<Storage>): void {
  function story(title: string, run: (storage: Storage) => Promise<void>): void {
    test(`${name}: ${title}`, async () => {
      const storage = await make();
      try {
        await run(storage);
      } finally {
        await storage.dispose();
      }
    });
  }

  story('disk: files written atomically: are listed, measured, read in parts and replaced', async ({ disk }) => {
    await disk.makeFolder('one/two');
    assert.deepEqual(await disk.list('nowhere'), []);
    assert.equal(await disk.size('one/two/file'), undefined);
    await disk.writeAtomically('one/two/file', Buffer.from('first content'));
    await disk.writeAtomically('one/two/file', Buffer.from('second'));
    assert.deepEqual(await disk.list('one/two'), ['file']);
    assert.deepEqual(await disk.list('one'), ['two']);
    assert.equal(await disk.size('one/two/file'), 6);
    assert.equal((await disk.read('one/two/file', 2, 3)).toString(), 'con');
    assert.equal((await disk.read('one/two/file', 4, 100)).toString(), 'nd');
    assert.equal((await disk.read('one/two/file', 60, 100)).length, 0);
    await assert.rejects(disk.read('one/two/other', 0, 1), (error) => isProblem(error, 'FileMissing'));
  });

  story(
    'disk: rename, remove, truncate: do what they say, and removing what is not there is no error',
    async ({ disk }) => {
      await disk.makeFolder('folder');
      await disk.writeAtomically('folder/a', Buffer.from('abcdef'));
      await disk.writeAtomically('folder/b', Buffer.from('replaced'));
      await disk.rename('folder/a', 'folder/b');
      await disk.truncate('folder/b', 3);
      assert.equal((await disk.read('folder/b', 0, 10)).toString(), 'abc');
      await disk.truncate('folder/b', 5);
      assert.equal((await disk.read('folder/b', 0, 10)).toString(), 'abc\0\0');
      await disk.remove('folder/b');
      await disk.remove('folder/b');
      await disk.syncFolder('folder');
      assert.deepEqual(await disk.list('folder'), []);
      await assert.rejects(disk.rename('folder/b', 'folder/c'), (error) => isProblem(error, 'FileMissing'));
    },
  );

  story('disk: bytes written into a file: make it, grow it and replace what was there', async ({ disk }) => {
    await disk.makeFolder('folder');
    await disk.write('folder/file', 4, Buffer.from('later'));
    await disk.write('folder/file', 0, Buffer.from('soon'));
    await disk.write('folder/file', 7, Buffer.from('ST'));
    await disk.sync('folder/file');
    assert.equal((await disk.read('folder/file', 0, 100)).toString(), 'soonlatST');
  });

  story(
    'device: a prepared file: is zeros, also where another one was, and takes chunks anywhere',
    async ({ disk, device }) => {
      await disk.makeFolder('log');
      await device.prepare('log/file', 8192);
      await device.append('log/file', 100, [Buffer.from('one'), Buffer.alloc(0), Buffer.from('two')]);
      await device.append('log/file', 8192 - 4, [Buffer.from('last')]);
      await device.append('log/file', 0, []);
      const bytes = await disk.read('log/file', 0, 10_000);
      assert.equal(bytes.length, 8192);
      assert.equal(bytes.subarray(99, 107).toString(), '\0onetwo\0');
      assert.equal(bytes.subarray(-4).toString(), 'last');
      await device.prepare('log/file', 4096);
      assert.ok((await disk.read('log/file', 0, 10_000)).equals(Buffer.alloc(4096)));
    },
  );

  story('device: calls made at once: are carried out in order, through renames', async ({ disk, device }) => {
    await disk.makeFolder('log');
    await Promise.all([device.prepare('log/next', 4096), device.prepare('log/next2', 4096)]);
    await Promise.all([
      device.append('log/next', 0, [Buffer.from('first')]),
      device.rename('log/next', 'log/open'),
      device.append('log/open', 5, [Buffer.from('+second')]),
      device.append('log/next2', 0, [Buffer.from('third')]),
      device.rename('log/open', 'log/closed'),
      device.rename('log/next2', 'log/open'),
      device.append('log/open', 5, [Buffer.from('+fourth')]),
    ]);
    assert.deepEqual((await disk.list('log')).sort(), ['closed', 'open']);
    assert.equal((await disk.read('log/closed', 0, 12)).toString(), 'first+second');
    assert.equal((await disk.read('log/open', 0, 12)).toString(), 'third+fourth');
  });

  story('device: an operation bigger than any staging area: arrives whole', async ({ disk, device }) => {
    await disk.makeFolder('log');
    const big = new SeededRandom(5).bytes(9_000_000);
    await device.prepare('log/big', 9_400_320);
    await device.append('log/big', 4096, [big.subarray(0, 10), big.subarray(10)]);
    assert.ok((await disk.read('log/big', 4096, big.length)).equals(big));
  });

  story('device: more at once than any staging area holds: each arrives whole', async ({ disk, device }) => {
    await disk.makeFolder('log');
    const [pieceBytes, pieces] = [700_000, 16];
    const bytes = new SeededRandom(6).bytes(pieceBytes * pieces);
    await device.prepare('log/file', Math.ceil(bytes.length / 4096) * 4096);
    const piece = (at: number): Buffer => bytes.subarray(at * pieceBytes, (at + 1) * pieceBytes);
    const writes = Array.from({ length: pieces }, (_, at) => device.append('log/file', at * pieceBytes, [piece(at)]));
    await Promise.all(writes);
    assert.ok((await disk.read('log/file', 0, bytes.length)).equals(bytes));
  });

  story('device: the first error: is the last word', async ({ disk, device }) => {
    await disk.makeFolder('log');
    await device.prepare('log/file', 4096);
    const first = device.append('log/missing', 0, [Buffer.from('x')]);
    const second = device.append('log/file', 0, [Buffer.from('x')]);
    const outcomes = await Promise.allSettled([first, second]);
    const reasons = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason : undefined));
    assert.ok(reasons[0] instanceof Error);
    assert.equal(reasons[1], reasons[0]);
    await assert.rejects(device.prepare('log/other', 4096), reasons[0]);
    assert.equal((await disk.read('log/file', 0, 1))[0], 0);
  });

  story('log: written by many at once, rotated, closed and opened again: is all there', async (storage) => {
    const { disk } = storage;
    await disk.makeFolder('log');
    const options = {
      disk,
      folder: 'log',
      clock: { wallMs: () => 1_800_000_000_000 },
      random: new SeededRandom(1),
      logger: silentLogger,
      fileSizeBytes: 65_536,
      ifMissing: 'empty' as const,
    };
    const first = await TransactionLog.open({ ...options, device: storage.device });
    first.log.startEpoch(1, KIND, payloadOf(0));
    const write = async (writer: number): Promise<void> => {
      for (let number = 0; number < 20; number++) {
        await first.log.durable(first.log.append(KIND, payloadOf(writer * 20 + number, 3000)).lsn);
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, writer) => write(writer)));
    await first.log.close();
    await storage.device.close();
    const { log, recovered } = await TransactionLog.open({ ...options, device: storage.reopenDevice() });
    assert.equal(recovered.tornBytes, 0);
    assert.equal((await contents(log)).length, 161);
    assert.ok(log.generation > 5);
    assert.equal(recordsOf(await collect(log.reader.readFrom(log.endLsn - 3))).length, 3);
    await log.close();
  });
}
