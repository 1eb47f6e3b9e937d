/**
 * The demo under a test: started on a folder and ports of its own, watched, broken, healed and stopped. Everything goes
 * through what a person has: the command line, signals to process groups, and the files of the folder. Nothing is left
 * behind however the test ends: a reaper process waits for our end.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { AdminClient, findCluster } from '../../src/main/admin-client.ts';
import { runningGroup } from '../../src/main/demo/processes.ts';
import { endDemo, hostGroups } from './end-demo.ts';
import { freePortBase } from './free-ports.ts';
import { lastWords } from './last-words.ts';
import { HOLDFAST, runHoldfast } from './program.ts';
import type { Account } from './read-mail.ts';
import { waitFor } from './wait.ts';

export const NODES = ['mbx01-node1', 'mbx01-node2'] as const;
export const HUB = 'hub1';
export const STORAGE_GROUP = 'mbx01\\First Storage Group';

const START_TIMEOUT_MS = 120_000;
const MAIL_TIMEOUT_MS = 240_000;
const STOP_TIMEOUT_MS = 30_000;
const HEAL_TIMEOUT_MS = 60_000;
const STATUS_TIMEOUT_MS = 20_000;

export interface DemoStart {
  readonly users?: number;
  readonly mail?: boolean;
  readonly mode?: 'sync' | 'sync-strict' | 'async';
  readonly witness?: 'share' | 'process' | 'disk';
  readonly nodes?: number;
}

export interface DemoPorts {
  readonly smtp: number;
  readonly lmtp: number;
  readonly submission: number;
  readonly imap: number;
  readonly imaps: number;
  readonly api: number;
}

export type Row = Readonly<Record<string, unknown>>;

interface Description {
  readonly ports: DemoPorts;
  readonly address: string;
  readonly users: readonly Account[];
  readonly hosts: readonly { readonly name: string; readonly processGroup: number; readonly data: string }[];
}

export class Demo {
  readonly folder: string;
  readonly basePort: number;
  readonly #process: ChildProcess;
  readonly #reaper: ChildProcess;
  #output = '';

  private constructor(folder: string, basePort: number, start: DemoStart) {
    this.folder = folder;
    this.basePort = basePort;
    const { users = 4, mail = false, mode, witness, nodes } = start;
    const options = ['--data', folder, '--port', `${basePort}`, '--users', `${users}`];
    if (mail) options.push('--mail');
    if (mode !== undefined) options.push('--mode', mode);
    if (witness !== undefined) options.push('--witness', witness);
    if (nodes !== undefined) options.push('--nodes', `${nodes}`);
    this.#process = spawn(HOLDFAST, ['demo', ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString('utf8');
      });
    }
    const reaper = fileURLToPath(new URL('./reaper.ts', import.meta.url));
    this.#reaper = spawn(process.execPath, [reaper, folder, `${this.#process.pid ?? 0}`], {
      detached: true,
      stdio: ['pipe', 'ignore', 'inherit'],
    });
  }

  /** Resolves when it has said that it is ready. `folder` continues an earlier one. */
  static async start(start: DemoStart = {}, folder?: string): Promise<Demo> {
    const home = folder ?? mkdtempSync(join(tmpdir(), 'holdfast-demo-'));
    const demo = new Demo(home, await freePortBase(), start);
    try {
      const withinMs = START_TIMEOUT_MS + (start.mail === true ? MAIL_TIMEOUT_MS : 0);
      await waitFor('the demo is ready', withinMs, () => Promise.resolve(demo.#isReady() ? true : undefined));
      return demo;
    } catch (error) {
      const output = demo.#output;
      await demo.stop();
      throw new Error(`The demo did not start: ${String(error)}\n${output}`, { cause: error });
    }
  }

  #isReady(): boolean {
    if (this.#process.exitCode !== null) throw new Error(`it ended with exit code ${this.#process.exitCode}`);
    return this.#output.includes('Holdfast is ready\n');
  }

  get output(): string {
    return this.#output;
  }

  get description(): Description {
    return JSON.parse(readFileSync(join(this.folder, 'demo.json'), 'utf8')) as Description;
  }

  /** A cmdlet's rows. Problem when it is refused. */
  async cmdlet(command: string, parameters: Record<string, unknown> = {}): Promise<readonly Row[]> {
    const client = new AdminClient(findCluster(this.folder));
    return (await client.run({ command, parameters })).rows;
  }

  /** The node that is named active, when one is. */
  async activeNode(): Promise<string | undefined> {
    const [server] = await this.cmdlet('Get-ClusteredMailboxServerStatus');
    const machines = server?.['OperationalMachines'];
    if (!Array.isArray(machines) || server?.['State'] !== 'Online') return undefined;
    return machines.map((machine) => /^(\S+) <Active/.exec(String(machine))?.[1]).find((name) => name !== undefined);
  }

  /** In vain: the error tells what the hosts did meanwhile. */
  async #waitFor<T>(what: string, withinMs: number, look: () => Promise<T | undefined>): Promise<T> {
    try {
      return await waitFor(what, withinMs, look);
    } catch (error) {
      throw new Error(`${String(error)}\n${lastWords(this.folder)}`, { cause: error });
    }
  }

  async waitForActive(withinMs = HEAL_TIMEOUT_MS): Promise<string> {
    return await this.#waitFor('a node is active', withinMs, () => this.activeNode());
  }

  /** Of the passive copy, the first one where there are several. */
  async copyStatus(): Promise<Row> {
    const [row] = await this.cmdlet('Get-StorageGroupCopyStatus');
    if (row === undefined) throw new Error('Get-StorageGroupCopyStatus shows nothing');
    return row;
  }

  async waitForStatus(status: string, withinMs = STATUS_TIMEOUT_MS): Promise<Row> {
    return await this.#waitFor(`the copy is ${status}`, withinMs, async () => {
      const row = await this.copyStatus();
      if (row['SummaryCopyStatus'] === status) return row;
      throw new Error(`it is ${String(row['SummaryCopyStatus'])} (${String(row['FailedMessage'])})`);
    });
  }

  /** All serve, every passive copy is Healthy and in sync; `copies`: so many are wanted, the active one included. */
  async waitUntilHealthy(withinMs = HEAL_TIMEOUT_MS, copies = 2): Promise<string> {
    return await this.#waitFor('the cluster is Healthy', withinMs, async () => {
      const rows = await this.cmdlet('Get-StorageGroupCopyStatus');
      const active = await this.activeNode();
      const areWell = rows.every((row) => row['SummaryCopyStatus'] === 'Healthy' && row['InSync'] === true);
      if (areWell && rows.length >= copies - 1 && active !== undefined) return active;
      throw new Error(`active: ${String(active)}, copies: ${JSON.stringify(rows)}`);
    });
  }

  /** The copy on `host` holds everything that is acknowledged from now on: a copy that took over begins alone. */
  async waitUntilInSync(host: string, withinMs = HEAL_TIMEOUT_MS): Promise<void> {
    await this.#waitFor(`the copy on ${host} is in sync`, withinMs, async () => {
      const [group] = await this.cmdlet('Get-StorageGroup');
      return (group?.['InSyncCopies'] as unknown[] | undefined)?.includes(host) === true ? true : undefined;
    });
  }

  async copies(): Promise<readonly unknown[]> {
    const [group] = await this.cmdlet('Get-StorageGroup');
    return (group?.['Copies'] as unknown[] | undefined) ?? [];
  }

  /** kill -9 of the hosts' process groups, all in one go. Resolves when none of their processes runs. */
  async kill(...hosts: readonly string[]): Promise<void> {
    for (const host of hosts) {
      const group = runningGroup(this.hostFolder(host));
      if (group !== undefined) process.kill(-group, 'SIGKILL');
    }
    await waitFor(`${hosts.join(', ')} are dead`, STOP_TIMEOUT_MS, () =>
      Promise.resolve(hosts.some((host) => this.isRunning(host)) ? undefined : true),
    );
  }

  isRunning(host: string): boolean {
    return runningGroup(this.hostFolder(host)) !== undefined;
  }

  /** Stops a host in good order, as before its machine is shut down. */
  async stopHost(host: string): Promise<void> {
    const group = runningGroup(this.hostFolder(host));
    if (group !== undefined) process.kill(group, 'SIGTERM');
    await waitFor(`${host} has stopped`, STOP_TIMEOUT_MS, () =>
      Promise.resolve(this.isRunning(host) ? undefined : true),
    );
  }

  async startHost(host: string): Promise<void> {
    const { code, stderr } = await runHoldfast(['demo', 'start-host', host, '--data', this.folder]);
    if (code !== 0) throw new Error(`start-host ${host}: ${stderr}`);
  }

  /** The folder of one more node is made and its service started; nobody knows it yet. Returns what Add-ClusterNode wants to know. */
  async addHost(host: string): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await runHoldfast(['demo', 'add-host', host, '--data', this.folder]);
    if (code !== 0) throw new Error(`add-host ${host}: ${stderr}`);
    await this.startHost(host);
    const [, address, networks = ''] = /-Address (\S+) -NetworkAddresses (\S+)/.exec(stdout.toString('utf8')) ?? [];
    return { Identity: host, Address: address, NetworkAddresses: networks.split(',') };
  }

  /** The share is gone, for every host, until it is put back. */
  takeWitnessAway(): void {
    renameSync(this.#witness, `${this.#witness}.away`);
  }

  putWitnessBack(): void {
    if (existsSync(`${this.#witness}.away`)) renameSync(`${this.#witness}.away`, this.#witness);
  }

  get #witness(): string {
    return join(this.folder, 'witness');
  }

  hostFolder(host: string): string {
    return join(this.folder, host);
  }

  hostLog(host: string): string {
    return readFileSync(join(this.hostFolder(host), 'log', 'host.log'), 'utf8');
  }

  /** Ctrl-C without removing anything; the folder can be started again. */
  async interrupt(): Promise<number | null> {
    if (this.#process.exitCode === null) {
      this.#process.kill('SIGTERM');
      await waitFor('the demo has stopped', STOP_TIMEOUT_MS, () =>
        Promise.resolve(this.#process.exitCode === null && this.#process.signalCode === null ? undefined : true),
      );
    }
    return this.#process.exitCode;
  }

  /** Whatever state it is in: afterwards nothing runs and nothing is left. */
  async stop(): Promise<void> {
    try {
      await this.interrupt();
    } finally {
      endDemo(this.folder, this.#process.pid ?? 0);
      this.#reaper.stdin?.end();
      while (hostGroups(this.folder).length > 0) await pause(20);
    }
  }
}

export function otherNode(node: string): string {
  return node === NODES[0] ? NODES[1] : NODES[0];
}
