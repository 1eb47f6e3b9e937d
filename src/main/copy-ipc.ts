/**
 * The port between the cluster service and a copy (cluster/copy-control.ts), spoken between two processes of one host:
 * the service's end looks to it like the copy, the copy's end looks to it like the service. Bodies are JSON: these are
 * a few messages a second, and people read them in traces.
 */

import type { CopyComparison, CopyMaintenanceReport } from '../admin/context.ts';
import type { Clock } from '../base/clock.ts';
import { deferred } from '../base/deferred.ts';
import type { Channel } from '../base/network.ts';
import { Problem } from '../base/problem.ts';
import { Rpc, type RpcHandler } from '../base/rpc.ts';
import type { ActivationGrant, CopyControl, CopyRequests, CopyView, RequestAnswer } from '../cluster/copy-control.ts';
import type { LogPosition } from '../cluster/register-document.ts';
import type { HostConfig } from '../host/config.ts';
import type { BackupType } from '../replication/backup-manifest.ts';
import type { BackupTaken } from '../replication/backup-note.ts';
import type { SeedOrder } from '../replication/copy-seeding.ts';
import type { CopyUpkeep, UpkeepFacts } from '../replication/copy-upkeep.ts';
import type { LogFileNeed } from '../replication/explain-truncation.ts';
import type { LogMarks } from '../replication/log-marks.ts';
import type { Quarantine, QuarantinedChange } from '../replication/quarantine.ts';
import type { OnlineDefragmentation } from '../store/maintenance/defragment-online.ts';
import { openBackupFolder } from './backup-folder.ts';

/** Fencing and suspending end within a few disk syncs; replaying the rest of a log may take long. */
const SHORT_STEP_MS = 10_000;
const LONG_STEP_MS = 10 * 60_000;
const REQUEST_MS = 10_000;
const SEED_MS = 24 * 60 * 60_000;
const BACKUP_MS = 24 * 60 * 60_000;
const DEFRAGMENT_MS = 24 * 60 * 60_000;
/** The copy tells how it stands this often, and at once when something happened. */
const VIEW_INTERVAL_MS = 100;

const STOPPED: CopyView = {
  state: 'stopped',
  epochSeen: 0,
  endLsn: 0,
  durableLsn: 0,
  generation: 0,
  copyQueueLength: 0,
  replayQueueLength: 0,
  failedMessage: null,
  seeding: false,
  resynchronizing: false,
  initializing: false,
  mayTakeOver: false,
};

/** The part of the configuration by which the other hosts are found. */
export type KnownHosts = Pick<HostConfig, 'hosts' | 'networks'>;

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value ?? null));
}

function parsed<T>(body: Buffer): T {
  return JSON.parse(body.toString('utf8')) as T;
}

/** A copy as the cluster service sees it, with what administrators ask of it. */
export interface ControlledCopy extends CopyControl {
  setSuspended(comment: string | null): Promise<void>;
  setCircularLogging(circularLogging: boolean): void;
  seed(order: SeedOrder, onProgress: (line: string) => void): Promise<void>;
  logMarks(): LogMarks | null;
  logFileNeeds(): readonly LogFileNeed[];
  readonly quarantine: Pick<Quarantine, 'changes' | 'order'>;
  readonly upkeep: Pick<CopyUpkeep, 'facts' | 'backUp' | 'noteBackup' | 'rebuildContentIndex'>;
}

export interface BackupSummary {
  readonly id: string;
  readonly host: string;
  readonly takenMs: number;
  readonly startLsn: number;
  readonly endLsn: number;
  readonly files: number;
  readonly sizeBytes: number;
}

/** The part of a copy's maintenance that administrators ask. */
export interface ControlledMaintenance {
  report(): CopyMaintenanceReport;
  compare(): Promise<readonly CopyComparison[]>;
  defragment(onProgress: (line: string) => void): Promise<OnlineDefragmentation>;
}

/** What a copy tells of itself. */
interface CopyNews {
  readonly view: CopyView;
  readonly logs: LogMarks | null;
  readonly maintenance: CopyMaintenanceReport | null;
  readonly upkeep: UpkeepFacts | null;
}

const NO_NEWS: CopyNews = { view: STOPPED, logs: null, maintenance: null, upkeep: null };

