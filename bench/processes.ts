/** What Linux tells of processes: who belongs to a group, how much memory is resident, which thread used how much time. */

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { KIB } from './table.ts';

export interface ProcessFacts {
  readonly host: string;
  /** service, hub, access, copy: the first word behind main.ts. */
  readonly role: string;
  readonly pid: number;
}

/** Node's threads: its main one, V8's helpers (they collect garbage and compile), the pool of libuv, our own workers. */
export const THREAD_KINDS = ['main', 'V8', 'pool', 'workers'] as const;
export type ThreadKind = (typeof THREAD_KINDS)[number];

/** Seconds of processor, user and system. */
export type ProcessorTimes = Readonly<Record<ThreadKind, number>>;

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** The processes of one process group that run this program. */
export function processesOf(host: string, processGroup: number): ProcessFacts[] {
  const found: ProcessFacts[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry) || groupOf(entry) !== processGroup) continue;
    const words = read(`/proc/${entry}/cmdline`).split('\0');
    const role = words[words.findIndex((word) => word.endsWith('main.ts')) + 1] ?? '';
    found.push({ host, role: role === 'host' ? 'service' : role, pid: Number(entry) });
  }
  return found;
}

export function residentBytes(pid: number): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(read(`/proc/${pid}/status`));
  return Number(line?.[1] ?? 0) * KIB;
}

/** The most that was ever resident. */
export function peakBytes(pid: number): number {
  const line = /VmHWM:\s+(\d+) kB/.exec(read(`/proc/${pid}/status`));
  return Number(line?.[1] ?? 0) * KIB;
}

export function processorTimes(pid: number): ProcessorTimes {
  const times = { main: 0, V8: 0, pool: 0, workers: 0 };
  for (const thread of readFolder(`/proc/${pid}/task`)) {
    const fields = fieldsOf(read(`/proc/${pid}/task/${thread}/stat`));
    const ticks = Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
    times[kindOf(Number(thread) === pid, read(`/proc/${pid}/task/${thread}/comm`))] += ticks / TICKS_PER_SECOND;
  }
  return times;
}

/** What all processors of the machine have worked since its start, for whomever; also what a hypervisor took away. */
export function busySeconds(): number {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = read('/proc/stat')
    .split('\n', 1)
    .join('')
    .split(/\s+/)
    .map(Number);
  return (user + nice + system + irq + softIrq + steal) / TICKS_PER_SECOND;
}

function kindOf(isFirst: boolean, name: string): ThreadKind {
  if (isFirst) return 'main';
  if (name.includes('V8') || name.startsWith('DelayedTask')) return 'V8';
  return name.startsWith('libuv') ? 'pool' : 'workers';
}

function groupOf(pid: string): number {
  return Number(fieldsOf(read(`/proc/${pid}/stat`))[2]);
}

/** Behind the name, which may hold anything: state, parent, group, … (proc_pid_stat(5)). */
function fieldsOf(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Empty when the process has ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function readFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
