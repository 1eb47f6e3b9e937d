/** Planted bugs of whoever writes to the disk: the log, its recovery, the database behind it. */
import { isProblem } from '../../base/problem.ts';
import type { Disk, LogDevice } from '../../log/disk.ts';
import { decodeHeader, emptyLogFile, follows, LOG_HEADER_BYTES, type LogFile, OPEN_NAME } from '../../log/log-file.ts';
import { scanRecords } from '../../log/scan.ts';
import type { Database } from '../../store/database.ts';
import type { SimulatedDisk } from '../simulated-disk.ts';
import { altered, type BugPorts, type PlantedBug } from './planted-bug.ts';

const LOG_FOLDER = 'copy/log';
const CLOSED_NAME = /^E00[0-9a-f]{8}\.log$/;

const ignoreFailure = (): undefined => undefined;

/** `open` gives a fresh device, as a restart of the process would. */
function withDevice(wrap: (device: LogDevice, open: () => LogDevice) => LogDevice): BugPorts {
  return {
    wrapStorage: (storage) => {
      const open = (): LogDevice => storage.openDevice();
      return altered(storage, { openDevice: () => wrap(open(), open) });
    },
  };
}

function withDisk(changes: (disk: Disk) => Partial<Disk>): BugPorts {
  return { wrapStorage: (storage) => altered(storage, { disk: altered(storage.disk, changes(storage.disk)) }) };
}

/** `writeAtomically` says that it has written files of these names, and has not. */
function neverWrites(isConcerned: (name: string) => boolean): BugPorts {
  return withDisk((disk) => ({
    writeAtomically: (name, bytes) => (isConcerned(name) ? Promise.resolve() : disk.writeAtomically(name, bytes)),
  }));
}

function ignoresSyncFailure(device: LogDevice): LogDevice {
  let isBroken = false;
  const fails = (): void => {
    isBroken = true;
  };
  return altered(device, {
    append: (name, position, chunks) =>
      isBroken ? Promise.resolve() : device.append(name, position, chunks).catch(fails),
  });
}

/** The second fdatasync succeeds, and says nothing about what the first one lost. */
function syncsAgain(device: LogDevice, open: () => LogDevice): LogDevice {
  let current = device;
  const untilItWorks = async (first: () => Promise<void>, again: () => Promise<void>): Promise<void> => {
    for (let work = first; ; work = again) {
      try {
        return await work();
      } catch (error) {
        if (isProblem(error)) throw error;
        current = open();
      }
    }
  };
  return altered(device, {
    append: (name, position, chunks) =>
      untilItWorks(
        () => current.append(name, position, chunks),
        () => current.append(name, position, []),
      ),
    prepare: (name, sizeBytes) => {
      const prepare = (): Promise<void> => current.prepare(name, sizeBytes);
      return untilItWorks(prepare, prepare);
    },
    rename: (from, to, options) => {
      const rename = (): Promise<void> => current.rename(from, to, options);
      return untilItWorks(rename, rename);
    },
  });
}

function closedFiles(disk: SimulatedDisk): string[] {
  return disk
    .list(LOG_FOLDER)
    .filter((name) => CLOSED_NAME.test(name))
    .sort();
}

/** At the first thing that is no record the log ends, wherever that is and whatever stands behind it. */
function forgiveDamage(disk: SimulatedDisk): void {
  let before: LogFile | undefined;
  let isOver = false;
  for (const name of [...closedFiles(disk), OPEN_NAME]) {
    const path = `${LOG_FOLDER}/${name}`;
    const size = disk.size(path);
    if (size === undefined) continue;
    const bytes = disk.read(path, 0, size);
    const header = decodeHeader(bytes.subarray(0, LOG_HEADER_BYTES));
    isOver ||= header === undefined || (before !== undefined && !follows(header, before));
    if (isOver || header === undefined) disk.remove(path);
    else before = scanned(bytes, emptyLogFile(header, name));
  }
  if (isOver && before?.name !== undefined) endWith(disk, before, before.name);
}

function scanned(bytes: Buffer, file: LogFile): LogFile {
  scanRecords(bytes, file);
  return file;
}

function endWith(disk: SimulatedDisk, file: LogFile, name: string): void {
  const path = `${LOG_FOLDER}/${name}`;
  disk.truncate(path, file.endBytes);
  disk.truncate(path, file.header.sizeBytes);
  if (name !== OPEN_NAME) disk.rename(path, `${LOG_FOLDER}/${OPEN_NAME}`);
}

/** As soon as a file is closed the ones before it go, whoever still needs them. */
function removesOldFiles(device: LogDevice, disk: SimulatedDisk): LogDevice {
  return altered(device, {
    rename: async (from, to, options) => {
      await device.rename(from, to, options);
      for (const name of closedFiles(disk).slice(0, -1)) disk.remove(`${LOG_FOLDER}/${name}`);
    },
  });
}

/** What is applied is committed with the next record, whoever else holds it. */
function commitsAtOnce(database: Database): Database {
  return altered(database, {
    begin: () => {
      if (database.appliedLsn > database.committedLsn) database.commit();
      database.begin();
    },
  });
}