/** The service's end. The process at the other end is ours and of our version: its messages are taken as they are. */
export class RemoteCopy implements Omit<ControlledCopy, 'logFileNeeds' | 'upkeep' | 'quarantine'> {
  readonly #rpc: Rpc;
  #news: CopyNews = { ...NO_NEWS, view: { ...STOPPED, state: 'starting', initializing: true } };
  #onSeedProgress: ((line: string) => void) | undefined;
  #onBackupProgress: ((line: string) => void) | undefined;
  #onDefragmentProgress: ((line: string) => void) | undefined;

  constructor(options: { channel: Channel; clock: Clock; storageGroup: string; requests: CopyRequests }) {
    const { requests, storageGroup } = options;
    const answer =
      (handle: (args: never) => Promise<RequestAnswer>): RpcHandler =>
      async (body) =>
        json(await handle(parsed(body)));
    this.#rpc = new Rpc(options.channel, {
      clock: options.clock,
      handlers: {
        shrink: answer((args: { epoch: number; inSync: string[] }) =>
          requests.requestShrink(storageGroup, args.epoch, args.inSync),
        ),
        grow: answer((args: { epoch: number; joiner: string }) =>
          requests.requestGrow(storageGroup, args.epoch, args.joiner),
        ),
        hint: answer((args: { epoch: number; hint: LogPosition }) =>
          requests.publishHint(storageGroup, args.epoch, args.hint),
        ),
        'give-up': answer((args: { epoch: number; reason: string }) =>
          requests.giveUpLease(storageGroup, args.epoch, args.reason),
        ),
      },
      notices: {
        view: (body) => {
          this.#news = parsed<CopyNews>(body);
        },
        'seed-progress': (body) => this.#onSeedProgress?.(body.toString('utf8')),
        'backup-progress': (body) => this.#onBackupProgress?.(body.toString('utf8')),
        'defragment-progress': (body) => this.#onDefragmentProgress?.(body.toString('utf8')),
      },
      onClose: () => {
        this.#news = NO_NEWS;
      },
    });
  }

  view(): CopyView {
    return this.#news.view;
  }

  async fence(epoch: number): Promise<boolean> {
    return this.#ask('fence', { epoch }, SHORT_STEP_MS);
  }

  async unfence(epoch: number): Promise<void> {
    await this.#ask('unfence', { epoch }, SHORT_STEP_MS);
  }

  async activate(grant: ActivationGrant): Promise<void> {
    await this.#ask('activate', grant, LONG_STEP_MS);
  }

  leaseHeldUntil(untilMs: number, epoch: number, wallOffsetMs: number): void {
    this.#rpc.notify('lease', json({ untilMs, epoch, wallOffsetMs }));
  }

  inSyncChanged(epoch: number, inSync: readonly string[]): void {
    this.#rpc.notify('in-sync', json({ epoch, inSync }));
  }

  copiesChanged(copies: readonly string[]): void {
    this.#rpc.notify('copies', json({ copies }));
  }

  async stepDown(epoch: number, reason: string): Promise<void> {
    await this.#ask('step-down', { epoch, reason }, SHORT_STEP_MS);
  }

  drain(target: string, timeoutMs: number): Promise<boolean> {
    return this.#ask('drain', { target, timeoutMs }, timeoutMs + SHORT_STEP_MS);
  }

  resume(epoch: number): void {
    this.#rpc.notify('resume', json({ epoch }));
  }

  async setSuspended(comment: string | null): Promise<void> {
    await this.#ask('suspend', { comment }, SHORT_STEP_MS);
  }

  setCircularLogging(circularLogging: boolean): void {
    this.#rpc.notify('circular-logging', json({ circularLogging }));
  }

  hostsChanged(latest: KnownHosts): void {
    this.#rpc.notify('hosts', json(latest));
  }

  networkLost(peer: string, network: string): void {
    this.#rpc.notify('network-lost', json({ peer, network }));
  }

  networkBack(peer: string, network: string): void {
    this.#rpc.notify('network-back', json({ peer, network }));
  }

  logMarks(): LogMarks | null {
    return this.#news.logs;
  }

  maintenance(): CopyMaintenanceReport | null {
    return this.#news.maintenance;
  }

  logFiles(): Promise<readonly LogFileNeed[]> {
    return this.#ask('log-files', {}, SHORT_STEP_MS);
  }

  /** Reads every tail in quarantine. */
  quarantinedChanges(): Promise<readonly QuarantinedChange[]> {
    return this.#ask('quarantined-changes', {}, LONG_STEP_MS);
  }

  /** Resolves with the number of tails whose mail is brought back from now on. */
  returnQuarantined(): Promise<number> {
    return this.#ask('return-quarantined', {}, SHORT_STEP_MS);
  }

  compare(): Promise<readonly CopyComparison[]> {
    return this.#ask('compare', {}, LONG_STEP_MS);
  }

  async seed(order: SeedOrder, onProgress: (line: string) => void): Promise<void> {
    this.#onSeedProgress = onProgress;
    await this.#ask('seed', order, SEED_MS);
  }

  upkeep(): UpkeepFacts | null {
    return this.#news.upkeep;
  }

  /** `path`: absolute, on this host. */
  async backUp(path: string, type: BackupType, onProgress: (line: string) => void): Promise<BackupSummary> {
    this.#onBackupProgress = onProgress;
    return await this.#ask('back-up', { path, type }, BACKUP_MS);
  }

  async defragment(onProgress: (line: string) => void): Promise<OnlineDefragmentation> {
    this.#onDefragmentProgress = onProgress;
    return await this.#ask('defragment', {}, DEFRAGMENT_MS);
  }

  async noteBackup(taken: BackupTaken): Promise<void> {
    await this.#ask('note-backup', taken, SHORT_STEP_MS);
  }

  async rebuildContentIndex(): Promise<void> {
    await this.#ask('rebuild-content-index', {}, SHORT_STEP_MS);
  }

  async #ask<T>(method: string, args: unknown, timeoutMs: number): Promise<T> {
    return parsed<T>(await this.#rpc.ask(method, json(args), timeoutMs));
  }
}

