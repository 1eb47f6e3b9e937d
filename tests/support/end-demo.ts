/** Kills what runs on a demo's folder, or on that of other hosts, known by that folder in its command line, and removes the folder. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runningGroup, signalHost } from '../../src/main/demo/processes.ts';

/** Nothing to do where it has all ended. HOLDFAST_KEEP=1 leaves the folder for a look at it. */
export function endDemo(folder: string, demoProcessId?: number): void {
  if (demoProcessId !== undefined) kill(demoProcessId);
  for (const group of hostGroups(folder)) signalHost(group, 'SIGKILL');
  if (process.env['HOLDFAST_KEEP'] !== '1') rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/**
 * Process groups of the hosts that run on this folder now. Linux is asked itself, because a folder may be gone (its disk
 * unmounted) while hosts still run on it; elsewhere the folder tells.
 */
export function hostGroups(folder: string): readonly number[] {
  if (existsSync('/proc/self/stat'))
    return [...new Set(readdirSync('/proc').flatMap((entry) => groupOf(entry, folder)))];
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return entries.flatMap((entry) => runningGroup(join(folder, entry.name)) ?? []);
}

/** The process group of a process that is one of a host's of this folder; none for all others. */
function groupOf(processId: string, folder: string): readonly number[] {
  if (!/^\d+$/.test(processId)) return [];
  try {
    if (!readFileSync(`/proc/${processId}/cmdline`, 'utf8').includes(`${folder}/`)) return [];
    const stat = readFileSync(`/proc/${processId}/stat`, 'latin1');
    // "pid (name) state parent group …"; the name may hold anything, also brackets.
    const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? [] : [Number(group)];
  } catch {
    return []; // it ended while it was looked at
  }
}

function kill(processId: number): void {
  try {
    process.kill(processId, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
