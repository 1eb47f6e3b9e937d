/**
 * The disk fails at the Nth sync of the storage's story, for every N, once or from then on. Nothing is promised falsely:
 * what was said to be kept is there when the disk is well again, and who was refused is told why and of which file.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hasProgram } from '../../scripts/test-programs.ts';
import { buildFaultyDisk, type Fault, type FaultOutcome, faultyEnvironment } from '../support/faulty-disk.ts';
import { inParallel } from '../support/in-parallel.ts';
import { runProgram } from '../support/program.ts';

const STORY = fileURLToPath(new URL('../support/storage-program.ts', import.meta.url));
const SUFFERER = fileURLToPath(new URL('../support/failing-disk-program.ts', import.meta.url));
const WITHIN_MS = 280_000;
/** One process takes so many faults, one after the other. */
const FAULTS_AT_ONCE = 40;
const EXPECTED_CODES = ['DiskFailed', 'DiskFull', 'CheckpointFailed', 'LogFailed'];
const skip = hasProgram('gcc') ? false : 'no gcc';

/** How often the story passes each kind of calls. */
async function countCalls(library: string, folder: string): Promise<Map<string, number>> {
  const root = mkdtempSync(join(folder, 'watched-'));
  const trace = join(folder, 'trace');
  await runProgram(process.execPath, [STORY, root], { env: faultyEnvironment(library, root, { trace }) });
  const counts = new Map<string, number>();
  for (const line of readFileSync(trace, 'utf8').trim().split('\n')) {
    const [kind = ''] = line.split(' ');
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

async function suffer(library: string, folder: string, faults: readonly Fault[]): Promise<FaultOutcome[]> {
  const root = mkdtempSync(join(folder, 'run-'));
  const { code, stdout, stderr } = await runProgram(process.execPath, [SUFFERER, root], {
    env: faultyEnvironment(library, root),
    input: JSON.stringify(faults),
    withinMs: WITHIN_MS,
  });
  const lines = stdout.toString().trim().split('\n');
  assert.equal(code, 0, `after ${lines.at(-1)}: ${stderr}`);
  assert.equal(lines.length, faults.length);
  return lines.map((line) => JSON.parse(line) as FaultOutcome);
}

function portions(faults: readonly Fault[]): Fault[][] {
  const count = Math.ceil(faults.length / FAULTS_AT_ONCE);
  return Array.from({ length: count }, (_, index) => faults.filter((_fault, at) => at % count === index));
}

function assertOutcome({ fault, code, message = '', loss }: FaultOutcome): void {
  const label = `${fault.action}${fault.ever ? ' from then on' : ''} at ${fault.point} ${fault.number}: ${message}`;
  assert.equal(loss, undefined, `${label}\n${loss}`);
  if (code === undefined) return;
  assert.ok(EXPECTED_CODES.includes(code), `${label} (${code})`);
  assert.match(
    message,
    /\.log|\.jrs|\.sqlite|pack|\.json|backup|seed|folder|Cannot sync|Cannot append|new files/,
    label,
  );
}

async function runFaults(title: string, make: (count: (kind: string) => number) => Fault[]): Promise<void> {
  const { folder, library } = buildFaultyDisk();
  try {
    const counts = await countCalls(library, folder);
    const faults = make((kind) => counts.get(kind) ?? 0);
    const outcomes = await inParallel(portions(faults), (portion) => suffer(library, folder, portion));
    for (const outcome of outcomes.flat()) assertOutcome(outcome);
    const refused = outcomes.flat().filter(({ code }) => code !== undefined).length;
    console.log(`${title}: ${faults.length} faults, ${refused} ended in a refusal, nothing promised was lost`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function each(point: string, count: number, fault: (number: number) => Omit<Fault, 'point' | 'number'>): Fault[] {
  return Array.from({ length: count }, (_, index) => ({ point, number: index + 1, ...fault(index + 1) }));
}

test('failing disk: the Nth fsync or fdatasync fails, for every N: what was promised is kept', { skip }, async () => {
  await runFaults('syncs', (count) => [
    ...each('sync', count('sync'), () => ({ action: 'EIO', ever: false })),
    ...each('sync', count('sync'), (number) => ({ action: number % 2 === 0 ? 'ENOSPC' : 'EIO', ever: true })),
  ]);
});
