/**
 * `npm run sim`: whole clusters in simulation, one for each seed, on all cores. A seed that breaks a promise fails the run;
 * its story is told, with the command that tells it again.
 *
 *   --seeds N    how many (100)          --from SEED   the first one (1)
 *   --smoke      a short run             --story       tells every seed's story
 *   --only N,N   of the planned faults, only these; a failing seed is shrunk and names the few that it takes
 *   --pairs      lists every pair of overlapping faults
 *   --coverage   fails unless the seeds went through every branch of the cluster's decisions
 *   --planted    runs the planted bugs instead: each must be found within its budget, by a seed that is clean without it
 *   --bug NAME   with --planted: only this one
 *   --exhaustive searches the cluster's rules instead, every state within bounds; --states N is its limit
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import { foldStory } from '../src/sim/fold-story.ts';
import { plantedBugs } from '../src/sim/planted-bugs/all.ts';
import { type PlantedBug, withoutBug } from '../src/sim/planted-bugs/planted-bug.ts';
import { runSeed, type SeedResult } from '../src/sim/run-seed.ts';
import { shrinkSeed } from '../src/sim/shrink-seed.ts';
import { columns } from './columns.ts';
import { DecisionCoverage, DecisionTally, type FileCoverage } from './decision-coverage.ts';
import { DEFAULT_MAX_STATES, runExhaustive } from './exhaustive.ts';

interface Task {
  readonly kind: 'seed';
  readonly seed: number;
  readonly bug: string | undefined;
  /** The world of the bug, and not the bug. */
  readonly isSound: boolean;
  readonly only: readonly number[] | undefined;
}

/** What a worker is asked: to run a seed, or what it went through of the cluster's decisions since it was asked last. */
type Order = Task | { readonly kind: 'coverage' };
type Answer =
  | { readonly kind: 'result'; readonly result: SeedResult }
  | { readonly kind: 'coverage'; readonly coverage: readonly FileCoverage[] };

const SMOKE_SEEDS = 60;
/** A smoke run takes no further seed after this long: it is a look, on whatever machine. */
const SMOKE_LIMIT_MS = 11_000;
const DEFAULT_SEEDS = 100;
/** Of a failing seed's story, the last lines are what one wants to read. */
const STORY_LINES = 60;
/** Between two looks at what a worker went through of the decisions. */
const SEEDS_PER_COUNT = 8;
/** Of a worker: nearly everything in a seed is short-lived, and a small nursery is collected all the time. */
const YOUNG_GENERATION_MB = 64;
/** Of an error: refusals are made by the thousand, and nobody reads where. */
const STACK_FRAMES = 3;
/** Failing seeds that are shrunk and told; the rest are counted. */
const STORIES_TOLD = 5;

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      from: { type: 'string' },
      smoke: { type: 'boolean' },
      story: { type: 'boolean' },
      planted: { type: 'boolean' },
      bug: { type: 'string' },
      exhaustive: { type: 'boolean' },
      states: { type: 'string' },
      only: { type: 'string' },
      pairs: { type: 'boolean' },
      coverage: { type: 'boolean' },
    },
  });
  if (values.planted === true) return runPlanted(chosenBugs(values.bug));
  if (values.exhaustive === true) return runExhaustive(wholeNumber('--states', values.states, DEFAULT_MAX_STATES));
  const smoke = values.smoke === true;
  const count = wholeNumber('--seeds', values.seeds, smoke ? SMOKE_SEEDS : DEFAULT_SEEDS);
  const first = wholeNumber('--from', values.from, 1);
  const only = values.only?.split(',').map((number) => wholeNumber('--only', number, 0));
  const tasks = Array.from({ length: count }, (_, index) => seedTask(first + index, { only }));
  const startedMs = performance.now();
  const isLate = (): boolean => smoke && performance.now() - startedMs > SMOKE_LIMIT_MS;
  const results: SeedResult[] = [];
  const decisions = values.coverage === true ? new DecisionTally() : undefined;
  await runAll(tasks, {
    isOver: isLate,
    ...(decisions && { decisions }),
    onResult: (_task, result) => {
      results.push(result);
      if (result.violation !== undefined) console.log(headline(result)); // thousands of seeds take minutes
    },
  });
  console.log(summary(results, performance.now() - startedMs, values.pairs === true));
  const failed = results.filter(({ violation }) => violation !== undefined);
  for (const result of failed.slice(0, STORIES_TOLD)) await tellFailure(result, values.story === true);
  if (values.story === true) for (const result of results) tellStory(result, true);
  decisions?.report();
  return failed.length === 0 && decisions?.isWhole !== false;
}

