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
  { file: 'take-over.ts', block: '? group.inSync', why: 'no simulated topology shares a disk; it has unit tests' },
  { file: 'mount.ts', block: "?? 'no reason is known'", why: 'a failed copy says why' },
  {
    file: 'mount.ts',
    block: "return lasting('seeding', 'the copy is being seeded');",
    why: 'a seed is ordered by hand, and after it a lost disk of the source needs another one: stories tell of it',
  },
  { file: 'mount.ts', block: 'return undefined;', why: 'shared storage, as above' },
  { file: 'lease.ts', block: 'return undefined;', why: 'a group that is not in the document' },
];

/** Counts in the thread that it is made in, from then on. */
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

/** Prints a line for each file and each block that nobody ran; true when there is none. */
export function reportCoverage(workers: readonly (readonly FileCoverage[])[]): boolean {
  let isWhole = true;
  for (const { file, block, why } of BEYOND) console.log(`decisions: not counted: ${file}: ${block} (${why})`);
  for (const file of DECISIONS) {
    const seen = workers.flatMap((files) => files.filter((one) => one.file === file).map(({ blocks }) => blocks));
    const missed = missedBlocks(file, seen);
    if (missed.length > 0 || seen.length === 0) isWhole = false;
    const said = missed.length === 0 ? 'every branch taken' : `${missed.length} branches never taken`;
    console.log(`decisions: ${file}: ${seen.length === 0 ? 'never loaded' : said}`);
    for (const block of missed) console.log(`  ${block}`);
  }
  return isWhole;
}

function missedBlocks(file: string, seen: readonly string[]): string[] {
  const source = sourceOf(file);
  const missed: string[] = [];
  const isMissed = (at: number): boolean =>
    seen.some((blocks) => blocks[at] === MISSED) && seen.every((blocks) => blocks[at] !== RUN);
  for (let at = 0; at < source.length; at++) {
    if (!isMissed(at)) continue;
    const from = at;
    while (at < source.length && isMissed(at)) at++;
    const text = withoutComments(source.slice(from, at));
    if (!/[A-Za-z]/.test(text)) continue;
    const line = source.slice(0, from).split('\n').length;
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
