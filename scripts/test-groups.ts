/**
 * The groups of tests, from fast to slow, and how one of them is run. The fast group runs in a single process (264
 * tests take 0.4 s that way and 4.8 s with a process per file); the others start processes and real programs of their
 * own, so each of their files gets a process too.
 */
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChild } from './child.ts';

export interface TestGroup {
  readonly name: string;
  readonly files: readonly string[];
  readonly nodeOptions: readonly string[];
  /** For one test. */
  readonly testLimitMs: number;
  /** For the whole group; a group that passes and does not end fails too. */
  readonly limitMs: number;
  /** Whether its tests talk to the programs of test-programs.ts. */
  readonly needsPrograms: boolean;
}

const minuteMs = 60_000;

export const testGroups: readonly TestGroup[] = [
  {
    name: 'fast',
    files: ['src/**/*.test.ts', 'tests/tidy/**/*.test.ts'],
    nodeOptions: ['--test-isolation=none'],
    testLimitMs: minuteMs,
    limitMs: 8 * minuteMs,
    needsPrograms: false,
  },
  {
    name: 'peers',
    files: ['tests/peers/**/*.test.ts'],
    nodeOptions: ['--test-concurrency=1'],
    testLimitMs: 5 * minuteMs,
    limitMs: 10 * minuteMs,
    needsPrograms: true,
  },
  {
    name: 'system',
    files: ['tests/system/**/*.test.ts'],
    nodeOptions: ['--test-concurrency=1'],
    testLimitMs: 10 * minuteMs,
    limitMs: 15 * minuteMs,
    needsPrograms: true,
  },
  {
    name: 'crash',
    files: ['tests/crash/**/*.test.ts'],
    nodeOptions: ['--test-concurrency=2'],
    testLimitMs: 10 * minuteMs,
    limitMs: 25 * minuteMs,
    needsPrograms: true,
  },
  {
    name: 'scenarios',
    files: ['tests/scenarios/**/*.test.ts'],
    nodeOptions: ['--test-concurrency=2'],
    testLimitMs: 5 * minuteMs,
    limitMs: 10 * minuteMs,
    needsPrograms: false,
  },
];

export interface GroupResult {
  readonly name: string;
  readonly ok: boolean;
  readonly tests: number;
  readonly passed: number;
  readonly failed: number;
  /** One line for each: the test's name and why it was skipped. */
  readonly skipped: readonly string[];
  readonly seconds: number;
}

/** Counts and skipped tests from what node:test wrote as TAP. */
export function readTap(tap: string): Omit<GroupResult, 'name' | 'ok' | 'seconds'> {
  const count = (word: string): number => Number(new RegExp(`^# ${word} (\\d+)$`, 'm').exec(tap)?.[1] ?? 0);
  const skipped: string[] = [];
  for (const [, name = '', reason = ''] of tap.matchAll(/^ *ok \d+ - (.*?) # SKIP ?(.*)$/gm)) {
    skipped.push(reason === '' ? name : `${name} (${reason})`);
  }
  return { tests: count('tests'), passed: count('pass'), failed: count('fail') + count('cancelled'), skipped };
}

/** Runs one group; failures are described on our output as they come. */
export async function runGroup(group: TestGroup): Promise<GroupResult> {
  const files = globSync([...group.files]).sort();
  const empty = { name: group.name, tests: 0, passed: 0, failed: 0, skipped: [], seconds: 0 };
  if (files.length === 0) return { ...empty, ok: true };
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-tests-'));
  try {
    const tapFile = join(folder, 'tap');
    const reporters = ['--test-reporter=dot', '--test-reporter-destination=stdout', '--test-reporter=tap'];
    reporters.push(`--test-reporter-destination=${tapFile}`);
    const limits = [`--test-timeout=${group.testLimitMs}`, ...group.nodeOptions];
    const ended = await runChild(process.execPath, ['--test', ...limits, ...reporters, ...files], {
      capture: false,
      limitMs: group.limitMs,
    });
    const counts = readTap(readFileSync(tapFile, 'utf8'));
    return { name: group.name, ...counts, ok: ended.ok && counts.tests > 0, seconds: ended.seconds };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