function seedTask(seed: number, options: Partial<Omit<Task, 'kind' | 'seed'>>): Task {
  return { kind: 'seed', seed, bug: options.bug, isSound: options.isSound ?? false, only: options.only };
}

function chosenBugs(name: string | undefined): readonly PlantedBug[] {
  const chosen = plantedBugs.filter((bug) => name === undefined || bug.name === name);
  if (chosen.length === 0) throw new Error(`--bug takes a name of docs/planted-bugs.md, not ${name}`);
  return chosen;
}

/** Every bug is looked for, seed by seed, until it is found or its budget is used up. */
async function runPlanted(bugs: readonly PlantedBug[]): Promise<boolean> {
  const found = new Map<string, SeedResult>();
  const tasks = bugs.flatMap(({ name, budgetSeeds }) =>
    Array.from({ length: budgetSeeds }, (_, index) => seedTask(index + 1, { bug: name })),
  );
  const isFound = (task: Task): boolean => found.has(task.bug ?? '');
  await runAll(tasks, {
    isNeedless: isFound,
    onResult: ({ bug = '' }, result) => {
      if (result.violation === undefined || found.has(bug)) return;
      found.set(bug, result);
      console.log(`${bug}: seed ${result.seed}: ${result.violation.message.split('\n')[0]?.slice(0, 200)}`);
    },
  });
  const unsound = await runWithoutBugs(found);
  const rows = bugs.map(({ name, breaks, budgetSeeds }) => {
    const result = found.get(name);
    const how = result === undefined ? `NOT FOUND in ${budgetSeeds} seeds` : `seed ${result.seed} of ${budgetSeeds}`;
    const without = unsound.get(name)?.invariant ?? (result === undefined ? '' : 'clean');
    return [name, breaks, how, result?.violation?.invariant ?? '', without];
  });
  console.log(`\n${columns([['planted bug', 'breaks', 'found by', 'as', 'without it'], ...rows])}`);
  console.log(`${found.size} of ${bugs.length} found, ${found.size - unsound.size} of them clean without the bug`);
  return bugs.every(({ name }) => found.has(name)) && unsound.size === 0;
}

/** The canary: the seed that found a bug, in the same world, without the bug. What it breaks is not the bug's doing. */
async function runWithoutBugs(
  found: ReadonlyMap<string, SeedResult>,
): Promise<Map<string, NonNullable<SeedResult['violation']>>> {
  const unsound = new Map<string, NonNullable<SeedResult['violation']>>();
  const tasks = [...found].map(([bug, { seed }]) => seedTask(seed, { bug, isSound: true }));
  await runAll(tasks, {
    onResult: ({ bug = '', seed }, { violation }) => {
      if (violation === undefined) return;
      unsound.set(bug, violation);
      console.log(`without "${bug}", seed ${seed}: ${violation.message.slice(0, 400)}`);
    },
  });
  return unsound;
}

interface RunOptions {
  readonly onResult: (task: Task, result: SeedResult) => void;
  readonly isOver?: () => boolean;
  readonly isNeedless?: (task: Task) => boolean;
  /** Is told what the workers went through, until that is everything. */
  readonly decisions?: DecisionTally;
}

/** Hands the tasks to one worker per core, in their order. */
async function runAll(tasks: readonly Task[], options: RunOptions): Promise<void> {
  const { isOver = () => false, isNeedless = () => false, decisions } = options;
  const waiting = [...tasks];
  const next = (): Task | undefined => {
    for (let task = waiting.shift(); task !== undefined && !isOver(); task = waiting.shift()) {
      if (!isNeedless(task)) return task;
    }
    return undefined;
  };
  const work = async (): Promise<void> => {
    while (waiting.length > 0 && !isOver()) await runWorker(next, options, decisions?.isWhole === false);
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), tasks.length) }, work));
}

/** One worker until there is no task left, or, when it counts decisions, until there is none left to count. */
function runWorker(next: () => Task | undefined, options: RunOptions, isCounting: boolean): Promise<void> {
  const { onResult, decisions } = options;
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: { isCounting },
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    let task: Task | undefined;
    /** Seeds since it was last asked what it went through. */
    let uncounted = 0;
    const order = (): Order | undefined => {
      if (isCounting && decisions?.isWhole === true) return undefined;
      task = uncounted < SEEDS_PER_COUNT ? next() : undefined;
      return task ?? (uncounted > 0 ? { kind: 'coverage' } : undefined);
    };
    const give = (): void => {
      const given = order();
      if (given === undefined) void worker.terminate();
      else worker.postMessage(given);
    };
    worker.on('message', (answer: Answer) => {
      if (answer.kind === 'coverage') {
        decisions?.add(answer.coverage);
        uncounted = 0;
      } else if (task !== undefined) {
        onResult(task, answer.result);
        if (isCounting) uncounted += 1;
      }
      give();
    });
    worker.on('error', reject);
    worker.on('exit', () => resolve());
    give();
  });
}

