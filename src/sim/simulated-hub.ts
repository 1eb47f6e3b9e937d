/**
 * The machine with the role hub: the production code behind its SMTP sockets (directory, acceptance, routes, queue,
 * dumpster, redelivery) over a simulated disk, network and clock. In place of SMTP there is one question for a whole
 * transaction, answered by the reply codes, or by a connection that ends without a word.
 */
import { messageOf, Problem } from '../base/problem.ts';
import type { Random } from '../base/random.ts';
import { SeededRandom } from '../base/random.ts';
import { Rpc } from '../base/rpc.ts';
import { RestartPause } from '../cluster/restart-pause.ts';
import { CopyFinder } from '../directory/copy-finder.ts';
import type { ChannelPace } from '../directory/limits.ts';
import type { DirectoryCache } from '../directory/recipients.ts';
import { TransactionLog } from '../log/transaction-log.ts';
import { HubCore } from '../transport/hub-core.ts';
import type { QueueLimits } from '../transport/limits.ts';
import { type ModeFile, ModeMemory } from '../transport/mode-memory.ts';
import type { QueueStatus } from '../transport/queue.ts';
import { type Reply, replies } from '../transport/replies.ts';
import { PortDisk, PortLogDevice } from './disk-ports.ts';
import { MachineClock } from './simulated-clock.ts';
import { type DiskTraits, SimulatedDisk } from './simulated-disk.ts';
import type { SimulatedNetwork } from './simulated-network.ts';
import { SimulatedProcess } from './simulated-process.ts';
import type { SimulatedTime } from './simulated-time.ts';
import type { Story } from './story.ts';

export const HUB = 'hub';
export const RECEPTION_ENDPOINT = `${HUB}/reception`;
export const RECEPTION_METHOD = 'transaction';

const QUEUE_FOLDER = 'queue';
const MODES_FILE = 'modes.json';
const RECIPIENTS_FILE = 'recipients';

/** One transaction, as a client hands it in. */
export interface Transaction {
  readonly sender: string;
  readonly recipient: string;
  readonly text: string;
}

export interface HubOptions {
  readonly time: SimulatedTime;
  readonly random: Random;
  readonly network: SimulatedNetwork;
  readonly story: Story;
  readonly storageGroup: string;
  /** Hosts with a copy. */
  readonly copies: readonly string[];
  readonly fileSizeBytes: number;
  readonly acceptedDomain: string;
  readonly pace: ChannelPace;
  /** Where a planted bug stands. */
  readonly disk?: Partial<DiskTraits> | undefined;
  readonly limits?: Partial<QueueLimits> | undefined;
  readonly onInternalError: (error: unknown) => void;
}

export class SimulatedHub {
  readonly name = HUB;
  readonly clock: MachineClock;
  readonly disk: SimulatedDisk;
  readonly #options: HubOptions;
  #process: SimulatedProcess | undefined;
  #core: HubCore | undefined;
  #finder: CopyFinder | undefined;
  #isDark = false;
  /** Somebody ended it: its supervisor does not start it again. */
  #isKept = false;
  readonly #restartPause = new RestartPause();
  #startedMs = 0;

