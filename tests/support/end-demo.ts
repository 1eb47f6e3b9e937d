/** Kills what runs on a demo's folder, known by that folder in its command line, and removes the folder. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runningGroup, signalHost } from '../../src/main/demo/processes.ts';

/** Nothing to do where it has all ended. HOLDFAST_KEEP=1 leaves the folder for a look at it. */
export function endDemo(folder: string, demoProcessId: number): void {
  kill(demoProcessId);
  for (const group of hostGroups(folder)) signalHost(group, 'SIGKILL');
  if (process.env['HOLDFAST_KEEP'] !== '1') rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Process groups of the hosts that run on this folder now. */
export function hostGroups(folder: string): readonly number[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return names.flatMap((entry) => runningGroup(join(folder, entry.name)) ?? []);
}

function kill(processId: number): void {
  try {
    process.kill(processId, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
