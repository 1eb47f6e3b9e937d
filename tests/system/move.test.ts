/** Move-ClusteredMailboxServer on real processes: when it is refused, and what a client notices when it is not. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isProblem } from '../../src/base/problem.ts';
import { SeededRandom } from '../../src/base/random.ts';
import { Demo, otherNode, STORAGE_GROUP } from '../support/demo.ts';
import { fullCheck } from '../support/full-check.ts';
import { faultsOf } from '../support/history-check.ts';
import { Load } from '../support/load.ts';
import { summarise } from '../support/probe.ts';
import { noTimes, rounds, type World } from '../support/rounds.ts';

const SEED = 1;
const MOVES = 6;
/** The promise is 1 s; a test machine with other work gets some slack. */
const MOST_INTERRUPTION_MS = 4_000;

let demo: Demo;
let load: Load;

before(async () => {
  demo = await Demo.start({ users: 4 });
  load = new Load(demo, SEED);
  load.start();
});
after(async () => {
  await load?.end();
  await demo?.stop();
});

async function move(target: string): Promise<void> {
  const parameters = { Identity: 'mbx01', TargetMachine: target, MoveComment: 'test of the move' };
  await demo.cmdlet('Move-ClusteredMailboxServer', parameters);
}

/** The reason names the storage group, and the server stays where it is. */
async function refuses(target: string, reason: RegExp): Promise<void> {
  const activeBefore = await demo.waitForActive();
  await assert.rejects(move(target), (error) => {
    assert.ok(isProblem(error, 'MoveRefused'), String(error));
    assert.match(error.message, reason);
    assert.match(error.message, /First Storage Group/);
    return true;
  });
  assert.equal(await demo.activeNode(), activeBefore);
}

test('move: the copy is Healthy: moves there and back under load, nobody waits for long', async () => {
  const world: World = { demo, load, random: new SeededRandom(SEED), times: noTimes() };
  await demo.waitUntilHealthy();
  for (let count = 0; count < MOVES; count++) await rounds['move the server']?.(world);
  for (const name of ['moveLmtp', 'moveImap'] as const) {
    const { p50, max } = summarise(world.times[name]);
    console.log(`# ${name}: p50 ${p50} ms, max ${max} ms`);
    assert.ok(max < MOST_INTERRUPTION_MS, `${name}: a client waited ${max} ms`);
  }
});

test('move: to where it already runs, or to a machine that does not exist: refused', async () => {
  const active = await demo.waitUntilHealthy();
  await assert.rejects(move(active), (error) => isProblem(error, 'MoveRefused'));
  await assert.rejects(move('mbx01-node9'), (error) => isProblem(error));
});

test('move: the copy is Suspended: refused until it is resumed and Healthy', async () => {
  const target = otherNode(await demo.waitUntilHealthy());
  await demo.cmdlet('Suspend-StorageGroupCopy', { Identity: STORAGE_GROUP, SuspendComment: 'test' });
  await demo.waitForStatus('Suspended');
  await refuses(target, /suspended/i);
  await demo.cmdlet('Resume-StorageGroupCopy', { Identity: STORAGE_GROUP });
  await demo.waitUntilHealthy();
  await move(target);
  assert.equal(await demo.waitForActive(), target);
});

test('move: the machine of the copy is dead: refused', async () => {
  const passive = otherNode(await demo.waitUntilHealthy());
  await demo.kill(passive);
  await refuses(passive, /ServiceDown|does not answer|not reachable|down/i);
  await demo.startHost(passive);
  await demo.waitUntilHealthy();
});

test('move: the copy is Failed, then Seeding: refused until the seed has ended', { timeout: 180_000 }, async () => {
  const passive = otherNode(await demo.waitUntilHealthy());
  await demo.kill(passive);
  const database = join(demo.hostFolder(passive), 'copies', 'First Storage Group', 'database.sqlite');
  for (const end of ['-wal', '-shm']) rmSync(`${database}${end}`, { force: true });
  writeFileSync(database, 'not a database'.repeat(1_000));
  await demo.startHost(passive);
  const { FailedMessage: why } = await demo.waitForStatus('Failed');
  assert.match(String(why), /database/);
  await refuses(passive, /failed/i);
  const seed = demo.cmdlet('Update-StorageGroupCopy', { Identity: STORAGE_GROUP, DeleteExistingFiles: true });
  await refuses(passive, /failed|seed|initializing|resynchronizing|not healthy/i);
  await seed;
  await demo.waitUntilHealthy();
  await move(passive);
});

test('move: after all of it: nothing acknowledged is lost', async () => {
  await load.hold();
  const verdict = await fullCheck(load.imap, load.users, load.history);
  assert.deepEqual(faultsOf(verdict).slice(0, 20), []);
  assert.deepEqual(load.violations, []);
  console.log(`# ${verdict.acknowledged} acknowledged messages, ${verdict.acknowledgedFlags} flag changes`);
});