  constructor(options: HubOptions) {
    this.#options = options;
    this.clock = new MachineClock(options.time, { drift: 0, startMs: 1_000 + options.random.below(1_000_000) });
    this.disk = new SimulatedDisk(options.time, this.#derivedRandom(), { syncMs: 2, ...options.disk });
  }

  get isUp(): boolean {
    return this.#process !== undefined;
  }

  /** Of its one queue; undefined while it is down or begins. */
  get queue(): QueueStatus | undefined {
    return this.#core?.status().queues[0];
  }

  /** Of the copy that it takes for the active one, if it knows of one. */
  get activeEpoch(): number | undefined {
    return this.#core === undefined ? undefined : this.#finder?.active()?.epoch;
  }

  start(): void {
    this.#isKept = false;
    if (this.#process !== undefined) return;
    const { network, story, time } = this.#options;
    if (this.#isDark) network.lighten(this.name);
    this.#isDark = false;
    story.tell(this.name, 'starts');
    const process = new SimulatedProcess(this.name);
    this.#process = process;
    this.#startedMs = time.nowMs;
    this.#open(process).catch((error: unknown) => time.after(0, () => this.#failed(process, error)));
  }

  async #open(process: SimulatedProcess): Promise<void> {
    const { network, story, storageGroup, copies, acceptedDomain, pace } = this.#options;
    const clock = this.clock.of(process);
    const port = network.of(this.name, process);
    const logger = story.logger(this.name);
    const log = await this.#openLog(process);
    const finder = new CopyFinder({ network: port, clock, logger, storageGroup, hosts: copies, pace });
    this.#finder = finder;
    const modes = new ModeMemory({ file: this.#modeFile(), logger });
    const core = await HubCore.open({
      storageGroups: [{ finder, log, mode: modes.modeOf(finder) }],
      acceptedDomains: [acceptedDomain],
      directoryCache: this.#directoryCache(process),
      ...(this.#options.limits && { limits: this.#options.limits }),
      clock,
      logger,
      onFatal: (error) => this.#options.time.after(0, () => this.#failed(process, error)),
    });
    this.#core = core;
    const { onInternalError } = this.#options;
    const answer = async (body: Buffer): Promise<Buffer> => {
      const reply = await receive(core, JSON.parse(body.toString('utf8')) as Transaction);
      return Buffer.from(JSON.stringify(reply));
    };
    port.listen(RECEPTION_ENDPOINT, (channel) => {
      new Rpc(channel, {
        clock,
        handlers: { [RECEPTION_METHOD]: answer },
        // An error of the log ends a connection; everything else is ours.
        onInternalError: (_method, error) => log.failure === undefined && onInternalError(error),
      });
    });
  }

  async #openLog(process: SimulatedProcess): Promise<TransactionLog> {
    const { story, fileSizeBytes } = this.#options;
    const place = { disk: this.disk, process, root: QUEUE_FOLDER };
    const { log } = await TransactionLog.open({
      disk: new PortDisk(place),
      device: new PortLogDevice(place),
      folder: '',
      clock: this.clock.of(process),
      random: this.#derivedRandom(),
      logger: story.logger(this.name),
      fileSizeBytes,
      ifMissing: 'empty',
    });
    return log;
  }

  /** As replaceFile leaves it: written, synced and renamed before anything else happens in the process. */
  #modeFile(): ModeFile {
    const { disk } = this;
    return {
      load: () => (disk.has(MODES_FILE) ? disk.read(MODES_FILE, 0, disk.size(MODES_FILE) ?? 0).toString() : undefined),
      save: (text) => {
        disk.checkHealth('write');
        disk.create(`${MODES_FILE}.new`, Buffer.from(text));
        disk.sync(`${MODES_FILE}.new`);
        disk.rename(`${MODES_FILE}.new`, MODES_FILE);
        disk.syncFolder('');
      },
    };
  }

  #directoryCache(process: SimulatedProcess): DirectoryCache {
    const port = new PortDisk({ disk: this.disk, process, root: 'directory' });
    return {
      load: async () => {
        const size = await port.size(RECIPIENTS_FILE);
        return size === undefined ? undefined : port.read(RECIPIENTS_FILE, 0, size);
      },
      save: (bytes) => port.writeAtomically(RECIPIENTS_FILE, bytes),
    };
  }

  /** The process ends by itself; its supervisor starts it again. */
  #failed(process: SimulatedProcess, error: unknown): void {
    if (!process.isAlive || process !== this.#process) return;
    const { time, story } = this.#options;
    story.tell(this.name, `its process ends: ${messageOf(error)}`);
    this.#end();
    const pauseMs = this.#restartPause.afterRun(time.nowMs - this.#startedMs);
    time.after(pauseMs, () => !this.#isKept && this.start());
  }

  // ── what can happen to it ────────────────────────────────────────────────────────────────────────────────────────

  kill(why = ''): void {
    this.#isKept = true;
    if (this.#process === undefined) return;
    this.#options.story.tell(this.name, `killed ${why}`);
    this.#end();
  }

  losePower(): void {
    this.#options.network.darken(this.name);
    this.#isDark = true;
    this.kill('by a loss of power');
    this.disk.losePower();
  }

  pause(): void {
    if (this.#process === undefined) return;
    this.#options.story.tell(this.name, 'stopped (SIGSTOP)');
    this.#process.pause();
    this.#options.network.paused(this.#process);
  }

  resume(): void {
    if (this.#process === undefined || this.#process.isRunning) return;
    this.#options.story.tell(this.name, 'goes on');
    this.#process.resume((work) => void this.#options.time.after(0, work));
  }

  #end(): void {
    const process = this.#process;
    if (process === undefined) return;
    process.kill();
    this.#options.network.processDied(process);
    this.#process = undefined;
    this.#core = undefined;
  }

  #derivedRandom(): SeededRandom {
    return new SeededRandom(this.#options.random.below(0x1_0000_0000));
  }
}

/** MAIL, RCPT, DATA and the message, and what the hub says to it. Problem('NoAnswer'): nothing. */
async function receive(core: HubCore, { sender, recipient, text }: Transaction): Promise<Reply> {
  const known = await core.resolve(recipient);
  if (known.outcome !== 'known') return replies.recipient[known.outcome];
  const verdict = await core.accept({
    sender,
    recipients: [{ address: known.address, storageGroup: known.storageGroup }],
    bytes: Buffer.from(text),
    trace: 'from client by hub',
  });
  const reply = verdict.kind === 'answer' ? verdict.replies[0] : undefined;
  if (reply === undefined) throw new Problem('NoAnswer', 'Cannot answer: nobody knows whether it was taken');
  return reply;
}
