/** A backup as a host's service carries it out: by the process of its copy; then every copy learns of it. */
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { isProblem, Problem } from '../base/problem.ts';
import type { Register } from '../cluster/register.ts';
import { member } from '../cluster/register-document.ts';
import type { HostConfig } from '../host/config.ts';
import type { BackupType } from '../replication/backup-manifest.ts';
import type { BackupTaken } from '../replication/backup-note.ts';
import type { BackupSummary } from './copy-ipc.ts';
import type { HostCopies } from './host-copies.ts';
import type { HostLinks } from './host-links.ts';

const REGISTER_TIMEOUT_MS = 3_000;
const NOTE_TIMEOUT_MS = 10_000;

export interface BackupOrder {
  readonly storageGroup: string;
  /** An absolute path on this host; the backups lie in a folder of the storage group's name in it. */
  readonly path: string;
  readonly type: BackupType;
}

export interface BackupNotice {
  readonly storageGroup: string;
  readonly taken: BackupTaken;
}

interface Parts {
  readonly config: HostConfig;
  readonly register: Register;
  readonly copies: HostCopies;
  readonly links: HostLinks;
  readonly clock: Clock;
  readonly logger: Logger;
}

export async function backUpCopy(
  parts: Parts,
  order: BackupOrder,
  onProgress: (line: string) => void,
): Promise<BackupSummary> {
  const { register, copies, logger } = parts;
  const { storageGroup, path, type } = order;
  const group = member(
    (await register.peek({ timeoutMs: REGISTER_TIMEOUT_MS }))?.document.storageGroups ?? {},
    storageGroup,
  );
  if (group === undefined) {
    throw new Problem('NoQuorum', `Cannot back up ${storageGroup}: the cluster register cannot be read. Try again.`, {
      temporary: true,
    });
  }
  const summary = await copies.remote(storageGroup).backUp(join(path, storageGroup), type, onProgress);
  logger.info({ storageGroup, type, ...summary }, 'a backup was taken');
  const { takenMs, endLsn } = summary;
  const notice: BackupNotice = { storageGroup, taken: { type, takenMs, endLsn } };
  await Promise.all(group.copies.map((host) => tell(parts, host, notice)));
  return summary;
}

/** A copy that does not hear of it keeps its log until the next backup. */
async function tell({ config, copies, links, logger }: Parts, host: string, notice: BackupNotice): Promise<void> {
  try {
    if (host === config.host) await copies.remote(notice.storageGroup).noteBackup(notice.taken);
    else await links.ask(host, 'backup-taken', notice, NOTE_TIMEOUT_MS);
  } catch (error) {
    if (!isProblem(error)) throw error;
    logger.warn({ peer: host, reason: error.message }, 'a copy was not told of a backup');
  }
}
