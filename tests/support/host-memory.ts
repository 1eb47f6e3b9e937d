/** What the processes of a host have used of memory, at their highest. */
import { readdirSync, readFileSync } from 'node:fs';
import { runningGroup } from '../../src/main/demo/processes.ts';

/** Of the process that used most. Linux only; 0 elsewhere. */
export function largestMemoryBytes(hostFolder: string): number {
  const group = runningGroup(hostFolder);
  const peaks = pids().flatMap((pid) => {
    const stat = read(`/proc/${pid}/stat`);
    const [, , processGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (group === undefined || Number(processGroup) !== group) return [];
    return [Number(/VmHWM:\s+(\d+) kB/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024];
  });
  return Math.max(0, ...peaks);
}

function pids(): readonly string[] {
  return process.platform === 'linux' ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : [];
}

/** A process may end while it is looked at: then there is nothing to read. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
