/**
 * The one command that prints the tables of docs/performance.md.
 *
 *   npm run bench                                 says what there is
 *   npm run bench -- delivery failover            these parts, one after the other
 *   npm run bench -- log --quick                  shorter
 *   npm run bench -- store --data /mnt/disk       on another disk than the one of the temporary folder
 *
 * Each of several parts runs in a process of its own: memory that one has used must not be counted as another's.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { messageOf } from '../src/base/problem.ts';
import { machineLine } from './machine.ts';
import type { PartOptions } from './part.ts';

interface Part {
  readonly what: string;
  run(options: PartOptions): Promise<void>;
}

/** Each loads its own modules only: everything that is in the heap is marked again and again while buffers come and go. */
const PARTS: Readonly<Record<string, Part>> = {
  delivery: {
    what: 'messages/s acknowledged over LMTP with both copies synced',
    run: async (options) => (await import('./delivery.ts')).benchDelivery(options),
  },
  failover: {
    what: 'from a kill -9 of the active host to the first client that is served',
    run: async (options) => (await import('./failover.ts')).benchFailover(options),
  },
  log: {
    what: 'records/s and MiB/s committed by the transaction log',
    run: async (options) => (await import('./log.ts')).benchLog(options),
  },
  store: {
    what: 'deliveries, replay, maintenance, search; a folder of 1,000,000 messages',
    run: async (options) => (await import('./store.ts')).benchStore(options),
  },
};

const USAGE = `Usage
  npm run bench -- PART... [--quick] [--data DIR]

Parts
${Object.entries(PARTS)
  .map(([name, { what }]) => `  ${name.padEnd(14)}${what}`)
  .join('\n')}

Options
  --quick       fewer rows, shorter times
  --data DIR    measures the disk on which DIR lies (default: the system's temporary folder)
`;

interface Choice {
  readonly names: readonly string[];
  readonly isQuick: boolean;
  readonly parent: string;
}

function choose(words: readonly string[]): Choice {
  const { values, positionals } = parseArgs({
    args: [...words],
    options: { quick: { type: 'boolean' }, data: { type: 'string' } },
    allowPositionals: true,
  });
  const unknown = positionals.find((name) => !Object.hasOwn(PARTS, name));
  if (unknown !== undefined) throw new Error(`there is no part "${unknown}"`);
  return { names: positionals, isQuick: values.quick === true, parent: resolve(values.data ?? tmpdir()) };
}

async function runPart(name: string, { isQuick, parent }: Choice): Promise<void> {
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'holdfast-bench-'));
  try {
    process.stdout.write(`${machineLine()}\n`);
    await PARTS[name]?.run({ folder, isQuick });
    process.stdout.write('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runApart(name: string, { isQuick, parent }: Choice): Promise<void> {
  const args = [fileURLToPath(import.meta.url), name, '--data', parent, ...(isQuick ? ['--quick'] : [])];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  const code = await new Promise<number | null>((resolveCode) => child.once('exit', resolveCode));
  if (code !== 0) throw new Error(`the part ${name} failed`);
}

try {
  const choice = choose(process.argv.slice(2));
  const [first] = choice.names;
  if (first === undefined) process.stdout.write(USAGE);
  else if (choice.names.length === 1) await runPart(first, choice);
  else for (const name of choice.names) await runApart(name, choice);
} catch (error) {
  process.stderr.write(`Cannot run the benchmark: ${messageOf(error)}. "npm run bench" lists the parts.\n`);
  process.exitCode = 1;
}
