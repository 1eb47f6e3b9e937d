/**
 * Is this closed log file whole? Asked of every file before it is shipped or kept, and by the scrub: header, every
 * record's checksum, the chain through all of them, and nothing but zeros behind.
 */
import type { Damage } from './damage.ts';
import { decodeHeader, emptyLogFile, LOG_HEADER_BYTES, type LogFile } from './log-file.ts';
import { damageBehind, scanRecords } from './scan.ts';

export type Inspection = { healthy: true; file: LogFile } | { healthy: false; damage: Damage };

/** `bytes`: a whole closed file. `name` is for the report. Healthy: `file` says where it begins and ends, LSN and chain. */
export function inspect(bytes: Buffer, name: string): Inspection {
  const header = decodeHeader(bytes);
  if (header === undefined) return { healthy: false, damage: headerDamage(name) };
  const file = emptyLogFile(header, name);
  const stop = scanRecords(bytes, file);
  if (bytes.length !== header.sizeBytes) {
    return {
      healthy: false,
      damage: damageBehind(bytes, file, `it has ${bytes.length} bytes, not ${header.sizeBytes}`),
    };
  }
  if (stop === 'bad') return { healthy: false, damage: damageBehind(bytes, file, 'what follows is no record') };
  return { healthy: true, file };
}

function headerDamage(file: string): Damage {
  return {
    file,
    generation: undefined,
    fromByte: 0,
    toByte: LOG_HEADER_BYTES,
    lastGoodLsn: 0,
    firstLsn: 0,
    lastLsn: undefined,
    evidence: 'its header is not whole',
  };
}
