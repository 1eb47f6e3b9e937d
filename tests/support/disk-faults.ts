/**
 * One fault after the other for the storage's story, and the verdict on all of them at once: nothing that was promised
 * is lost, and who was refused is told what was not done, to which file, why, and what to do next.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasProgram } from '../../scripts/test-programs.ts';
import {
  buildFaultyDisk,
  type Fault,
  type FaultAction,
  type FaultOutcome,
  type FaultyDisk,
  faultyEnvironment,
} from './faulty-disk.ts';
import { inParallel } from './in-parallel.ts';
import { runProgram } from './program.ts';

const STORY = fileURLToPath(new URL('./storage-program.ts', import.meta.url));
const SUFFERER = fileURLToPath(new URL('./failing-disk-program.ts', import.meta.url));
const WITHIN_MS = 280_000;
/** One process takes so many faults, one after the other. */
const FAULTS_AT_ONCE = 60;
const CODES = [
  'DiskFailed',
  'DiskFull',
  'TooManyFiles',
  'CheckpointFailed',
  'LogFailed',
  'BodyDamaged',
  'DatabaseDamaged',
  'DatabaseUnusable',
  'RecordNotApplied',
];
const FILE =
  /log\/|\.sqlite|packs\/|\.json|holdfast\.lock|rebuilt|snapshots|seeding|the folder |Cannot open the database: /;
/** "EIO: i/o error, open '/…'": the system's words and not ours. */
const RAW = /\bE[A-Z]{2,}: [a-z/ ]+,/;

export const noFaultyDisk = hasProgram('gcc') ? false : 'no gcc';

/** Every call of this kind that the story makes, one fault at each. */
export interface EachCall {
  /** A kind of calls (faulty-disk.c). */
  readonly kind: string;
  /** In turn: the first call gets the first one. */
  readonly actions: readonly FaultAction[];
  /** That call and all that follow. */
  readonly ever: boolean;
}

/** Runs the story with every one of these faults and asserts that each ended well; what did not is told all at once. */
export async function sufferEach(title: string, calls: readonly EachCall[]): Promise<void> {
  const disk = buildFaultyDisk();
  try {
    const counts = await countCalls(disk);
    const faults = calls.flatMap((each) => faultsOf(each, counts.get(each.kind) ?? 0));
    const outcomes = (await inParallel(portions(faults), (portion) => suffer(disk, portion))).flat();
    const refused = outcomes.filter(({ code }) => code !== undefined).length;
    console.log(`${title}: ${faults.length} faults, ${refused} ended in a refusal`);
    assert.deepEqual(verdict(outcomes), []);
  } finally {
    rmSync(disk.folder, { recursive: true, force: true });
  }
}

function faultsOf({ kind, actions, ever }: EachCall, count: number): Fault[] {
  assert.ok(count > 0, `the story makes no call of the kind ${kind}`);
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  return numbers.map((number) => ({
    point: kind,
    number,
    action: actions[(number - 1) % actions.length] ?? 'EIO',
    ever,
  }));
}

/** How often the story passes each kind of calls; "any": all that a read-only disk refuses. */
async function countCalls(disk: FaultyDisk): Promise<Map<string, number>> {
  const root = mkdtempSync(join(disk.folder, 'watched-'));
  const trace = join(disk.folder, 'trace');
  await runProgram(process.execPath, [STORY, root], { env: faultyEnvironment(disk, root, { trace }) });
  const counts = new Map<string, number>();
  const count = (kind: string): void => void counts.set(kind, (counts.get(kind) ?? 0) + 1);
  for (const line of readFileSync(trace, 'utf8').trim().split('\n')) {
    const [kind = ''] = line.split(' ');
    count(kind);
    if (kind !== 'read' && kind !== 'sync') count('any');
  }
  return counts;
}

function portions(faults: readonly Fault[]): Fault[][] {
  const count = Math.ceil(faults.length / FAULTS_AT_ONCE);
  return Array.from({ length: count }, (_, index) => faults.filter((_fault, at) => at % count === index));
}

async function suffer(disk: FaultyDisk, faults: readonly Fault[]): Promise<FaultOutcome[]> {
  const root = mkdtempSync(join(disk.folder, 'run-'));
  const { code, stdout, stderr } = await runProgram(process.execPath, [SUFFERER, root], {
    env: faultyEnvironment(disk, root),
    input: JSON.stringify(faults),
    withinMs: WITHIN_MS,
  });
  const lines = stdout.toString().trim().split('\n');
  assert.equal(code, 0, `after ${lines.at(-1)}: ${stderr}`);
  assert.equal(lines.length, faults.length);
  rmSync(root, { recursive: true, force: true });
  return lines.map((line) => JSON.parse(line) as FaultOutcome);
}

/** One line for everything that is not as it ought to be: losses first. */
function verdict(outcomes: readonly FaultOutcome[]): string[] {
  const losses = outcomes.flatMap((outcome) =>
    outcome.loss === undefined ? [] : [`LOST ${labelOf(outcome)}\n${outcome.loss}`],
  );
  return [...losses, ...outcomes.flatMap(badWords)];
}

function badWords(outcome: FaultOutcome): string[] {
  const { code, message = '' } = outcome;
  if (code === undefined) return [];
  const isGood =
    CODES.includes(code) && /^Cannot .+: .+\. [A-Z].+/.test(message) && FILE.test(message) && !RAW.test(message);
  return isGood ? [] : [`UNCLEAR ${labelOf(outcome)}`];
}

function labelOf({ fault, code = '', message = '' }: FaultOutcome): string {
  return `${fault.action}${fault.ever ? ' from then on' : ''} at ${fault.point} ${fault.number}: ${code} ${message}`;
}
