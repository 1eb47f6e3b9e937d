/**
 * `npm test`: every group of tests, one after the other, and one summary at the end. `npm test -- system` runs the
 * named groups only. Nothing is left out in silence: skipped tests and missing programs are named, and where CI=true a
 * missing program fails the run.
 */
import { columns } from './columns.ts';
import { type GroupResult, runGroup, testGroups } from './test-groups.ts';
import { provideTestPrograms } from './test-programs.ts';

function summary(results: readonly GroupResult[]): string {
  const rows = [['group', 'tests', 'passed', 'failed', 'skipped', 'seconds']];
  for (const { name, tests, passed, failed, skipped, seconds } of results) {
    rows.push([name, ...[tests, passed, failed, skipped.length].map(String), seconds.toFixed(1)]);
  }
  const lines = results.flatMap(({ name, skipped }) => skipped.map((line) => `  ${name}: ${line}`));
  if (lines.length > 0) lines.unshift('Skipped:');
  return ['', columns(rows), ...lines].join('\n');
}

async function main(names: readonly string[]): Promise<boolean> {
  const unknown = names.filter((name) => !testGroups.some((group) => group.name === name));
  if (unknown.length > 0) {
    const known = testGroups.map((group) => group.name).join(', ');
    console.error(`Cannot run the tests: there is no group ${unknown.join(', ')}. Choose from ${known}.`);
    return false;
  }
  const groups = testGroups.filter((group) => names.length === 0 || names.includes(group.name));
  const missing = groups.some((group) => group.needsPrograms) ? provideTestPrograms() : [];
  const results: GroupResult[] = [];
  for (const group of groups) {
    console.log(`\n${group.name}`);
    results.push(await runGroup(group));
  }
  console.log(summary(results));
  if (missing.length > 0) console.log(`Missing programs, whose tests were skipped: ${missing.join(', ')}.`);
  const failed = results.filter((result) => !result.ok).map((result) => result.name);
  if (failed.length > 0) console.log(`Failed: ${failed.join(', ')}.`);
  return failed.length === 0 && (missing.length === 0 || process.env['CI'] !== 'true');
}

process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
