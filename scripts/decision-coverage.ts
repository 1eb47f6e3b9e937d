/**
 * What the seeds went through of the cluster's decisions. The decisions are pure functions in files of their own, so
 * V8's block coverage of these files is the list of their transitions: a block that no seed ran is a decision that the
 * simulation never saw taken. Comments and types count for nothing; a block that cannot be reached by any world is an
 * assertion's business and must not stand there.
 */
import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { fileURLToPath } from 'node:url';

/** What one worker ran of one file. */
export interface FileCoverage {
  /** Relative to src/cluster. */
  readonly file: string;
  /** A digit for each character: 0 outside of every function, MISSED or RUN in a block. */
  readonly blocks: string;
}

const MISSED = '1';
const RUN = '2';

const CLUSTER = new URL('../src/cluster/', import.meta.url);
const DECISIONS = [
  'commit-stall.ts',
  'estimate-loss.ts',
  'failback.ts',
  'grow.ts',
  'lease.ts',
  'mount.ts',
  'restart.ts',
  'shrink.ts',
  'take-over.ts',
];
const SHOWN_CHARACTERS = 90;

/** What no world of the simulator can reach, and why: the text of the block as it is shown, in this file only. */
const BEYOND: readonly { readonly file: string; readonly block: string; readonly why: string }[] = [
  {
    file: 'take-over.ts',
    block: "return { kind: 'nothing' };",
    why: 'every simulated host has a copy of the one group',
  },
  {
    file: 'take-over.ts',
    block: "?? 'Lossless'",
    why: 'a group without a server exists only while it is being formed',
  },
  { file: 'take-over.ts', block: '?? null', why: 'the same' },
  {
    file: 'take-over.ts',
    block: `{ return { kind: 'wait', reason: \`\${facts.host} has no copy of it\` }; }`,
    why: 'whoever has a seat had a copy a moment ago; unit tests',
  },
  { file: 'take-over.ts', block: "?? 'another copy'", why: 'a group without an owner is free at once for the first' },
  { file: 'take-over.ts', block: '? group.inSync', why: 'no simulated topology shares a disk; it has unit tests' },
  { file: 'mount.ts', block: "?? 'no reason is known'", why: 'a failed copy says why' },
  {
    file: 'mount.ts',
    block: "return lasting('seeding', 'the copy is being seeded');",
    why: 'a seed is ordered by hand, and after it a lost disk of the source needs another one: stories tell of it',
  },
  { file: 'mount.ts', block: 'return undefined;', why: 'shared storage, as above' },
  { file: 'lease.ts', block: 'return undefined;', why: 'a group that is not in the document' },
  { file: 'lease.ts', block: 'return;', why: 'one register and one pipe keep renewals in order; it has unit tests' },
  { file: 'failback.ts', block: '?? nowMs', why: 'whoever is asked about was seen in sync in the same look' },
];

/** Counts in the thread that it is made in, from then on; each reading is of what was run since the one before. */
export class DecisionCoverage {
  readonly #session = new Session();
  readonly #started: Promise<unknown>;

  constructor() {
    this.#session.connect();
    this.#started = this.#session
      .post('Profiler.enable')
      .then(() => this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true }));
  }

  async read(): Promise<readonly FileCoverage[]> {
    await this.#started;
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    return DECISIONS.flatMap((file) => {
      const script = result.find(({ url }) => url === new URL(file, CLUSTER).href);
      return script === undefined ? [] : [{ file, blocks: blocksOf(file, script.functions) }];
    });
  }
}

interface FunctionRanges {
  readonly functionName: string;
  readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];
}

/** Outer ranges come before the inner ones that correct them. The module itself ran before anybody counted. */
function blocksOf(file: string, functions: readonly FunctionRanges[]): string {
  const blocks = new Uint8Array(sourceOf(file).length);
  for (const { functionName, ranges } of functions) {
    if (functionName === '' && ranges[0]?.startOffset === 0) continue;
    for (const { startOffset, endOffset, count } of ranges) {
      blocks.fill(Number(count > 0 ? RUN : MISSED), startOffset, endOffset);
    }
  }
  return blocks.join('');
}

function sourceOf(file: string): string {
  return readFileSync(fileURLToPath(new URL(file, CLUSTER)), 'utf8');
}

/**
 * What all workers together went through. Counting costs half of the speed, and nobody needs to know how often a decision
 * was taken: when there is none left that was not, the others may run without it.
 */
export class DecisionTally {
  /** Of each file: the best that is known of every character. */
  readonly #seen = new Map<string, string>();

  add(files: readonly FileCoverage[]): void {
    for (const { file, blocks } of files) this.#seen.set(file, better(this.#seen.get(file) ?? blocks, blocks));
  }

  get isWhole(): boolean {
    return DECISIONS.every((file) => this.#missed(file)?.length === 0);
  }

  /** Prints a line for each file and each block that nobody ran. */
  report(): void {
    for (const { file, block, why } of BEYOND) console.log(`decisions: not counted: ${file}: ${block} (${why})`);
    for (const file of DECISIONS) {
      const missed = this.#missed(file);
      const said = missed?.length === 0 ? 'every branch taken' : `${missed?.length} branches never taken`;
      console.log(`decisions: ${file}: ${missed === undefined ? 'never loaded' : said}`);
      for (const block of missed ?? []) console.log(`  ${block}`);
    }
  }

  #missed(file: string): readonly string[] | undefined {
    const blocks = this.#seen.get(file);
    return blocks === undefined ? undefined : missedBlocks(file, blocks);
  }
}

/** RUN above MISSED above what is in no function. */
function better(one: string, other: string): string {
  return Array.from(one, (digit, at) => (digit > (other[at] ?? '') ? digit : other[at])).join('');
}

function missedBlocks(file: string, blocks: string): string[] {
  const source = sourceOf(file);
  const missed: string[] = [];
  for (const { 0: run, index } of blocks.matchAll(new RegExp(`${MISSED}+`, 'g'))) {
    const text = withoutComments(source.slice(index, index + run.length));
    if (!/[A-Za-z]/.test(text)) continue;
    const line = source.slice(0, index).split('\n').length;
    if (BEYOND.some((beyond) => beyond.file === file && beyond.block === text)) continue;
    missed.push(`line ${line}: ${text.slice(0, SHOWN_CHARACTERS)}`);
  }
  return missed;
}

function withoutComments(text: string): string {
  return text
    .replaceAll(/\/\*.*?\*\/|\/\/.*$/gms, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
