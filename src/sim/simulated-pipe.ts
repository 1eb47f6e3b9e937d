/**
 * The pipe between a host's cluster service and a copy's process: calls arrive in order, a moment later, and what the
 * service knows of the copy is as old as the last report. When one side is gone the other's calls fail.
 */
import { Problem } from '../base/problem.ts';
import type { ActivationGrant, CopyControl, CopyRequests, CopyView, RequestAnswer } from '../cluster/copy-control.ts';
import type { LogPosition } from '../cluster/register-document.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { SimulatedTime } from './simulated-time.ts';

const DELAY_US = 300;

export interface PipeOptions {
  readonly time: SimulatedTime;
  readonly service: SimulatedProcess;
  readonly copy: SimulatedProcess;
}

/** Calls from one process into another, and the answers back. */
class Calls {
  readonly #time: SimulatedTime;
  readonly #caller: SimulatedProcess;
  readonly #callee: SimulatedProcess;
  #lastMs = 0;

  constructor(time: SimulatedTime, caller: SimulatedProcess, callee: SimulatedProcess) {
    this.#time = time;
    this.#caller = caller;
    this.#callee = callee;
  }

  call<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const gone = (): void =>
        this.#caller.run(() =>
          reject(new Problem('ChannelClosed', 'Cannot ask: the other process is gone', { temporary: true })),
        );
      if (!this.#callee.isAlive) return void this.#time.after(0, gone);
      const ended = this.#callee.onDeath(() => void this.#time.after(0, gone));
      this.notify(() => {
        work()
          .finally(ended)
          .then(
            (value) => this.#back(() => resolve(value)),
            (error: unknown) => this.#back(() => reject(error instanceof Error ? error : new Error(String(error)))),
          );
      });
    });
  }

  notify(work: () => void): void {
    const atMs = Math.max(this.#lastMs, this.#time.nowMs + DELAY_US / 1_000);
    this.#lastMs = atMs + 0.001;
    this.#time.after(atMs - this.#time.nowMs, () => this.#callee.run(work));
  }

  #back(work: () => void): void {
    this.#time.after(DELAY_US / 1_000, () => this.#caller.run(work));
  }
}

/** The copy as the service sees it. */
export class PipedCopy implements CopyControl {
  readonly #calls: Calls;
  readonly #copy: CopyControl;
  #view: CopyView;
  /** The newest view that was sent, and how many were. */
  #sentText = '';
  #sent = 0;

  /** `viewIntervalMs`: between two looks whether there is something new to report. */
  constructor(options: PipeOptions & { readonly control: CopyControl; readonly viewIntervalMs: number }) {
    const { time, service, copy, control } = options;
    this.#calls = new Calls(time, service, copy);
    this.#copy = control;
    this.#view = control.view();
    const report = (): void => {
      time.after(options.viewIntervalMs, () => copy.run(report));
      const view = control.view();
      if (!this.#isNews(view)) return;
      const number = this.#sent;
      time.after(DELAY_US / 1_000, () => {
        if (copy.isAlive && number === this.#sent) this.#view = view;
      });
    };
    report();
  }

  /** Only what has changed is sent, and nothing older arrives behind something newer. */
  #isNews(view: CopyView): boolean {
    const text = JSON.stringify(view);
    if (text === this.#sentText) return false;
    this.#sentText = text;
    this.#sent += 1;
    return true;
  }

  view(): CopyView {
    return this.#view;
  }

  fence(epoch: number): Promise<boolean> {
    return this.#step(() => this.#copy.fence(epoch));
  }

  unfence(epoch: number): Promise<void> {
    return this.#step(() => this.#copy.unfence(epoch));
  }

  activate(grant: ActivationGrant): Promise<void> {
    return this.#step(() => this.#copy.activate(grant));
  }

  leaseHeldUntil(untilMs: number, epoch: number, wallOffsetMs: number): void {
    this.#calls.notify(() => this.#copy.leaseHeldUntil(untilMs, epoch, wallOffsetMs));
  }

  inSyncChanged(epoch: number, inSync: readonly string[]): void {
    this.#calls.notify(() => this.#copy.inSyncChanged(epoch, inSync));
  }

  copiesChanged(copies: readonly string[]): void {
    this.#calls.notify(() => this.#copy.copiesChanged(copies));
  }

  stepDown(epoch: number, reason: string): Promise<void> {
    return this.#step(() => this.#copy.stepDown(epoch, reason));
  }

  drain(target: string, timeoutMs: number): Promise<boolean> {
    return this.#step(() => this.#copy.drain(target, timeoutMs));
  }

  resume(epoch: number): void {
    this.#calls.notify(() => this.#copy.resume(epoch));
  }

  /** Every answer brings the newest report with it. */
  #step<T>(work: () => Promise<T>): Promise<T> {
    return this.#calls.call(async () => {
      const result = await work();
      this.#view = this.#copy.view();
      this.#isNews(this.#view);
      return result;
    });
  }
}

/** The service as the copy sees it. */
export class PipedRequests implements CopyRequests {
  readonly #calls: Calls;
  readonly #service: CopyRequests;

  constructor(options: PipeOptions & { readonly requests: CopyRequests }) {
    this.#calls = new Calls(options.time, options.copy, options.service);
    this.#service = options.requests;
  }

  requestShrink(storageGroup: string, epoch: number, inSync: readonly string[]): Promise<RequestAnswer> {
    return this.#calls.call(() => this.#service.requestShrink(storageGroup, epoch, inSync));
  }

  requestGrow(storageGroup: string, epoch: number, joiner: string): Promise<RequestAnswer> {
    return this.#calls.call(() => this.#service.requestGrow(storageGroup, epoch, joiner));
  }

  publishHint(storageGroup: string, epoch: number, hint: LogPosition): Promise<RequestAnswer> {
    return this.#calls.call(() => this.#service.publishHint(storageGroup, epoch, hint));
  }

  giveUpLease(storageGroup: string, epoch: number, reason: string): Promise<RequestAnswer> {
    return this.#calls.call(() => this.#service.giveUpLease(storageGroup, epoch, reason));
  }
}
