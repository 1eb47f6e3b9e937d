/**
 * A role process of a host, as its cluster service keeps it: started, watched, started again when it dies. It ends with
 * the service: the pipe between them is its lifeline.
 */
import { type ChildProcess, fork } from 'node:child_process';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { messageOf } from '../base/problem.ts';
import { RestartPause } from '../cluster/restart-pause.ts';

/** Short-lived objects are collected early: a host runs several processes. */
const SMALL_HEAP: readonly string[] = ['--max-semi-space-size=2', '--v8-pool-size=1'];
/** glibc: two arenas instead of one for each thread, and thresholds that stay what they are, so that freed memory goes back. */
const SMALL_MALLOC = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_TRIM_THRESHOLD_: String(256 * 1024),
  MALLOC_MMAP_THRESHOLD_: String(128 * 1024),
};
const STOP_LIMIT_MS = 5_000;

export interface RoleProcessOptions {
  readonly name: string;
  /** Arguments of main.ts; asked before every start. */
  readonly args: () => readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onStarted: (child: ChildProcess) => void;
  /** Resolves when a new one may be started. */
  readonly onEnded: () => Promise<void>;
}

export class RoleProcess {
  readonly #options: RoleProcessOptions;
  #child: ChildProcess | undefined;
  #isStopping = false;
  readonly #pause = new RestartPause();

  constructor(options: RoleProcessOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    const { name, clock, logger } = this.#options;
    const startedMs = clock.monotonicMs();
    const main = new URL('../main.ts', import.meta.url);
    const child = fork(main, this.#options.args(), {
      serialization: 'advanced',
      execArgv: [...SMALL_HEAP],
      env: { ...process.env, ...SMALL_MALLOC },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child = child;
    child.on('error', (error) =>
      logger.error({ role: name, reason: error.message }, 'a role process cannot be started'),
    );
    child.once('exit', (code, signal) => {
      this.#child = undefined;
      if (this.#isStopping) return;
      logger.error({ role: name, code, signal }, 'a role process has ended');
      void this.#restartLater(this.#pause.afterRun(clock.monotonicMs() - startedMs));
    });
    this.#options.onStarted(child);
  }

  async #restartLater(pauseMs: number): Promise<void> {
    try {
      await this.#options.onEnded();
    } catch (error) {
      this.#options.logger.error(
        { role: this.#options.name, reason: messageOf(error) },
        'the end of a role process was not noted',
      );
    }
    this.#options.clock.after(pauseMs, () => {
      if (!this.#isStopping) this.start();
    });
  }

  /** One that is not running learns it when it starts. */
  tell(message: string): void {
    if (this.#child?.connected === true) this.#child.send(message);
  }

  /** Ends it cleanly, by force after a bound. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(STOP_LIMIT_MS, () => child.kill('SIGKILL'));
      child.once('exit', () => {
        cancel();
        resolve();
      });
      child.kill('SIGTERM');
    });
  }
}
