/**
 * The processes of a host: one group for each, with its own life, so that the host can be killed like a machine and its
 * death touches neither the demo nor the others.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Problem } from '../../base/problem.ts';
import { hostFiles } from '../cluster-files.ts';
import { readProcessGroup, writeProcessGroup } from './demo-file.ts';
import { demoLimits } from './limits.ts';

const PROGRAM = fileURLToPath(new URL('../../main.ts', import.meta.url));

/** Starts the service of the host whose data folder (absolute) is given; its output goes to the host's log. */
export function spawnHost(host: string, dataFolder: string): ChildProcess {
  mkdirSync(hostFiles.logFolder(dataFolder), { recursive: true, mode: 0o700 });
  const log = openSync(hostFiles.log(dataFolder), 'a', 0o600);
  try {
    const child = spawn(process.execPath, [PROGRAM, 'host', '--data', dataFolder], {
      cwd: dataFolder,
      detached: true,
      stdio: ['ignore', log, log],
    });
    child.on('error', () => undefined); // told by the missing pid, at once, and by nothing else
    if (child.pid === undefined)
      throw new Problem(
        'HostNotStarted',
        `Cannot start ${host}: the system makes no process for it. Free some memory or processes, then try again.`,
      );
    writeProcessGroup(dataFolder, child.pid);
    return child;
  } finally {
    closeSync(log);
  }
}

/** The process group of a host that has processes now. */
export function runningGroup(dataFolder: string): number | undefined {
  const group = readProcessGroup(dataFolder);
  return group !== undefined && isGroupRunning(group, dataFolder) ? group : undefined;
}

/**
 * Whether processes of this host's group still run. A number alone proves nothing: after a restart of the machine the
 * group may be somebody else's, so on Linux the command lines are looked at. Zombies that nobody has reaped do not run.
 */
function isGroupRunning(group: number, dataFolder: string): boolean {
  if (!existsSync('/proc/self/stat')) return canSignal(group);
  return readdirSync('/proc').some((entry) => /^\d+$/.test(entry) && isMember(entry, group, dataFolder));
}

/** Whether the service itself, the first process of its group, still runs. */
export function isServiceRunning(group: number, dataFolder: string): boolean {
  return existsSync('/proc/self/stat') ? isMember(String(group), group, dataFolder) : canSignal(group);
}

function isMember(processId: string, group: number, dataFolder: string): boolean {
  try {
    const stat = readFileSync(`/proc/${processId}/stat`, 'latin1');
    // "pid (name) state parent group …"; the name may hold anything, also brackets.
    const [state, , memberOf] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(memberOf) !== group || state === 'Z' || state === 'X') return false;
    return readFileSync(`/proc/${processId}/cmdline`, 'utf8').includes(dataFolder);
  } catch {
    return false; // it ended while it was looked at
  }
}

function canSignal(group: number): boolean {
  try {
    return process.kill(-group, 0);
  } catch {
    return false;
  }
}

/** Signals the whole group, or only its leader; a group that is gone is no error. */
export function signalHost(group: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(signal === 'SIGKILL' ? -group : group, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Why a host stopped, as far as the end of its log says: the message of its last error, or its last line. No full stop. */
export function lastWords(dataFolder: string): string {
  const lines = readTail(hostFiles.log(dataFolder))
    .split('\n')
    .filter((line) => line.trim() !== '');
  const messages = lines.map(messageOfLine);
  const words = (messages.findLast((message) => message.isError) ?? messages.at(-1))?.text ?? 'its log is empty';
  return words.replace(/\.$/, '');
}

function messageOfLine(line: string): { isError: boolean; text: string } {
  try {
    const { level, msg, reason } = JSON.parse(line) as { level?: number; msg?: string; reason?: string };
    return { isError: (level ?? 0) >= 50, text: [msg, reason].filter((part) => part !== undefined).join(': ') };
  } catch {
    return { isError: line.startsWith('Cannot '), text: line.slice(0, 500) };
  }
}

function readTail(path: string): string {
  if (!existsSync(path)) return '';
  const file = openSync(path, 'r');
  try {
    const size = statSync(path).size;
    const bytes = Buffer.alloc(Math.min(size, demoLimits.logTailBytes));
    const count = readSync(file, bytes, 0, bytes.length, size - bytes.length);
    return bytes.subarray(0, count).toString('utf8');
  } finally {
    closeSync(file);
  }
}
