/** The thread behind maintenance-jobs.ts: one job, with a connection of its own, then it ends. */

import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { present } from '../base/assert.ts';
import { FileSystemDisk } from '../host/disk.ts';
import { DATABASE_NAME } from '../host/seed-files.ts';
import { openReader } from '../store/database.ts';
import { type CopyDigest, digestCopy } from '../store/maintenance/copy-digest.ts';
import type { BodiesOfPack, PackFill } from '../store/maintenance/defragment-online.ts';
import { bodiesOfPack, describePacks } from '../store/maintenance/describe-copy.ts';
import { type ScrubPass, scrubCopy } from '../store/maintenance/scrub.ts';

export type MaintenanceJob =
  | { readonly job: 'scrub'; readonly bytesPerSecond: number }
  | { readonly job: 'digest' | 'fills' }
  | { readonly job: 'bodies'; readonly pack: number };

export interface JobResults {
  readonly scrub: ScrubPass;
  readonly digest: CopyDigest;
  readonly fills: readonly PackFill[];
  readonly bodies: BodiesOfPack;
}

export interface MaintenanceOrder {
  /** The copy's folder. */
  readonly root: string;
  readonly order: MaintenanceJob;
}

async function run({ root, order }: MaintenanceOrder): Promise<JobResults[keyof JobResults]> {
  const connection = openReader(join(root, DATABASE_NAME));
  const disk = new FileSystemDisk(root);
  try {
    switch (order.job) {
      case 'digest':
        return digestCopy(connection);
      case 'fills':
        return await describePacks(connection, disk);
      case 'bodies':
        return bodiesOfPack(connection, order.pack);
      case 'scrub':
        return await scrubCopy({
          disk,
          logFolder: 'log',
          connection,
          databaseName: DATABASE_NAME,
          pace: async (bytes) => {
            await pause((bytes / order.bytesPerSecond) * 1000);
          },
        });
    }
  } finally {
    connection.close();
  }
}

present(parentPort, 'This file runs as a thread').postMessage(await run(workerData as MaintenanceOrder));