type Step<A> = (copy: ControlledCopy, args: A) => Promise<unknown>;

/** The copy's end: carries out what the service asks, and carries the copy's requests to it. */
export class ServiceLink implements CopyRequests {
  readonly #rpc: Rpc;
  readonly #clock: Clock;
  #copy: ControlledCopy | undefined;
  readonly #opened = deferred<ControlledCopy>();
  #maintenance: ControlledMaintenance | undefined;
  #lastView = '';
  /** As last told; a copy that is still opening is told when it is open. */
  #copies: readonly string[] | undefined;

  constructor(options: {
    channel: Channel;
    clock: Clock;
    onClose: (reason: string) => void;
    onInternalError: (method: string, error: unknown) => void;
    onHostsChanged: (latest: KnownHosts) => void;
    onNetworkLost: (peer: string, network: string) => void;
    onNetworkBack: (peer: string, network: string) => void;
  }) {
    this.#clock = options.clock;
    this.#rpc = new Rpc(options.channel, {
      clock: options.clock,
      onClose: options.onClose,
      onInternalError: options.onInternalError,
      handlers: this.#handlers(),
      notices: {
        lease: (body) => {
          const args = parsed<{ untilMs: number; epoch: number; wallOffsetMs: number }>(body);
          this.#copy?.leaseHeldUntil(args.untilMs, args.epoch, args.wallOffsetMs);
        },
        'in-sync': (body) => {
          const args = parsed<{ epoch: number; inSync: string[] }>(body);
          this.#copy?.inSyncChanged(args.epoch, args.inSync);
        },
        copies: (body) => {
          this.#copies = parsed<{ copies: string[] }>(body).copies;
          this.#copy?.copiesChanged(this.#copies);
        },
        hosts: (body) => options.onHostsChanged(parsed<KnownHosts>(body)),
        'network-lost': (body) => {
          const { peer, network } = parsed<{ peer: string; network: string }>(body);
          options.onNetworkLost(peer, network);
        },
        'network-back': (body) => {
          const { peer, network } = parsed<{ peer: string; network: string }>(body);
          options.onNetworkBack(peer, network);
        },
        resume: (body) => this.#copy?.resume(parsed<{ epoch: number }>(body).epoch),
        'circular-logging': (body) =>
          this.#copy?.setCircularLogging(parsed<{ circularLogging: boolean }>(body).circularLogging),
      },
    });
  }

  #handlers(): Record<string, RpcHandler> {
    const carryOutOn = async <A>(copy: ControlledCopy, carryOut: Step<A>, body: Buffer): Promise<Buffer> => {
      const result = await carryOut(copy, parsed<A>(body));
      this.sendView();
      return json(result);
    };
    /** What a copy that is still opening need not do: it has promised nothing, serves nobody and follows nobody. */
    const idle =
      <A>(carryOut: Step<A>): RpcHandler =>
      async (body) =>
        this.#copy === undefined ? json(false) : carryOutOn(this.#copy, carryOut, body);
    /** An order that must not be lost on a copy that is still opening: it says so, and whoever gave it tries again. */
    const step =
      <A>(carryOut: Step<A>): RpcHandler =>
      async (body) => {
        if (this.#copy === undefined)
          throw new Problem(
            'CopyStarting',
            'Cannot do that to this copy: it is still being opened. Try again in a moment.',
            { temporary: true },
          );
        return carryOutOn(this.#copy, carryOut, body);
      };
    return {
      fence: idle((copy, args: { epoch: number }) => copy.fence(args.epoch)),
      unfence: idle((copy, args: { epoch: number }) => copy.unfence(args.epoch)),
      activate: step((copy, args: ActivationGrant) => copy.activate(args)),
      'step-down': idle((copy, args: { epoch: number; reason: string }) => copy.stepDown(args.epoch, args.reason)),
      drain: idle((copy, args: { target: string; timeoutMs: number }) => copy.drain(args.target, args.timeoutMs)),
      seed: step((copy, order: SeedOrder) =>
        copy.seed(order, (line) => this.#rpc.notify('seed-progress', Buffer.from(line))),
      ),
      'log-files': step(async (copy) => copy.logFileNeeds()),
      'quarantined-changes': step((copy) => copy.quarantine.changes()),
      'return-quarantined': step((copy) => copy.quarantine.order()),
      compare: step(async () => (await this.#maintenance?.compare()) ?? []),
      suspend: async (body) =>
        carryOutOn(
          await this.#opened.promise,
          (copy, args: { comment: string | null }) => copy.setSuspended(args.comment),
          body,
        ),
      'back-up': step((copy, args: { path: string; type: BackupType }) => this.#backUp(copy, args.path, args.type)),
      defragment: step(async () => this.#defragment()),
      'note-backup': step((copy, taken: BackupTaken) => copy.upkeep.noteBackup(taken)),
      'rebuild-content-index': step(async (copy) => copy.upkeep.rebuildContentIndex()),
    };
  }

  async #backUp(copy: ControlledCopy, path: string, type: BackupType): Promise<BackupSummary> {
    const place = openBackupFolder(path, this.#clock);
    const manifest = await copy.upkeep.backUp(place, type, (line) =>
      this.#rpc.notify('backup-progress', Buffer.from(line)),
    );
    const { id, host, takenMs, startLsn, endLsn, files } = manifest;
    const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
    return { id, host, takenMs, startLsn, endLsn, files: files.length, sizeBytes };
  }

  async #defragment(): Promise<OnlineDefragmentation | undefined> {
    return await this.#maintenance?.defragment((line) => this.#rpc.notify('defragment-progress', Buffer.from(line)));
  }

  /** From now on `copy` is asked, and its view is told. */
  connect(copy: ControlledCopy, maintenance: ControlledMaintenance): void {
    this.#copy = copy;
    this.#maintenance = maintenance;
    this.#opened.resolve(copy);
    if (this.#copies !== undefined) copy.copiesChanged(this.#copies);
    this.#tellLater();
  }

  #tellLater(): void {
    this.sendView();
    this.#clock.after(VIEW_INTERVAL_MS, () => {
      if (!this.#rpc.isClosed) this.#tellLater();
    });
  }

  sendView(): void {
    const news: CopyNews = {
      view: this.#copy?.view() ?? STOPPED,
      logs: this.#copy?.logMarks() ?? null,
      maintenance: this.#maintenance?.report() ?? null,
      upkeep: this.#copy?.upkeep.facts() ?? null,
    };
    const text = JSON.stringify(news);
    if (text === this.#lastView) return;
    this.#lastView = text;
    this.#rpc.notify('view', Buffer.from(text));
  }

  requestShrink(_storageGroup: string, epoch: number, inSync: readonly string[]): Promise<RequestAnswer> {
    return this.#ask('shrink', { epoch, inSync });
  }

  requestGrow(_storageGroup: string, epoch: number, joiner: string): Promise<RequestAnswer> {
    return this.#ask('grow', { epoch, joiner });
  }

  publishHint(_storageGroup: string, epoch: number, hint: LogPosition): Promise<RequestAnswer> {
    return this.#ask('hint', { epoch, hint });
  }

  giveUpLease(_storageGroup: string, epoch: number, reason: string): Promise<RequestAnswer> {
    return this.#ask('give-up', { epoch, reason });
  }

  async #ask(method: string, args: unknown): Promise<RequestAnswer> {
    return parsed<RequestAnswer>(await this.#rpc.ask(method, json(args), REQUEST_MS));
  }
}
