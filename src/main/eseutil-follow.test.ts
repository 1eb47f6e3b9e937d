/**
 * A copy that was repaired with a hole holds records behind it that its applied LSN does not count. When it follows one
 * that has them all, they come again.
 */
import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { present } from '../base/assert.ts';
import { silentLogger } from '../base/logger.ts';
import { CopyFolder } from '../host/copy-folder.ts';
import { machineClock, machineRandom, yieldTurn } from '../host/machine.ts';
import { CopyFiles } from '../replication/copy-files.ts';
import { takeSnapshot } from '../store/snapshot.ts';
import { repairCopy } from './eseutil/offline.ts';
import { Progress } from './eseutil/progress.ts';
import { makeCopy } from './eseutil/testing/copy-fixture.ts';

async function openFiles(root: string): Promise<{ files: CopyFiles; close: () => Promise<void> }> {
  const storage = new CopyFolder(root, takeSnapshot);
  const files = new CopyFiles({
    circularLogging: false,
    fileSizeBytes: 64 * 1024,
    storage,
    clock: machineClock,
    random: machineRandom,
    logger: silentLogger,
    yieldTurn,
    committedLsn: () => 0,
  });
  await files.open();
  return {
    files,
    close: async () => {
      await files.close();
      await storage.close();
    },
  };
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0x55, at);
  writeFileSync(path, bytes);
}

/** What the source's log has behind the target's end goes into the target's log. Returns the last LSN. */
async function ship(source: CopyFiles, target: CopyFiles): Promise<number> {
  const commonLsn = target.endLsn;
  const chain = present(await source.log.reader.chainAt(commonLsn), 'The source has that record');
  await target.continueFrom(commonLsn, chain, 1);
  let lastLsn = commonLsn;
  for await (const item of source.log.reader.readFrom(commonLsn)) {
    if (item.type === 'file') target.startFile(item.header);
    else lastLsn = target.appendFrames(item.frame);
  }
  await target.log.durable(lastLsn);
  return lastLsn;
}

const messagesOf = (files: CopyFiles): number =>
  Number(files.openStore.database.connection.prepare('SELECT count(*) AS messages FROM message').get()?.['messages']);

test('eseutil /p: a copy repaired with a hole follows one that has the records: it fails loudly, and nothing it kept is lost', async () => {
  const fixture = await makeCopy({ messages: 10, uncommitted: 100 });
  const repairedRoot = `${fixture.root} repaired`;
  try {
    cpSync(fixture.root, repairedRoot, { recursive: true });
    flip(join(repairedRoot, 'log', 'E0000000002.log'), 30_000);
    await repairCopy(repairedRoot, { print: () => undefined, progress: new Progress(() => undefined) });
    const source = await openFiles(fixture.root);
    const target = await openFiles(repairedRoot);
    await target.files.applyAll();
    const kept = messagesOf(target.files);
    assert.equal(kept, 109, 'those behind the hole are there');
    const lastLsn = await ship(source.files, target.files);
    await assert.rejects(target.files.applyUpTo(lastLsn), { code: 'RecordNotApplied' });
    await assert.rejects(target.files.applyUpTo(lastLsn), { code: 'RecordNotApplied' }, 'it does not go on behind it');
    await assert.rejects(target.files.commitDatabase(), { code: 'RecordNotApplied' });
    await target.close();
    const again = await openFiles(repairedRoot);
    assert.equal(again.files.endLsn, lastLsn, 'the log has everything: the database alone is to be made anew');
    assert.equal(messagesOf(again.files), kept);
    await again.close();
    await source.close();
  } finally {
    rmSync(repairedRoot, { recursive: true, force: true });
    fixture.remove();
  }
});
