/**
 * The maintenance of a running copy: scrub and defragmentation once a day, the mending of what is damaged, and the
 * comparison of the copies while nothing changes. Everything long runs in a thread that lives as long as its job.
 */
import type { CopyComparison, CopyMaintenanceReport } from '../admin/context.ts';
import type { Cancel } from '../base/clock.ts';
import type { Channel } from '../base/network.ts';
import { messageOf } from '../base/problem.ts';
import { DATABASE_NAME } from '../host/seed-files.ts';
import { type CopyDigest, differentFolders } from '../store/maintenance/copy-digest.ts';
import type { OnlineDefragmentation } from '../store/maintenance/defragment-online.ts';
import { describeFinding, type Finding } from '../store/maintenance/finding.ts';
import { NOTE, type ScrubPass } from '../store/maintenance/scrub.ts';
import { RepairClient, serveRepair } from './body-repair.ts';
import { CopyDefragmentation, type InTurn } from './copy-defragmentation.ts';
import { CopyMending, type CopyMendingOptions } from './copy-mending.ts';
import { MaintenanceJobs } from './maintenance-jobs.ts';
import { type MaintenanceLimits, maintenanceLimits } from './maintenance-limits.ts';

export interface CopyMaintenanceOptions extends Omit<CopyMendingOptions, 'onDiskRefuses' | 'retryMs' | 'maxDamages'> {
  /** The last record of the log, and whether this copy is the one that serves. */
  readonly state: () => { readonly endLsn: number; readonly isActive: boolean };
  readonly inTurn: InTurn;
  /** The scrub found the database damaged, or a pack does not take what was to be mended in it. */
  readonly onDatabaseDamaged?: (what: string) => void;
  readonly limits?: Partial<MaintenanceLimits>;
}

export class CopyMaintenance {
  readonly #options: CopyMaintenanceOptions;
  readonly #limits: MaintenanceLimits;
  readonly #client: RepairClient;
  readonly #jobs: MaintenanceJobs;
  readonly #defragmentation: CopyDefragmentation;
  readonly #mending: CopyMending;
  /** What only making the copy anew can mend. */
  #otherDamage: readonly string[] = [];
  #lastScrubMs: number | null = null;
  #comparisons: readonly CopyComparison[] = [];
  #digest: Promise<CopyDigest> | undefined;
  #digestLsn = -1;
  #comparedLsn = -1;
  #seenLsn = -1;
  #isStopped = false;
  readonly #timers = new Map<string, Cancel>();

