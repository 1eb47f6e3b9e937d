/** A log as it lies in a folder of a simulated disk, read by an outsider: whole records only, up to the first that is none. */
import { decodeHeader, emptyLogFile, isPreparedName, LOG_HEADER_BYTES } from '../../log/log-file.ts';
import type { LogRecord } from '../../log/record.ts';
import { scanRecords } from '../../log/scan.ts';
import type { SimulatedDisk } from '../simulated-disk.ts';

export const COPY_FOLDER = 'copy';
export const LOG_FOLDER = `${COPY_FOLDER}/log`;
const QUARANTINE_FOLDER = `${COPY_FOLDER}/quarantine`;

export function quarantineFolders(disk: SimulatedDisk): readonly string[] {
  return disk.list(QUARANTINE_FOLDER).map((folder) => `${QUARANTINE_FOLDER}/${folder}`);
}

export interface LogOnDisk {
  readonly signature: Buffer;
  /** Used bytes of each file by generation. */
  readonly files: ReadonlyMap<number, Buffer>;
  readonly records: readonly LogRecord[];
}

export function readLog(disk: SimulatedDisk, folder = LOG_FOLDER): LogOnDisk {
  const files = new Map<number, Buffer>();
  const records: LogRecord[] = [];
  let signature: Buffer = Buffer.alloc(0);
  for (const { bytes, header, name } of logFiles(disk, folder)) {
    const file = emptyLogFile(header, name);
    scanRecords(bytes, file, (record) => records.push(record));
    files.set(header.generation, bytes.subarray(0, file.endBytes));
    signature = header.signature;
  }
  return { signature, files, records };
}

/** In order. The newest ones may not have their names yet: a slow disk gives them seconds later. */
function logFiles(disk: SimulatedDisk, folder: string) {
  const read = disk.list(folder).flatMap((name) => {
    const isPrepared = isPreparedName(name);
    if (!isPrepared && !/^E00([0-9a-f]{8})?\.log$/.test(name)) return [];
    const path = `${folder}/${name}`;
    const bytes = disk.read(path, 0, disk.size(path) ?? 0);
    const header = decodeHeader(bytes.subarray(0, LOG_HEADER_BYTES));
    return header === undefined ? [] : [{ bytes, header, name, isPrepared }];
  });
  const newestNamed = Math.max(0, ...read.filter((file) => !file.isPrepared).map(({ header }) => header.generation));
  // One that is kept to be written again holds an older file.
  return read
    .filter(({ header, isPrepared }) => !isPrepared || header.generation > newestNamed)
    .sort((one, other) => one.header.generation - other.header.generation);
}
