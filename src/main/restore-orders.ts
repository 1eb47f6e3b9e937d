/**
 * Restore-Mailbox as a host's service carries it out: a thread reads the backup, and what it asks of the active copy goes
 * through here. One at a time on a host: each needs room for a whole copy.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../base/clock.ts';
import { deferred } from '../base/deferred.ts';
import type { Network } from '../base/network.ts';
import { isProblem, messageOf, Problem } from '../base/problem.ts';
import { Rpc } from '../base/rpc.ts';
import type { Register } from '../cluster/register.ts';
import { member } from '../cluster/register-document.ts';
import { copyEndpoint, encodeHello, MAIL_SERVICE } from '../directory/copy-protocol.ts';
import { folderOfBackups } from './backup-folder.ts';
import type { MailboxMerge, MergeResult } from './restore/merge-mailbox.ts';
import type { FromRecovery, RecoveryOrder, ToRecovery } from './restore/recovery-thread.ts';

const CONNECT_TIMEOUT_MS = 1_500;
const REGISTER_TIMEOUT_MS = 3_000;
/** A batch, or one message of the largest size, committed on every copy. */
const ASK_TIMEOUT_MS = 60_000;
const FOLDER = 'recovery';

export interface MailboxRestoreOrder extends MailboxMerge {
  readonly storageGroup: string;
  /** An absolute path on this host, as Backup-StorageGroup was given. */
  readonly path: string;
  readonly until: string | null;
}

interface Parts {
  readonly dataFolder: string;
  readonly register: Register;
  readonly network: Network;
  readonly clock: Clock;
}

export class MailboxRestores {
  readonly #parts: Parts;
  #isBusy = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Problem('RestoreBusy' | 'BackupMissing' | 'BackupDamaged' | 'MailboxNotFound' | 'MailboxFull' | …) */
  async run(order: MailboxRestoreOrder, onProgress: (line: string) => void): Promise<MergeResult & { lsn: number }> {
    if (this.#isBusy) {
      throw new Problem('RestoreBusy', 'Cannot restore a mailbox: another one is being restored here. Wait for it.', {
        temporary: true,
      });
    }
    this.#isBusy = true;
    const folder = join(this.#parts.dataFolder, FOLDER);
    const copy = new ActiveCopy(this.#parts, order.storageGroup);
    try {
      // What a restore left whose host was stopped.
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { mode: 0o700 });
      const { source, address, targetFolder, until } = order;
      const from = await folderOfBackups(order.path, this.#parts.clock, order.storageGroup);
      const merge = { source, address, targetFolder };
      return await inThread({ from, to: join(folder, 'copy'), until, merge }, copy, onProgress);
    } finally {
      copy.close();
      rmSync(folder, { recursive: true, force: true });
      this.#isBusy = false;
    }
  }
}

async function inThread(
  workerData: RecoveryOrder,
  copy: ActiveCopy,
  onProgress: (line: string) => void,
): Promise<MergeResult & { lsn: number }> {
  const worker = new Worker(new URL('./restore/recovery-thread.ts', import.meta.url), { workerData });
  const done = deferred<MergeResult & { lsn: number }>();
  const carryOut = async (message: FromRecovery): Promise<void> => {
    if ('progress' in message) return onProgress(message.progress);
    if ('method' in message) return worker.postMessage(await answerOf(copy, message.method, message.body));
    if ('result' in message) return done.resolve(message.result);
    const { code, message: text, temporary } = message.problem;
    done.reject(new Problem(code, text, { temporary }));
  };
  worker.on('message', (message: FromRecovery) => {
    carryOut(message).catch((error: unknown) => done.reject(error));
  });
  const fail = (reason: string): void =>
    done.reject(new Problem('RestoreFailed', `Cannot restore the mailbox: ${reason}. Run it again.`));
  worker.once('error', (error) => fail(messageOf(error)));
  worker.once('exit', (code) => fail(`its thread has ended (${code})`));
  try {
    return await done.promise;
  } finally {
    await worker.terminate();
  }
}

async function answerOf(copy: ActiveCopy, method: string, body: Uint8Array): Promise<ToRecovery> {
  try {
    return { answer: await copy.ask(method, body) };
  } catch (error) {
    if (!isProblem(error)) throw error;
    return { problem: { code: error.code, message: messageOf(error), temporary: error.temporary } };
  }
}

/** The mail service of whichever copy is active. */
class ActiveCopy {
  readonly #parts: Parts;
  readonly #storageGroup: string;
  #rpc: Rpc | undefined;

  constructor(parts: Parts, storageGroup: string) {
    this.#parts = parts;
    this.#storageGroup = storageGroup;
  }

  async ask(method: string, body: Uint8Array): Promise<Buffer> {
    const rpc = this.#rpc?.isClosed === false ? this.#rpc : await this.#connect();
    try {
      return await rpc.ask(method, body, ASK_TIMEOUT_MS);
    } catch (error) {
      // Another copy may serve by now.
      if (isProblem(error, 'NotActive') || isProblem(error, 'TimedOut')) this.close();
      throw error;
    }
  }

  close(): void {
    this.#rpc?.channel.close('done');
    this.#rpc = undefined;
  }

  async #connect(): Promise<Rpc> {
    const { register, network, clock } = this.#parts;
    const document = (await register.peek({ timeoutMs: REGISTER_TIMEOUT_MS }))?.document;
    const active = member(document?.storageGroups ?? {}, this.#storageGroup)?.active ?? null;
    if (active === null) {
      throw new Problem('NotActive', `Cannot ask ${this.#storageGroup}: no copy of it is known to be active.`, {
        temporary: true,
      });
    }
    const channel = await network.connect(copyEndpoint(active, this.#storageGroup), CONNECT_TIMEOUT_MS);
    this.#rpc = new Rpc(channel, { clock });
    channel.send(encodeHello({ service: MAIL_SERVICE }));
    return this.#rpc;
  }
}
