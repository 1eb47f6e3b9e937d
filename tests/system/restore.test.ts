/**
 * A backup as an administrator would need it: taken under load, full and then incremental, from the passive copy. Both
 * copies are destroyed; what comes back from the backup is put in the place of one, activated, and the other is seeded
 * from it. Beside that both copies are defragmented while they are in use.
 */
import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Demo, NODES, otherNode, STORAGE_GROUP } from '../support/demo.ts';
import { fullCheck } from '../support/full-check.ts';
import { faultsOf } from '../support/history-check.ts';
import { Load } from '../support/load.ts';
import { runHoldfast } from '../support/program.ts';
import { waitFor } from '../support/wait.ts';

const SEED = 1;
const MESSAGES_BEFORE = 150;
const LIMIT_MS = 300_000;

function copyFolder(demo: Demo, host: string): string {
  return join(demo.hostFolder(host), 'copies', 'First Storage Group');
}

/** As many messages more than there were. */
async function moreMail(load: Load): Promise<void> {
  const wanted = load.history.messages.length + MESSAGES_BEFORE;
  await waitFor('mail has come in', 60_000, () =>
    Promise.resolve(load.history.messages.length >= wanted ? true : undefined),
  );
}

async function holdsEverything(load: Load): Promise<void> {
  const verdict = await fullCheck(load.imap, load.users, load.history);
  assert.deepEqual(faultsOf(verdict).slice(0, 20), []);
  assert.ok(verdict.acknowledged >= 2 * MESSAGES_BEFORE);
}

test('restore: both copies are destroyed: a backup is put in place and serves', { timeout: LIMIT_MS }, async (t) => {
  const demo = await Demo.start({ users: 4 });
  t.after(() => demo.stop());
  const active = await demo.waitUntilHealthy();
  const load = new Load(demo, SEED);
  t.after(() => load.end());
  await demo.cmdlet('Set-StorageGroup', { Identity: STORAGE_GROUP, CircularLoggingEnabled: false });
  const path = join(demo.folder, 'backup');
  load.start();
  await moreMail(load);
  const [full] = await demo.cmdlet('Backup-StorageGroup', { Identity: STORAGE_GROUP, Path: path });
  assert.equal(full?.['Server'], otherNode(active), 'the passive copy is read');
  for (const host of NODES) {
    const [row] = await demo.cmdlet('Optimize-StorageGroupCopy', { Identity: STORAGE_GROUP, Server: host });
    assert.equal(row?.['Server'], host);
  }
  await moreMail(load);
  await load.hold();
  await demo.cmdlet('Backup-StorageGroup', { Identity: STORAGE_GROUP, Path: path, Type: 'Incremental' });

  for (const host of NODES) {
    await demo.stopHost(host);
    const copy = copyFolder(demo, host);
    for (const name of readdirSync(copy)) rmSync(join(copy, name), { recursive: true });
  }
  rmSync(copyFolder(demo, active), { recursive: true });
  const restored = await runHoldfast(['restore', '--from', path, '--to', copyFolder(demo, active)]);
  assert.equal(restored.code, 0, restored.stderr);
  for (const host of NODES) await demo.startHost(host);
  await waitFor('the restored copy may be activated', 60_000, async () => {
    const order = { Identity: STORAGE_GROUP, StandbyMachine: active, Force: true };
    return await demo.cmdlet('Restore-StorageGroupCopy', order).then(
      () => true,
      () => undefined,
    );
  });
  assert.equal(await demo.waitForActive(), active);
  await holdsEverything(load);

  const passive = otherNode(active);
  await demo.cmdlet('Suspend-StorageGroupCopy', { Identity: STORAGE_GROUP, SuspendComment: 'it is empty' });
  await demo.cmdlet('Update-StorageGroupCopy', { Identity: STORAGE_GROUP, DeleteExistingFiles: true });
  await demo.waitUntilHealthy();
  load.resume();
  await moreMail(load);
  await demo.kill(active);
  assert.equal(await demo.waitForActive(), passive);
  await load.hold();
  await holdsEverything(load);
  assert.deepEqual(load.violations, []);
});
