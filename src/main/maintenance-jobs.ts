/** Long work of a copy's maintenance, each job in a thread of its own that ends with it. */
import { Worker } from 'node:worker_threads';
import { messageOf, Problem } from '../base/problem.ts';
import type { JobResults, MaintenanceJob, MaintenanceOrder } from './maintenance-thread.ts';

export class MaintenanceJobs {
  readonly #root: string;
  readonly #workers = new Set<Worker>();

  /** `root`: the copy's folder. */
  constructor(root: string) {
    this.#root = root;
  }

  /** What it sees is the last commit. Problem('MaintenanceFailed') */
  run<J extends MaintenanceJob>(order: J): Promise<JobResults[J['job']]> {
    const workerData: MaintenanceOrder = { root: this.#root, order };
    const worker = new Worker(new URL('./maintenance-thread.ts', import.meta.url), { workerData });
    this.#workers.add(worker);
    return new Promise((resolve, reject) => {
      const fail = (reason: string): void =>
        reject(new Problem('MaintenanceFailed', `Cannot finish the ${order.job}: ${reason}`));
      worker.once('message', (result: JobResults[J['job']]) => resolve(result));
      worker.once('error', (error) => fail(messageOf(error)));
      worker.once('exit', (code) => {
        this.#workers.delete(worker);
        fail(`its thread has ended (${code})`);
      });
    });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.terminate()));
  }
}