export const logAndDiskBugs: readonly PlantedBug[] = [
  {
    name: 'acknowledges before the sync',
    what: 'the log writer reports success when the write has begun',
    breaks: 'S13',
    budgetSeeds: 20,
    faults: ['slow disk', 'power loss', 'power loss of all', 'link between nodes cut'],
    mode: 'sync',
    ports: withDevice((device) =>
      altered(device, {
        append: (name, position, chunks) => {
          device.append(name, position, chunks).catch(ignoreFailure);
          return Promise.resolve();
        },
      }),
    ),
  },
  {
    name: 'sync failure ignored',
    what: 'an error of fdatasync counts as success',
    breaks: 'S17',
    budgetSeeds: 20,
    faults: ['failing disk', 'power loss of all'],
    mode: 'sync',
    ports: withDevice(ignoresSyncFailure),
  },
  {
    name: 'failed sync tried again',
    what: 'after an error of fdatasync another one is asked for, and believed',
    breaks: 'S17',
    budgetSeeds: 20,
    faults: ['failing disk', 'power loss'],
    mode: 'sync',
    ports: withDevice(syncsAgain),
  },
  {
    name: 'folders never synced',
    what: 'files are synced and renamed, their names are not',
    breaks: 'S19',
    budgetSeeds: 10,
    faults: ['power loss of all', 'power loss'],
    mode: 'sync',
    ports: { disk: { forgetsFolderSyncs: true } },
  },
  {
    name: 'epoch used before it is stored',
    what: 'the file with the epoch gets its name before its bytes are synced',
    breaks: 'S2',
    budgetSeeds: 10,
    faults: ['power loss', 'kill'],
    mode: 'sync',
    ports: { disk: { neverSynced: 'copy/epoch.json' } },
  },
  {
    name: 'recovery forgives damage',
    what: 'the log is cut at the first bad record, although records behind it were durable',
    breaks: 'S15',
    budgetSeeds: 30,
    faults: ['log rotten', 'copy killed'],
    mode: 'sync',
    ports: {
      wrapStorage: (storage, disk) =>
        altered(storage, {
          openDevice: () => {
            forgiveDamage(disk);
            return storage.openDevice();
          },
        }),
    },
  },
  {
    name: 'damage not noted',
    what: 'a copy that lost records to damage passes for whole',
    breaks: 'S16',
    budgetSeeds: 30,
    faults: ['log rotten', 'copy killed'],
    mode: 'sync',
    ports: neverWrites((name) => name === 'damaged.json'),
  },
  {
    name: 'recovered tail not synced',
    what: 'what recovery reads at the end of the log counts as durable',
    breaks: 'S13',
    budgetSeeds: 30,
    faults: ['copy killed', 'kill', 'slow disk'],
    mode: 'sync',
    ports: withDevice((device) =>
      altered(device, {
        append: (name, position, chunks) =>
          position === 0 && name.endsWith(OPEN_NAME) ? Promise.resolve() : device.append(name, position, chunks),
      }),
    ),
  },
  {
    name: 'divergent tail thrown away',
    what: 'records that the new history lacks are cut off without being put into quarantine',
    breaks: 'S20',
    budgetSeeds: 30,
    faults: ['node cut off', 'link between nodes cut', 'stop'],
    mode: 'sync',
    ports: neverWrites((name) => name.startsWith('quarantine/')),
  },
  {
    name: 'divergent tail kept',
    what: 'a copy that lost the race goes on behind its own records',
    breaks: 'S14',
    budgetSeeds: 30,
    faults: ['node cut off', 'link between nodes cut', 'stop'],
    mode: 'sync',
    ports: neverWrites((name) => name.endsWith('E00cut.note')),
  },
  {
    name: 'log files removed too early',
    what: 'a closed log file goes although a copy, or the database, still needs it',
    breaks: 'L2',
    budgetSeeds: 20,
    faults: ['kill', 'power loss', 'link between nodes cut'],
    mode: 'sync',
    ports: {
      wrapStorage: (storage, disk) =>
        altered(storage, { openDevice: () => removesOldFiles(storage.openDevice(), disk) }),
    },
  },
  {
    name: 'bodies not synced',
    what: 'the database commits rows whose messages are not durable in the packs',
    breaks: 'S22',
    budgetSeeds: 20,
    faults: ['power loss', 'kill', 'copy killed'],
    mode: 'sync',
    ports: {
      wrapStorage: (storage) =>
        altered(storage, { openPacks: () => altered(storage.openPacks(), { sync: () => Promise.resolve() }) }),
    },
  },
  {
    name: 'database ahead of the other copies',
    what: 'the database commits what is applied, without asking who else holds it',
    breaks: 'C9',
    budgetSeeds: 20,
    faults: ['slow link', 'link between nodes cut', 'slow disk'],
    mode: 'sync',
    ports: {
      wrapStorage: (storage) =>
        altered(storage, {
          openDatabase: (signature: Uint8Array) => {
            const database = storage.openDatabase?.(signature);
            if (database === undefined) throw new Error('A simulated copy keeps its database itself');
            return commitsAtOnce(database);
          },
        }),
    },
  },
];
