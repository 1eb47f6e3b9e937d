/** The demo's hosts from their start to their stop: also those that start-host, another process, has started meanwhile. */
import { constants } from 'node:os';
import { sleep } from '../../base/clock.ts';
import { Problem } from '../../base/problem.ts';
import { machineClock } from '../../host/machine.ts';
import { clusterFiles, hostFiles } from '../cluster-files.ts';
import { readMarker } from '../cluster-marker.ts';
import { readProcessGroup } from './demo-file.ts';
import { demoLimits } from './limits.ts';
import { lastWords, runningGroup, signalHost, spawnHost } from './processes.ts';
import { dataOption } from './summary.ts';

export interface RunningHost {
  readonly name: string;
  readonly processGroup: number;
  readonly data: string;
}

export class DemoHosts {
  readonly #folder: string;
  readonly #startNames: readonly string[];
  /** Hosts that were seen running, with the group that was seen. */
  readonly #seen = new Map<string, number>();
  /** How children of ours ended, by process group. */
  readonly #ends = new Map<number, string>();
  #stopRequests = 0;

  constructor(folder: string, names: readonly string[]) {
    this.#folder = folder;
    this.#startNames = names;
  }

  /** Also those that add-host has made meanwhile. */
  get #names(): readonly string[] {
    return [...new Set([...this.#startNames, ...(readMarker(this.#folder)?.hosts ?? [])])];
  }

  /** True from the first Ctrl-C on. */
  get isStopping(): boolean {
    return this.#stopRequests > 0;
  }

  /** The first signal stops the hosts in good order, the second one kills them. */
  listenToSignals(): void {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        this.#stopRequests += 1;
        if (this.#stopRequests === 2) this.#signalAll('SIGKILL');
      });
    }
  }

  startAll(): void {
    for (const name of this.#startNames) {
      if (this.isStopping) return;
      const child = spawnHost(name, this.#dataFolder(name));
      const group = child.pid ?? 0;
      this.#seen.set(name, group);
      child.once('exit', (code, signal) => {
        this.#ends.set(group, signal === null ? `exit code ${code}` : `signal ${constants.signals[signal]}`);
      });
    }
  }

  /** While the cluster starts, a host that ends makes waiting vain. Problem('HostStopped' | 'Interrupted') */
  checkStart(): void {
    if (this.isStopping) throw new Problem('Interrupted', 'Cannot start the demo: it was interrupted.');
    for (const [name, group] of this.#seen) {
      const end = this.#ends.get(group);
      if (end === undefined) continue;
      const dataFolder = this.#dataFolder(name);
      throw new Problem(
        'HostStopped',
        `Cannot start ${name}: it stopped (${end}): ${lastWords(dataFolder)}. Its log is ${hostFiles.log(dataFolder)}.`,
      );
    }
  }

  running(): readonly RunningHost[] {
    return this.#startNames.map((name) => {
      const data = this.#dataFolder(name);
      return { name, data, processGroup: readProcessGroup(data) ?? 0 };
    });
  }

  /** Tells of hosts that stop, until Ctrl-C. */
  async watchUntilStopped(): Promise<void> {
    while (!this.isStopping) {
      for (const name of this.#names) this.#look(name);
      await this.#pause();
    }
  }

  #look(name: string): void {
    const group = readProcessGroup(this.#dataFolder(name));
    const seen = this.#seen.get(name);
    if (group === undefined) return;
    if (this.#hasEnded(name, group)) {
      if (seen !== undefined) this.#tellEnd(name, group);
      this.#seen.delete(name);
    } else {
      this.#seen.set(name, group);
    }
  }

  /** A child of ours has ended when the system says so, others when their group is empty. */
  #hasEnded(name: string, group: number): boolean {
    return this.#ends.has(group) || runningGroup(this.#dataFolder(name)) === undefined;
  }

  #tellEnd(name: string, group: number): void {
    const end = this.#ends.get(group);
    const how = end === undefined ? '' : ` (${end})`;
    process.stdout.write(
      `${name} stopped${how}. Start it again with: bin/holdfast demo start-host ${name}${dataOption(this.#folder)}\n`,
    );
  }

  /** Short steps, so that Ctrl-C is answered at once. */
  async #pause(): Promise<void> {
    const endMs = machineClock.monotonicMs() + demoLimits.watchPollMs;
    while (!this.isStopping && machineClock.monotonicMs() < endMs) await sleep(machineClock, demoLimits.stopPollMs);
  }

  /** SIGTERM to each service, which stops its own processes; what does not stop in time is killed. */
  async stopAll(): Promise<void> {
    this.#signalAll('SIGTERM');
    const deadlineMs = machineClock.monotonicMs() + demoLimits.stopTimeoutMs;
    while (this.#groups().length > 0 && machineClock.monotonicMs() < deadlineMs)
      await sleep(machineClock, demoLimits.stopPollMs);
    this.#signalAll('SIGKILL');
  }

  #groups(): readonly number[] {
    return this.#names.flatMap((name) => runningGroup(this.#dataFolder(name)) ?? []);
  }

  #signalAll(signal: 'SIGTERM' | 'SIGKILL'): void {
    for (const group of this.#groups()) signalHost(group, signal);
  }

  #dataFolder(name: string): string {
    return clusterFiles.host(this.#folder, name);
  }
}
