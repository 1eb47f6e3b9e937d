/**
 * The thread behind Restore-Mailbox: it makes a copy of the backup in a folder of its own, what Exchange calls a recovery
 * storage group, and merges one mailbox of it. The service beside it renews leases and must not wait for that.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { present } from '../../base/assert.ts';
import { deferred } from '../../base/deferred.ts';
import { isProblem, messageOf, Problem } from '../../base/problem.ts';
import { FilePackDevice } from '../../host/pack-device.ts';
import { DATABASE_NAME } from '../../host/seed-files.ts';
import { Database } from '../../store/database.ts';
import { Packs } from '../../store/packs.ts';
import { Queries } from '../../store/queries.ts';
import { assembleCopy } from './assemble-copy.ts';
import { type MailboxMerge, MailboxMerger, type MergeResult } from './merge-mailbox.ts';
import { parseRestorePoint } from './restore-point.ts';

export interface RecoveryOrder {
  readonly from: string;
  /** The recovery copy's folder: not there, or empty. */
  readonly to: string;
  readonly until: string | null;
  readonly merge: MailboxMerge;
}

interface ToldProblem {
  readonly code: string;
  readonly message: string;
  readonly temporary: boolean;
}

export type FromRecovery =
  | { readonly progress: string }
  | { readonly method: string; readonly body: Uint8Array }
  | { readonly result: MergeResult & { readonly lsn: number } }
  | { readonly problem: ToldProblem };
export type ToRecovery = { readonly answer: Uint8Array } | { readonly problem: ToldProblem };

/** Between two attempts: a failover takes seconds. */
const REST_MS = 1_000;

const port = present(parentPort, 'This file runs as a thread');
const tell = (message: FromRecovery): void => port.postMessage(message);

/** One question at a time. */
async function ask(method: string, body: Uint8Array): Promise<Buffer> {
  const answered = deferred<ToRecovery>();
  port.once('message', (message: ToRecovery) => answered.resolve(message));
  tell({ method, body });
  const answer = await answered.promise;
  if ('answer' in answer) return Buffer.from(answer.answer);
  const { code, message, temporary } = answer.problem;
  throw new Problem(code, message, { temporary });
}

async function recover({ from, to, until, merge }: RecoveryOrder): Promise<MergeResult & { lsn: number }> {
  const onProgress = (progress: string): void => tell({ progress });
  const point = until === null ? undefined : parseRestorePoint(until);
  const copy = await assembleCopy({ from, to, until: point, onProgress });
  const signature = Buffer.from(copy.signature, 'hex');
  const database = new Database({ path: join(to, DATABASE_NAME), signature });
  const packs = new Packs(new FilePackDevice(join(to, 'packs')));
  try {
    const parts = { queries: new Queries(database), packs };
    const merger = new MailboxMerger(parts, merge, { ask, rest: () => pause(REST_MS) });
    return { ...(await merger.run(onProgress)), lsn: copy.lsn };
  } finally {
    database.close();
    packs.close();
  }
}

try {
  tell({ result: await recover(workerData as RecoveryOrder) });
} catch (error) {
  if (!isProblem(error)) throw error;
  tell({ problem: { code: error.code, message: messageOf(error), temporary: error.temporary } });
}
port.close();
