/**
 * The cluster that is measured: the same demo that a user starts, with its own folder and ports, and what the system
 * knows of its processes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AdminClient, findCluster } from '../src/main/admin-client.ts';
import type { DemoDescription } from '../src/main/demo/demo-file.ts';
import { type ProcessFacts, processesOf } from './processes.ts';

const COMMAND = fileURLToPath(new URL('../bin/holdfast', import.meta.url));
const FIRST_BASE_PORT = 20_000;
const BASE_PORTS = 40;
const BASE_PORT_STEP = 1_000;
const START_LIMIT_MS = 120_000;
const STOP_LIMIT_MS = 30_000;
const SETTLE_LIMIT_MS = 120_000;
const POLL_MS = 100;

export interface GroupState {
  readonly activeHost: string;
  readonly inSync: readonly string[];
  readonly copies: readonly string[];
}

export class DemoCluster {
  readonly folder: string;
  readonly #demo: ChildProcess;

  private constructor(folder: string, demo: ChildProcess) {
    this.folder = folder;
    this.#demo = demo;
  }

  /** In a new folder below `parent`. Tries other ports while some are in use. */
  static async start(parent: string, users: number): Promise<DemoCluster> {
    const folder = mkdtempSync(join(parent, 'cluster-'));
    const first = Math.floor(Math.random() * BASE_PORTS);
    for (let attempt = 0; ; attempt++) {
      const basePort = FIRST_BASE_PORT + ((first + attempt) % BASE_PORTS) * BASE_PORT_STEP;
      const { demo, output } = await launch(folder, basePort, users);
      if (demo !== undefined) return new DemoCluster(folder, demo);
      if (!/port \d+ is in use/.test(output) || attempt === BASE_PORTS) throw new Error(output.trim());
    }
  }

  /** As the demo describes itself now: a host that was started again has another process group. */
  get description(): DemoDescription {
    return JSON.parse(readFileSync(join(this.folder, 'demo.json'), 'utf8')) as DemoDescription;
  }

  port(name: string): number {
    return this.description.ports[name] ?? 0;
  }

  async state(): Promise<GroupState> {
    const client = new AdminClient(findCluster(this.folder));
    const { rows } = await client.run({ command: 'Get-StorageGroup', parameters: {} });
    const row = rows[0] ?? {};
    return {
      activeHost: String(row['ActiveCopy'] ?? ''),
      inSync: row['InSyncCopies'] as readonly string[],
      copies: row['Copies'] as readonly string[],
    };
  }

  /** Until both copies hold everything again. */
  async settled(): Promise<GroupState> {
    const deadline = performance.now() + SETTLE_LIMIT_MS;
    for (;;) {
      const state = await this.state();
      if (state.activeHost !== '' && state.inSync.length === state.copies.length) return state;
      if (performance.now() > deadline) throw new Error(`In sync is still only ${state.inSync.join(', ')}`);
      await pause(POLL_MS);
    }
  }

  processGroup(host: string): number {
    return this.description.hosts.find(({ name }) => name === host)?.processGroup ?? 0;
  }

  processes(): readonly ProcessFacts[] {
    return this.description.hosts.flatMap(({ name, processGroup }) => processesOf(name, processGroup));
  }

  async startHost(host: string): Promise<void> {
    const child = spawn(COMMAND, ['demo', 'start-host', host, '--data', this.folder], {
      stdio: 'ignore',
    });
    await new Promise((resolve) => child.once('exit', resolve));
  }

  async stop(): Promise<void> {
    await end(this.#demo);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function launch(
  folder: string,
  basePort: number,
  users: number,
): Promise<{ demo: ChildProcess | undefined; output: string }> {
  const args = ['demo', '--data', folder, '--port', String(basePort), '--users', String(users), '--fresh'];
  const demo = spawn(COMMAND, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const ready = await new Promise<boolean>((resolve) => {
    const limit = setTimeout(() => resolve(false), START_LIMIT_MS);
    const onOutput = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
      if (!output.includes('Holdfast is ready')) return;
      clearTimeout(limit);
      resolve(true);
    };
    demo.stdout.on('data', onOutput);
    demo.stderr.on('data', onOutput);
    demo.once('exit', () => {
      clearTimeout(limit);
      resolve(false);
    });
  });
  if (ready) return { demo, output };
  await end(demo);
  return { demo: undefined, output };
}

async function end(demo: ChildProcess): Promise<void> {
  if (demo.exitCode !== null || demo.signalCode !== null) return;
  const limit = setTimeout(() => demo.kill('SIGTERM'), STOP_LIMIT_MS);
  const exited = new Promise((resolve) => demo.once('exit', resolve));
  demo.kill('SIGINT');
  await exited;
  clearTimeout(limit);
}

export function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs);
  });
}
