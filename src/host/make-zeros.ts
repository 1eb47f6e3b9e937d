/**
 * A file of zeros for the log, made on libuv's pool beside the log's writer: a few are made ahead, so nobody waits for
 * one while the pool is held up by something else.
 */
import { open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolderOnPool } from './folders.ts';

const ZEROS = Buffer.alloc(1024 * 1024);

/** Durable, with its name, when it resolves. What could not be made whole is not left behind. */
export async function makeZeros(path: string, sizeBytes: number): Promise<void> {
  try {
    const file = await open(path, 'w');
    try {
      for (let at = 0; at < sizeBytes; ) {
        at += (await file.write(ZEROS, 0, Math.min(ZEROS.length, sizeBytes - at), at)).bytesWritten;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await syncFolderOnPool(dirname(path));
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}