  constructor(options: CopyMaintenanceOptions) {
    this.#options = options;
    this.#limits = { ...maintenanceLimits, ...options.limits };
    this.#client = new RepairClient(options);
    this.#jobs = new MaintenanceJobs(options.root);
    this.#mending = new CopyMending({
      ...options,
      retryMs: this.#limits.repairRetryMs,
      maxDamages: this.#limits.maxDamages,
      onDiskRefuses: (what) => options.onDatabaseDamaged?.(what),
    });
    this.#defragmentation = new CopyDefragmentation({ ...options, jobs: this.#jobs });
  }

  start(): void {
    this.#plan('scrub', this.#limits.firstScrubMs, () => this.#scrubAndPlan());
    this.#plan('compare', this.#limits.compareIntervalMs, () => this.#compareAndPlan());
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#defragmentation.stop();
    this.#mending.stop();
    for (const cancel of this.#timers.values()) cancel();
    await this.#jobs.stop();
  }

  report(): CopyMaintenanceReport {
    return {
      damage: [...this.#otherDamage, ...this.#mending.damage].slice(0, this.#limits.maxFindings),
      repairedBodies: this.#mending.repairedBodies,
      lastScrubMs: this.#lastScrubMs,
      comparisons: this.#comparisons,
      defragmentation: this.#defragmentation.report(),
    };
  }

  /** Another copy wants a body, a log file or a digest. */
  accept(channel: Channel): void {
    serveRepair(channel, this.#options.clock, this.#options.root, () => this.digest());
  }

  // ── scrub ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** One pass now. Problem('MaintenanceFailed') */
  async scrub(): Promise<ScrubPass> {
    const { clock, logger } = this.#options;
    const pass = await this.#jobs.run({ job: 'scrub', bytesPerSecond: this.#limits.scrubBytesPerSecond });
    this.#lastScrubMs = clock.wallMs();
    // Rows that rotted while nothing changed are found by comparing once more, from the rows.
    this.#digest = undefined;
    this.#comparedLsn = -1;
    for (const finding of pass.findings) logger.error({ ...finding }, 'the scrub found damage');
    this.#otherDamage = pass.findings.filter((finding) => !this.#mend(finding)).map(describeFinding);
    const inDatabase = pass.findings.find(({ file }) => file === DATABASE_NAME);
    if (inDatabase !== undefined) this.#options.onDatabaseDamaged?.(describeFinding(inDatabase));
    logger.info({ ...pass, findings: pass.findings.length }, 'the scrub has passed');
    return pass;
  }

  async #scrubAndPlan(): Promise<void> {
    await this.#quietly('scrub', () => this.scrub());
    await this.#quietly('defragmentation', () => this.defragment(() => undefined));
    this.#plan('scrub', this.#limits.scrubIntervalMs, () => this.#scrubAndPlan());
  }

  /** The database was made anew: what was said of it holds no longer, and a scrub says how it is now. */
  partMended(): void {
    this.#otherDamage = [];
    void this.#quietly('scrub', () => this.scrub());
  }

  /** Now; nothing waits for it. Problem('AlreadyRunning' | 'MaintenanceFailed' | ...) */
  defragment(onProgress: (line: string) => void): Promise<OnlineDefragmentation> {
    return this.#defragmentation.run(onProgress);
  }

  // ── repair ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Found by a read or by the scrub; mended in the background, as soon as another copy can be reached. */
  bodyDamaged(bodyId: number, what = `message body ${bodyId}: a read found it damaged`): void {
    this.#mending.body(bodyId, what);
  }

  /** A reader met it: another copy asks for what is in it, or a backup. */
  logFileDamaged(generation: number, what: string): void {
    this.#mending.logFile(generation, what);
  }

  /** What other parts than the database are mended of; false when nobody can. */
  #mend(finding: Finding): boolean {
    const what = describeFinding(finding);
    if (finding.bodyId !== undefined) this.#mending.body(finding.bodyId, what);
    else if (finding.generation !== undefined) this.#mending.logFile(finding.generation, what);
    else if (NOTE.test(finding.file)) this.#mending.note(finding.file, what);
    else return false;
    return true;
  }

  // ── comparison ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Of the last commit. Made once for an LSN: while nothing changes it costs nothing. */
  async digest(): Promise<CopyDigest> {
    const { endLsn } = this.#options.state();
    if (this.#digest === undefined || this.#digestLsn !== endLsn) {
      this.#digestLsn = endLsn;
      this.#digest = this.#jobs.run({ job: 'digest' });
      this.#digest.catch(() => {
        this.#digest = undefined;
      });
    }
    const digest = await this.#digest;
    // The database commits a moment after the log: what is known about an older commit is not kept.
    if (digest.lsn !== this.#digestLsn) this.#digest = undefined;
    return digest;
  }

  /** With every other copy, now. */
  async compare(): Promise<readonly CopyComparison[]> {
    const { copies, logger } = this.#options;
    const here = await this.digest();
    const comparisons = await Promise.all(copies.others.map((copy) => this.#compareWith(copy, here)));
    for (const each of comparisons) {
      if (each.result === 'Different') logger.error({ ...each }, 'the copies differ');
    }
    this.#comparisons = comparisons;
    return comparisons;
  }

  async #compareWith(host: string, here: CopyDigest): Promise<CopyComparison> {
    const unknown = { host, lsn: here.lsn, otherLsn: 0, result: 'NotComparable', differentFolders: [] } as const;
    try {
      const there = await this.#client.digest(host);
      if (there.lsn !== here.lsn) {
        return { ...unknown, otherLsn: there.lsn, reason: 'the copies do not stand at the same record' };
      }
      const folders = differentFolders(here, there);
      const result = here.whole === there.whole ? 'Equal' : 'Different';
      return { ...unknown, otherLsn: there.lsn, result, differentFolders: folders, reason: null };
    } catch (error) {
      return { ...unknown, reason: messageOf(error) };
    }
  }

  /** Only on the active copy, only when nothing was recorded since the last look, and once for each end of the log. */
  async #compareAndPlan(): Promise<void> {
    const { endLsn, isActive } = this.#options.state();
    const isIdle = endLsn === this.#seenLsn;
    this.#seenLsn = endLsn;
    if (isActive && isIdle && this.#comparedLsn !== endLsn) {
      await this.#quietly('comparison', async () => {
        const comparisons = await this.compare();
        if (comparisons.every(({ result }) => result !== 'NotComparable')) this.#comparedLsn = endLsn;
      });
    }
    this.#plan('compare', this.#limits.compareIntervalMs, () => this.#compareAndPlan());
  }

  // ── jobs ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  #plan(name: string, delayMs: number, step: () => Promise<void>): void {
    if (this.#isStopped) return;
    this.#timers.set(
      name,
      this.#options.clock.after(delayMs, () => void step()),
    );
  }

  /** Maintenance that fails is told and tried again; the copy serves on. */
  async #quietly(name: string, step: () => Promise<unknown>): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (!this.#isStopped) this.#options.logger.warn({ reason: messageOf(error) }, `the ${name} did not end well`);
    }
  }
}
