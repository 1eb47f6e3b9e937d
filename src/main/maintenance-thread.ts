/** The thread behind copy-maintenance.ts: one job, with a connection of its own, then it ends. */

import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { present } from '../base/assert.ts';
import { FileSystemDisk } from '../host/disk.ts';
import { DATABASE_NAME } from '../host/seed-files.ts';
import { openReader } from '../store/database.ts';
import { type CopyDigest, digestCopy } from '../store/maintenance/copy-digest.ts';
import { type ScrubPass, scrubCopy } from '../store/maintenance/scrub.ts';

export interface MaintenanceJob {
  readonly root: string;
  readonly job: 'scrub' | 'digest';
  readonly bytesPerSecond: number;
}

export type JobResult = ScrubPass | CopyDigest;

async function run({ root, job, bytesPerSecond }: MaintenanceJob): Promise<JobResult> {
  const connection = openReader(join(root, DATABASE_NAME));
  try {
    if (job === 'digest') return digestCopy(connection);
    return await scrubCopy({
      disk: new FileSystemDisk(root),
      logFolder: 'log',
      connection,
      databaseName: DATABASE_NAME,
      pace: async (bytes) => {
        await pause((bytes / bytesPerSecond) * 1000);
      },
    });
  } finally {
    connection.close();
  }
}

present(parentPort, 'This file runs as a thread').postMessage(await run(workerData as MaintenanceJob));
