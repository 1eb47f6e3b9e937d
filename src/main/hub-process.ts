/** The process of the role hub: SMTP, LMTP and submission in, deliveries to the active copies out, its queue between. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../base/problem.ts';
import { FileDirectoryCache } from '../host/directory-cache.ts';
import { FileSystemDisk } from '../host/disk.ts';
import { ThreadLogDevice } from '../host/log-device.ts';
import { machineClock, machineRandom } from '../host/machine.ts';
import type { TransactionLog } from '../log/transaction-log.ts';
import { startHub } from '../transport/hub.ts';
import { type ModeFile, ModeMemory } from '../transport/mode-memory.ts';
import { openQueueLog } from '../transport/queue-log.ts';
import { hostFiles } from './cluster-files.ts';
import { replaceFile } from './cluster-marker.ts';
import { endWithService } from './lifeline.ts';
import { QueueScrub, type ScrubbedQueue } from './queue-scrub.ts';
import { openRole, type RoleParts } from './role-parts.ts';

/** Problem('PortInUse' | 'LogDamaged' | ...) */
export async function runHub(dataFolder: string): Promise<void> {
  const parts = openRole(dataFolder, 'hub');
  const { config, clients, logger, finders, authenticator, certificate } = parts;
  const queues = await Promise.all(finders.map((finder) => openQueue(dataFolder, finder.storageGroup, parts)));
  const modes = new ModeMemory({ file: modeFile(hostFiles.modes(dataFolder)), logger });
  const hub = await startHub({
    storageGroups: finders.map((finder, index) => ({ finder, log: queues[index]!.log, mode: modes.modeOf(finder) })),
    acceptedDomains: config.acceptedDomains,
    directoryCache: new FileDirectoryCache(hostFiles.recipients(dataFolder)),
    listeners: [
      { kind: 'smtp', address: clients.address, port: clients.smtp },
      { kind: 'lmtp', address: clients.address, port: clients.lmtp },
      { kind: 'submission', address: clients.address, port: clients.submission },
    ],
    hostName: config.host,
    certificate,
    allowPlaintextLogin: config.allowPlaintextLogin,
    login: (request) => authenticator.verify(request),
    clock: machineClock,
    logger,
    onFatal: (error) => {
      // What clients were not told yet they will ask again; the next process begins from what is on the disk.
      logger.error({ reason: messageOf(error) }, 'the log of the queue has failed: the process ends');
      process.exit(1);
    },
  });
  logger.info({ ports: hub.ports }, 'the hub takes mail');
  const scrub = new QueueScrub({
    queues,
    clock: machineClock,
    logger,
    onDamaged: () => {
      logger.error({}, 'the log of a queue is damaged: the process ends, and the next one keeps what can be read');
      process.exit(1);
    },
  });
  endWithService(
    logger,
    async () => {
      scrub.stop();
      await hub.close();
      for (const finder of finders) finder.close();
      for (const queue of queues) await queue.close();
    },
    parts.rereadHosts,
  );
}

function modeFile(path: string): ModeFile {
  return {
    load: () => (existsSync(path) ? readFileSync(path, 'utf8') : undefined),
    save: (text) => replaceFile(path, text),
  };
}

interface QueueLog extends ScrubbedQueue {
  readonly log: TransactionLog;
  close(): Promise<void>;
}

async function openQueue(dataFolder: string, storageGroup: string, parts: RoleParts): Promise<QueueLog> {
  const root = join(hostFiles.queues(dataFolder), storageGroup);
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const disk = new FileSystemDisk(root);
  const { log, device } = await openQueueLog({
    disk,
    openDevice: () => new ThreadLogDevice(root),
    folder: '',
    clock: machineClock,
    random: machineRandom,
    logger: parts.logger.child({ storageGroup }),
  });
  return {
    storageGroup,
    disk,
    log,
    close: async () => {
      await log.close();
      await device.close();
    },
  };
}
