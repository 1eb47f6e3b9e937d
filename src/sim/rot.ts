/** Where a bit of a log file may turn over so that nobody could take it for something else than damage. */
import type { Random } from '../base/random.ts';
import { decodeHeader, emptyLogFile, LOG_HEADER_BYTES } from '../log/log-file.ts';
import { scanRecords } from '../log/scan.ts';
import type { SimulatedDisk } from './simulated-disk.ts';

/** In any file of the log, or the `wanted` one. */
export function rotFile(
  disk: SimulatedDisk,
  folder: string,
  random: Random,
  wanted?: string,
): { readonly name: string; readonly position: number } | undefined {
  const names = disk.list(folder).filter((name) => /^E00([0-9a-f]{8})?\.log$/.test(name));
  const name = wanted ?? names[random.below(Math.max(1, names.length))];
  if (name === undefined) return undefined;
  const path = `${folder}/${name}`;
  const position = random.below(provenBytes(disk.read(path, 0, disk.size(path) ?? 0)));
  disk.flipBit(path, position);
  return { name, position };
}

/**
 * The bytes of `file` from its beginning that a record behind them names as durable. The rest of an open file may just
 * as well have been torn by the loss of power, and only another copy knows better.
 */
function provenBytes(bytes: Buffer): number {
  const header = decodeHeader(bytes.subarray(0, LOG_HEADER_BYTES));
  if (header === undefined) return 0;
  const ends: { readonly lsn: number; readonly end: number }[] = [];
  let durableUpTo = header.previousLsn;
  scanRecords(bytes, emptyLogFile(header, undefined), (record, position) => {
    ends.push({ lsn: record.lsn, end: position + record.frame.length });
    durableUpTo = Math.max(durableUpTo, record.durableUpTo);
  });
  return ends.findLast(({ lsn }) => lsn <= durableUpTo)?.end ?? LOG_HEADER_BYTES;
}
