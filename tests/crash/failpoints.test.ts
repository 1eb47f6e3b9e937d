/**
 * kill -9 at every point at which the storage touches its disk: log, database, packs, checkpoint, release of log files,
 * backup, seed, defragmentation. The points come from a run that was watched, so that a new one is found by itself. What
 * the process had promised on its output is there afterwards, and the storage goes on from it.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hasProgram } from '../../scripts/test-programs.ts';
import {
  buildFaultyDisk,
  type Fault,
  type FaultAction,
  type FaultyDisk,
  faultyEnvironment,
} from '../support/faulty-disk.ts';
import { inParallel } from '../support/in-parallel.ts';
import { runProgram } from '../support/program.ts';
import { assertKept, noPromises, note } from '../support/storage-story.ts';

const PROGRAM = fileURLToPath(new URL('../support/storage-program.ts', import.meta.url));
const LEAST_POINTS = 40;
const skip = hasProgram('gcc') ? false : 'no gcc';

async function withFaultyDisk(use: (disk: FaultyDisk, root: string) => Promise<void>): Promise<void> {
  const disk = buildFaultyDisk();
  const root = mkdtempSync(join(tmpdir(), 'holdfast-killed-'));
  try {
    await use(disk, root);
  } finally {
    rmSync(root, { recursive: true, force: true });
    rmSync(disk.folder, { recursive: true, force: true });
  }
}

/** Every point, and how often it is passed. */
async function pointsOf(disk: FaultyDisk, root: string): Promise<Map<string, number>> {
  const trace = join(root, 'trace');
  const folder = join(root, 'watched');
  mkdirSync(folder);
  const env = faultyEnvironment(disk, folder, { trace });
  const { stdout } = await runProgram(process.execPath, [PROGRAM, folder], { env });
  assert.match(stdout.toString(), /"end"\n$/);
  const points = new Map<string, number>();
  for (const name of readFileSync(trace, 'utf8').trim().split('\n'))
    if (!name.startsWith('read ')) points.set(name, (points.get(name) ?? 0) + 1);
  return points;
}

/** Before the first time and after the last one; a write also when half of it is done. */
function killsAt([point, times]: [string, number]): Fault[] {
  const kill = (action: FaultAction, number: number): Fault => ({ point, number, action, ever: false });
  const kills = [kill('kill-before', 1), kill('kill-after', times)];
  return point.startsWith('write ') ? [...kills, kill('kill-half', Math.ceil(times / 2))] : kills;
}

async function killAndRecover(disk: FaultyDisk, root: string, fault: Fault): Promise<boolean> {
  const folder = mkdtempSync(join(root, 'run-'));
  const env = faultyEnvironment(disk, folder, { fault });
  const { code, stdout } = await runProgram(process.execPath, [PROGRAM, folder], { env });
  const promises = noPromises();
  const listen = note(promises);
  const lines = stdout.toString().trim().split('\n');
  for (const line of lines) if (line.startsWith('{')) listen(JSON.parse(line) as Parameters<typeof listen>[0]);
  try {
    await assertKept(folder, promises);
  } catch (error) {
    throw new Error(`${fault.action} ${fault.point}, time ${fault.number}`, { cause: error });
  }
  rmSync(folder, { recursive: true });
  return code === null;
}

test('failpoints: the process is killed at each of them: all that it promised is there', { skip }, async () => {
  await withFaultyDisk(async (disk, root) => {
    const points = await pointsOf(disk, root);
    assert.ok(points.size >= LEAST_POINTS, `only ${points.size} points`);
    const faults = [...points].flatMap(killsAt);
    const killed = await inParallel(faults, (fault) => killAndRecover(disk, root, fault));
    const count = killed.filter(Boolean).length;
    console.log(`${points.size} failpoints, ${count} of ${faults.length} processes killed there, each recovered`);
    // The order of two threads' calls differs from run to run, so a last time may not come.
    assert.ok(count >= faults.length * 0.9, `only ${count} were killed`);
  });
});
