/**
 * `npm run sim`: whole clusters in simulation, one for each seed, on all cores. A seed that breaks a promise fails the run;
 * its story is told, with the command that tells it again.
 *
 *   --seeds N    how many (100)          --from SEED   the first one (1)
 *   --smoke      a short run             --story       tells every seed's story
 *   --planted    runs the planted bugs instead: each must be found within its budget
 *   --exhaustive searches the cluster's rules instead, every state within bounds; --states N is its limit
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { plantedBugs } from '../src/sim/planted-bugs.ts';
import { runSeed, type SeedResult } from '../src/sim/run-seed.ts';
import { columns } from './columns.ts';
import { DEFAULT_MAX_STATES, runExhaustive } from './exhaustive.ts';

interface Task {
  readonly seed: number;
  readonly bug: string | undefined;
}

const SMOKE_SEEDS = 60;
/** A smoke run takes no further seed after this long: it is a look, on whatever machine. */
const SMOKE_LIMIT_MS = 11_000;
const DEFAULT_SEEDS = 100;
/** Of a failing seed's story, the last lines are what one wants to read. */
const STORY_LINES = 60;

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      from: { type: 'string' },
      smoke: { type: 'boolean' },
      story: { type: 'boolean' },
      planted: { type: 'boolean' },
      exhaustive: { type: 'boolean' },
      states: { type: 'string' },
    },
  });
  if (values.planted === true) return runPlanted();
  if (values.exhaustive === true) return runExhaustive(wholeNumber('--states', values.states, DEFAULT_MAX_STATES));
  const smoke = values.smoke === true;
  const count = wholeNumber('--seeds', values.seeds, smoke ? SMOKE_SEEDS : DEFAULT_SEEDS);
  const first = wholeNumber('--from', values.from, 1);
  const tasks = Array.from({ length: count }, (_, index) => ({ seed: first + index, bug: undefined }));
  const startedMs = performance.now();
  const isLate = (): boolean => smoke && performance.now() - startedMs > SMOKE_LIMIT_MS;
  const results: SeedResult[] = [];
  await runAll(tasks, isLate, (_task, result) => {
    results.push(result);
    if (result.violation !== undefined || values.story === true) tellStory(result, values.story === true);
  });
  console.log(summary(results, performance.now() - startedMs));
  return results.every(({ violation }) => violation === undefined);
}

/** Every bug is looked for, seed by seed, until it is found or its budget is used up. */
async function runPlanted(): Promise<boolean> {
  const found = new Map<string, SeedResult>();
  const tasks = plantedBugs.flatMap(({ name, budgetSeeds }) =>
    Array.from({ length: budgetSeeds }, (_, index): Task => ({ seed: index + 1, bug: name })),
  );
  const isFound = (task: Task): boolean => found.has(task.bug ?? '');
  await runAll(
    tasks,
    () => false,
    ({ bug = '' }, result) => {
      if (result.violation === undefined || found.has(bug)) return;
      found.set(bug, result);
      console.log(`${bug}: seed ${result.seed}: ${result.violation.message.split('\n')[0]?.slice(0, 200)}`);
    },
    isFound,
  );
  const rows = plantedBugs.map(({ name, budgetSeeds }) => {
    const result = found.get(name);
    const how = result === undefined ? `NOT FOUND in ${budgetSeeds} seeds` : `seed ${result.seed} of ${budgetSeeds}`;
    return [name, how, result?.violation?.invariant ?? ''];
  });
  console.log(`\n${columns([['planted bug', 'found by', 'as'], ...rows])}`);
  return plantedBugs.every(({ name }) => found.has(name));
}

/** Hands the tasks to one worker per core, in their order. */
async function runAll(
  tasks: readonly Task[],
  isOver: () => boolean,
  onResult: (task: Task, result: SeedResult) => void,
  isNeedless: (task: Task) => boolean = () => false,
): Promise<void> {
  const waiting = [...tasks];
  const next = (): Task | undefined => {
    for (let task = waiting.shift(); task !== undefined && !isOver(); task = waiting.shift()) {
      if (!isNeedless(task)) return task;
    }
    return undefined;
  };
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL(import.meta.url));
      let task: Task | undefined;
      const give = (): void => {
        task = next();
        if (task === undefined) void worker.terminate();
        else worker.postMessage(task);
      };
      worker.on('message', (result: SeedResult) => {
        if (task !== undefined) onResult(task, result);
        give();
      });
      worker.on('error', reject);
      worker.on('exit', () => resolve());
      give();
    });
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), tasks.length) }, work));
}

function tellStory(result: SeedResult, isWhole: boolean): void {
  const { seed, violation, story } = result;
  console.log(`\nSeed ${seed}: ${violation?.message ?? 'all promises kept'}`);
  console.log((isWhole ? story : story.slice(-STORY_LINES)).join('\n'));
  if (violation !== undefined) console.log(`Tell it again: npm run sim -- --from ${seed} --seeds 1 --story\n`);
}

function summary(results: readonly SeedResult[], tookMs: number): string {
  const sum = (of: (result: SeedResult) => number): number => results.reduce((total, result) => total + of(result), 0);
  const simulatedMs = sum((result) => result.simulatedMs);
  const faults = new Map<string, number>();
  for (const result of results) {
    for (const [kind, count] of Object.entries(result.faults)) faults.set(kind, (faults.get(kind) ?? 0) + count);
  }
  const broken = (invariant: string): number =>
    results.filter((result) => result.violation?.invariant === invariant).length;
  const rows: string[][] = [
    ['seeds', String(results.length)],
    ['failed', String(results.filter(({ violation }) => violation !== undefined).length)],
    ['simulated hours', (simulatedMs / 3_600_000).toFixed(2)],
    ['simulated / real time', (simulatedMs / tookMs).toFixed(0)],
    ['activations', String(sum((result) => result.activations))],
    ['acknowledged', String(sum((result) => result.acknowledged))],
    ['outcome unknown', String(sum((result) => result.unknown))],
    ['seeds with loss (M1)', String(broken('M1'))],
    ['seeds with duplicates (M7)', String(broken('M7'))],
    ...[...faults]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([kind, count]) => [`fault: ${kind}`, String(count)]),
  ];
  return columns(rows);
}

function wholeNumber(option: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error(`${option} takes a whole number from 1 on, not ${text}`);
  return value;
}

if (isMainThread) process.exitCode = (await main()) ? 0 : 1;
else {
  parentPort?.on('message', (task: Task) => {
    const bug = plantedBugs.find(({ name }) => name === task.bug);
    runSeed(task.seed, bug === undefined ? {} : { bug }).then(
      (result) => parentPort?.postMessage(result),
      (error: unknown) => {
        throw error;
      },
    );
  });
}
