/** `bin/holdfast` and other programs, as a person runs them: words in, output and exit code out, within a bound. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const HOLDFAST = fileURLToPath(new URL('../../bin/holdfast', import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  readonly withinMs?: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
}

const DEFAULT_WITHIN_MS = 60_000;

/** A program that does not end in time is killed with its process group, and that is an error. */
export function runProgram(command: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const { withinMs = DEFAULT_WITHIN_MS, env, input = '' } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      detached: true,
      env: { ...process.env, ...env },
      stdio: 'pipe',
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      reject(new Error(`${command} ${args.join(' ')}: did not end within ${withinMs / 1000} s`));
    }, withinMs);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString('utf8') });
    });
    child.stdin.on('error', (error) => stderr.push(Buffer.from(`${error.message}\n`)));
    child.stdin.end(input);
  });
}

export async function runHoldfast(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return await runProgram(HOLDFAST, args, options);
}
