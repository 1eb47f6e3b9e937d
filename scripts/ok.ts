/**
 * `npm run ok`: every check that needs no other program and no patience, two at a time, in under two minutes on two
 * cores. It prints the seconds of each step, and of a step that failed all that it said.
 */
import { readFileSync } from 'node:fs';
import { type Ended, runChild } from './child.ts';
import { columns } from './columns.ts';

interface Step {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const stepsAtOnce = 2;
const stepLimitMs = 5 * 60_000;

/** The longest first, so that the short ones fill the other core. */
function steps(): Step[] {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  const simulation: Step = { name: 'simulation', command: ['npm', 'run', '--silent', 'sim', '--', '--smoke'] };
  return [
    { name: 'tests', command: [process.execPath, 'scripts/test.ts', 'fast'] },
    ...(scripts['sim'] === undefined ? [] : [simulation]),
    { name: 'promises', command: ['oxlint', '--type-aware', '--deny-warnings', 'src', 'tests', 'bench', 'scripts'] },
    { name: 'types', command: ['tsc', '-p', '.'] },
    { name: 'unused', command: ['knip'] },
    { name: 'format', command: ['biome', 'check', '--error-on-warnings', '.'] },
  ];
}

async function main(): Promise<boolean> {
  const waiting = steps();
  const ended: (Ended & { name: string })[] = [];
  const work = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const [command, ...args] = step.command;
      ended.push({ name: step.name, ...(await runChild(command, args, { capture: true, limitMs: stepLimitMs })) });
    }
  };
  await Promise.all(Array.from({ length: stepsAtOnce }, work));
  const failed = ended.filter((step) => !step.ok);
  for (const step of failed) console.log(`\n--- ${step.name}\n${step.output.trimEnd()}`);
  const rows = ended.map((step) => [step.name, step.ok ? 'ok' : 'FAILED', step.seconds.toFixed(1)]);
  console.log(`\n${columns([['step', '', 'seconds'], ...rows])}`);
  return failed.length === 0;
}

process.exitCode = (await main()) ? 0 : 1;
