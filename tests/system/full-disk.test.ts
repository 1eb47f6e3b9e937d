/**
 * The disk of everything runs full under load. What cannot be written is not acknowledged, what was acknowledged stays,
 * no host ends, and when there is room again it goes on by itself.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hasProgram } from '../../scripts/test-programs.ts';
import { Demo, HUB, NODES } from '../support/demo.ts';
import { fullCheck } from '../support/full-check.ts';
import { faultsOf } from '../support/history-check.ts';
import { Load } from '../support/load.ts';
import { runProgram } from '../support/program.ts';
import { waitFor } from '../support/wait.ts';

const SEED = 1;
const DISK_SIZE = '256m';
/** What is left when the load meets the end of the disk. */
const ROOM_BYTES = 3 * 1024 * 1024;
const REFUSALS = 20;
const LIMIT_MS = 240_000;

function withoutMount(): string | false {
  if (process.getuid?.() !== 0 || process.platform !== 'linux') return 'only root on Linux can mount a small disk';
  return hasProgram('mount') ? false : 'mount is not installed';
}

const title = 'full disk: under load: nothing acknowledged is lost, and it goes on when there is room';
test(title, { timeout: LIMIT_MS, skip: withoutMount() }, async (t) => {
  const disk = mkdtempSync(join(tmpdir(), 'holdfast-disk-'));
  assert.equal((await runProgram('mount', ['-t', 'tmpfs', '-o', `size=${DISK_SIZE}`, 'tmpfs', disk])).code, 0);
  try {
    const demo = await Demo.start({ users: 4 }, join(disk, 'data'));
    try {
      await fillAndFree(t, demo, disk);
    } finally {
      await demo.stop();
    }
  } finally {
    await runProgram('umount', ['--lazy', disk]);
    rmSync(disk, { recursive: true });
  }
});

async function fillAndFree(t: TestContext, demo: Demo, disk: string): Promise<void> {
  await demo.waitUntilHealthy();
  const load = new Load(demo, SEED);
  t.after(() => load.end());
  load.start();
  const filler = join(disk, 'filler');
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(filler, Buffer.alloc(bavail * bsize - ROOM_BYTES));
  const refused = (): number => load.history.messages.filter((message) => message.outcome !== 'acknowledged').length;
  await waitFor('the full disk is felt', 90_000, () => Promise.resolve(refused() > REFUSALS ? true : undefined));
  assert.match(await spaceFault(demo), /disk is (nearly )?full/);
  rmSync(filler);
  assert.deepEqual(
    [...NODES, HUB].filter((host) => !demo.isRunning(host)),
    [],
  );
  await demo.waitUntilHealthy();
  const healedMs = performance.now();
  await waitFor('clients are served again', 60_000, () => Promise.resolve(load.session.firstServedAfter(healedMs)));
  await load.end();
  const verdict = await fullCheck(load.imap, load.users, load.history);
  assert.deepEqual(faultsOf(verdict).slice(0, 20), []);
  assert.deepEqual(load.violations, []);
  console.log(`# ${verdict.acknowledged} acknowledged messages, ${refused()} refused or unknown`);
}

/** What Test-ReplicationHealth says; where votes cannot be written either, only that is known. */
async function spaceFault(demo: Demo): Promise<string> {
  const rows = await demo.cmdlet('Test-ReplicationHealth');
  return rows
    .filter((row) => row['Check'] === 'SGCopyDiskSpace' || row['Check'] === 'QuorumGroup')
    .map((row) => String(row['Error']))
    .join('; ');
}
