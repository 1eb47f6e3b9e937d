/** The thread behind database-checkpoint.ts: one connection, one statement. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { present } from '../base/assert.ts';
import { messageOf } from '../base/problem.ts';
import type { CheckpointReply } from './database-checkpoint.ts';

const BUSY_TIMEOUT_MS = 5_000;

const port = present(parentPort, 'This file runs as a thread');
let database: DatabaseSync | undefined;

function checkpoint(): CheckpointReply {
  try {
    database ??= new DatabaseSync(String(workerData), { timeout: BUSY_TIMEOUT_MS });
    const row = database.prepare('PRAGMA wal_checkpoint(PASSIVE)').get();
    return { complete: row?.['busy'] === 0 && row['log'] === row['checkpointed'], failure: undefined };
  } catch (error) {
    return { complete: false, failure: messageOf(error) };
  }
}

port.on('message', () => port.postMessage(checkpoint()));
