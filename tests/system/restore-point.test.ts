/**
 * A storage group is put back to an earlier point, in place: what came after it shall be gone. The other copy still has
 * all of that. It must not bring it back by itself, nor mix with what is written from then on; only when it is told to.
 */
import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Demo, otherNode, STORAGE_GROUP } from '../support/demo.ts';
import { appendNumbers, keepLogForBackups, numbersIn, range, signIn } from '../support/numbered-mail.ts';
import { runHoldfast } from '../support/program.ts';
import { waitFor } from '../support/wait.ts';

const LIMIT_MS = 240_000;
const BODY_BYTES = 20_000;
/** A passive copy's database is committed once a second. */
const DATABASE_COMMIT_MS = 2_500;

/** A full backup with 1 to 20, an incremental one with 21 to 30, another with 31 to 40. Returns where the second ends. */
async function backedUp(demo: Demo, path: string): Promise<string> {
  await keepLogForBackups(demo);
  const client = await signIn(demo);
  try {
    const order = { Identity: STORAGE_GROUP, Path: path };
    await appendNumbers(client, range(1, 20), BODY_BYTES);
    await demo.cmdlet('Backup-StorageGroup', order);
    await appendNumbers(client, range(21, 30), BODY_BYTES);
    const [second] = await demo.cmdlet('Backup-StorageGroup', { ...order, Type: 'Incremental' });
    await appendNumbers(client, range(31, 40), BODY_BYTES);
    await demo.cmdlet('Backup-StorageGroup', { ...order, Type: 'Incremental' });
    return String(second?.['LastPosition']);
  } finally {
    client.close();
  }
}

async function holds(demo: Demo, numbers: readonly number[]): Promise<void> {
  const client = await signIn(demo);
  try {
    assert.deepEqual(await numbersIn(client, 'INBOX', BODY_BYTES), numbers);
  } finally {
    client.close();
  }
}

/** Its database has come further than the point: it was committed long before it stopped. */
async function seedTheOther(demo: Demo): Promise<void> {
  const row = await demo.waitForStatus('Failed', 60_000);
  assert.match(String(row['FailedMessage']), /the database holds records behind 1:\d+ that it does not have/);
  await demo.cmdlet('Update-StorageGroupCopy', { Identity: STORAGE_GROUP, DeleteExistingFiles: true });
}

/** Of everything that the other copy has put aside. */
async function quarantined(demo: Demo): Promise<readonly unknown[]> {
  return (await demo.cmdlet('Get-QuarantinedChange', { Identity: STORAGE_GROUP })).map((row) => row['State']);
}

test('restore: back to an earlier point in place: the other copy puts aside what came after, and follows', {
  timeout: LIMIT_MS,
}, async (t) => {
  const demo = await Demo.start({ users: 2 });
  t.after(() => demo.stop());
  const restored = await demo.waitUntilHealthy();
  const other = otherNode(restored);
  const path = join(demo.folder, 'backup');
  const point = await backedUp(demo, path);
  const copyOf = (host: string): string => join(demo.hostFolder(host), 'copies', 'First Storage Group');

  await pause(DATABASE_COMMIT_MS);
  for (const host of [restored, other]) await demo.stopHost(host);
  rmSync(copyOf(restored), { recursive: true });
  const words = ['restore', '--from', path, '--to', copyOf(restored), '--until', point];
  const { code, stderr } = await runHoldfast(words);
  assert.equal(code, 0, stderr);
  await demo.startHost(restored);
  await waitFor('the restored copy is activated', 60_000, async () => {
    const order = { Identity: STORAGE_GROUP, StandbyMachine: restored, Force: true };
    await demo.cmdlet('Restore-StorageGroupCopy', order);
    return true;
  });
  assert.equal(await demo.waitForActive(), restored);
  await holds(demo, range(1, 30));
  const client = await signIn(demo);
  await appendNumbers(client, range(41, 45), BODY_BYTES);
  client.close();

  // It has 31 to 40, and nobody asked it for them.
  await demo.startHost(other);
  await seedTheOther(demo);
  assert.equal(await demo.waitUntilHealthy(), restored);
  const quarantine = join(copyOf(other), 'quarantine');
  const aside = readdirSync(quarantine).flatMap((name) => readdirSync(join(quarantine, name)));
  assert.ok(
    aside.some((name) => name.endsWith('.log')),
    'its log with what came after is kept',
  );

  assert.deepEqual(
    await quarantined(demo),
    Array.from({ length: 10 }, () => 'Aside'),
  );

  await demo.kill(restored);
  assert.equal(await demo.waitForActive(), other);
  await holds(demo, [...range(1, 30), ...range(41, 45)]);

  await demo.cmdlet('Restore-QuarantinedMail', { Identity: STORAGE_GROUP, Server: other });
  await waitFor('what is wanted after all is back', 60_000, async () =>
    (await quarantined(demo)).every((state) => state === 'There') ? true : undefined,
  );
  await holds(demo, range(1, 45));
});