async function tellFailure(result: SeedResult, isWhole: boolean): Promise<void> {
  console.log(`\nSeed ${result.seed} fails; looking for the faults that it takes ...`);
  const shrunk = await shrinkSeed(result);
  tellStory(shrunk, isWhole);
  const only = shrunk.faultNumbers.length < result.faultNumbers.length ? ` --only ${shrunk.faultNumbers.join()}` : '';
  console.log(`It takes ${shrunk.faultNumbers.length} of ${result.faultNumbers.length} faults.`);
  console.log(`Tell it again: npm run sim -- --from ${result.seed} --seeds 1 --story${only}\n`);
}

function tellStory(result: SeedResult, isWhole: boolean): void {
  const story = foldStory(result.story);
  console.log(`\n${headline(result)}`);
  console.log((isWhole ? story : story.slice(-STORY_LINES)).join('\n'));
}

function headline({ seed, violation }: SeedResult): string {
  return `Seed ${seed}: ${violation?.message ?? 'all promises kept'}`;
}

function summary(results: readonly SeedResult[], tookMs: number, withPairs: boolean): string {
  const sum = (of: (result: SeedResult) => number): number => results.reduce((total, result) => total + of(result), 0);
  const simulatedMs = sum((result) => result.simulatedMs);
  const faults = added(results.map((result) => result.faults));
  const pairs = added(results.map(({ faultPairs }) => faultPairs));
  const possiblePairs = (faults.length * (faults.length + 1)) / 2;
  const broken = (invariant: string): number =>
    results.filter((result) => result.violation?.invariant === invariant).length;
  const cores = (outcome: string): number => results.filter(({ core }) => core === outcome).length;
  const rows: string[][] = [
    ['seeds', String(results.length)],
    ['failed', String(results.filter(({ violation }) => violation !== undefined).length)],
    ['simulated hours', (simulatedMs / 3_600_000).toFixed(2)],
    ['simulated / real time', (simulatedMs / tookMs).toFixed(0)],
    ['lived in the smallest core', `${cores('lived')} of ${cores('lived') + cores('excused')}`],
    ['activations', String(sum((result) => result.activations))],
    ['acknowledged', String(sum((result) => result.acknowledged))],
    ['outcome unknown', String(sum((result) => result.unknown))],
    ['seeds with loss (M1)', String(broken('M1'))],
    ['seeds with duplicates (M7)', String(broken('M7'))],
    ['faults', String(faults.reduce((total, [, count]) => total + count, 0))],
    ['pairs of faults at once', `${pairs.length} of ${possiblePairs}`],
    ...faults.map(([kind, count]) => [`fault: ${kind}`, String(count)]),
    ...(withPairs ? pairs : []).map(([pair, count]) => [`pair: ${pair}`, String(count)]),
  ];
  return columns(rows);
}

/** In the order of the names. */
function added(counts: readonly Readonly<Record<string, number>>[]): [string, number][] {
  const total = new Map<string, number>();
  for (const one of counts)
    for (const [name, count] of Object.entries(one)) total.set(name, (total.get(name) ?? 0) + count);
  return [...total].sort(([one], [other]) => (one < other ? -1 : 1));
}

function wholeNumber(option: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error(`${option} takes a whole number from 1 on, not ${text}`);
  return value;
}

function serveOrders(port: MessagePort, isCounting: boolean): void {
  Error.stackTraceLimit = STACK_FRAMES;
  const meter = isCounting ? new DecisionCoverage() : undefined;
  const answer = async (order: Order): Promise<Answer> => {
    if (order.kind === 'coverage') return { kind: 'coverage', coverage: (await meter?.read()) ?? [] };
    const bug = plantedBugs.find(({ name }) => name === order.bug);
    const planted = bug && (order.isSound ? withoutBug(bug) : bug);
    const options = { ...(planted && { bug: planted }), ...(order.only && { only: order.only }) };
    return { kind: 'result', result: await runSeed(order.seed, options) };
  };
  port.on('message', (order: Order) => {
    answer(order).then(
      (said) => port.postMessage(said),
      (error: unknown) => {
        throw error;
      },
    );
  });
}

if (isMainThread) process.exitCode = (await main()) ? 0 : 1;
else if (parentPort !== null) serveOrders(parentPort, (workerData as { isCounting: boolean }).isCounting);
