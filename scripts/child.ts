/**
 * Starts a program, waits for its end, and never longer than agreed. The program gets a process group of its own, so
 * that its end also ends what it started: a test run leaves nothing behind, not even when it is interrupted.
 */
import { spawn } from 'node:child_process';

export interface Ended {
  readonly ok: boolean;
  /** What it wrote, both streams in the order they came; empty when it wrote to our terminal. */
  readonly output: string;
  readonly seconds: number;
}

export interface ChildOptions {
  /** Collect what it writes instead of letting it write to our terminal. */
  readonly capture: boolean;
  readonly limitMs: number;
  readonly env?: NodeJS.ProcessEnv;
}

const groups = new Set<number>();

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    for (const pid of groups) killGroup(pid);
    process.exit(130);
  });
}

export function runChild(command: string, args: readonly string[], options: ChildOptions): Promise<Ended> {
  const started = performance.now();
  const stdio = options.capture ? 'pipe' : 'inherit';
  const child = spawn(command, args, {
    detached: true,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', stdio, stdio],
  });
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const { pid } = child;
  if (pid !== undefined) groups.add(pid);
  let note = '';
  const limit = setTimeout(() => {
    note = `\n${command} did not end within ${options.limitMs / 1000} s and was stopped.\n`;
    if (pid !== undefined) killGroup(pid);
  }, options.limitMs);
  return new Promise((resolve) => {
    const end = (ok: boolean): void => {
      clearTimeout(limit);
      if (pid !== undefined) {
        killGroup(pid);
        groups.delete(pid);
      }
      if (note !== '' && !options.capture) process.stdout.write(note);
      const output = Buffer.concat(chunks).toString('utf8') + note;
      resolve({ ok, output, seconds: (performance.now() - started) / 1000 });
    };
    child.on('error', (error) => {
      note = `Cannot start ${command}: ${error.message}\n`;
      end(false);
    });
    child.on('close', (code) => end(code === 0 && note === ''));
  });
}
