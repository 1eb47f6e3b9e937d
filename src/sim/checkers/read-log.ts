/** A log as it lies in a folder of a simulated disk, read by an outsider: whole records only, up to the first that is none. */
import { decodeHeader, emptyLogFile, LOG_HEADER_BYTES } from '../../log/log-file.ts';
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
  const names = disk.list(folder).filter((name) => /^E00([0-9a-f]{8})?\.log$/.test(name));
  const read = names.flatMap((name) => {
    const path = `${folder}/${name}`;
    const bytes = disk.read(path, 0, disk.size(path) ?? 0);
    const header = decodeHeader(bytes.subarray(0, LOG_HEADER_BYTES));
    return header === undefined ? [] : [{ bytes, header, name }];
  });
  for (const { bytes, header, name } of read.sort((one, other) => one.header.generation - other.header.generation)) {
    const file = emptyLogFile(header, name);
    scanRecords(bytes, file, (record) => records.push(record));
    files.set(header.generation, bytes.subarray(0, file.endBytes));
    signature = header.signature;
  }
  return { signature, files, records };
}
