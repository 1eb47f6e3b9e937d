/** The thread behind database-checkpoint.ts: one connection, one statement, and it ends. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { present } from '../base/assert.ts';
import { messageOf } from '../base/problem.ts';
import type { CheckpointReply } from './database-checkpoint.ts';

const BUSY_TIMEOUT_MS = 5_000;

function checkpoint(): CheckpointReply {
  try {
    const database = new DatabaseSync(String(workerData), { timeout: BUSY_TIMEOUT_MS });
    try {
      const row = database.prepare('PRAGMA wal_checkpoint(PASSIVE)').get();
      return { complete: row?.['busy'] === 0 && row['log'] === row['checkpointed'], failure: undefined };
    } finally {
      database.close();
    }
  } catch (error) {
    const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) % 256 : 0;
    return { complete: false, failure: { reason: messageOf(error), code } };
  }
}

present(parentPort, 'This file runs as a thread').postMessage(checkpoint());
