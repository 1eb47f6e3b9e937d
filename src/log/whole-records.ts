/**
 * Every record of a file that is whole in itself, whatever lies between: each carries its own checksum. For repair, which
 * takes what there is; everybody else stops at the first place that is not as it was written (scan.ts).
 */
import { MAX_EVIDENCE_FACTOR } from './limits.ts';
import { LOG_HEADER_BYTES } from './log-file.ts';
import { decodeRecord, type LogRecord, RECORD_ALIGNMENT_BYTES, RECORD_HEAD_BYTES, readU64 } from './record.ts';

/**
 * `bytes`: the whole file, its header perhaps damaged. In the order of their LSNs, beginning behind `afterLsn`; what an
 * earlier use of the file left has lower ones. Linear: the bytes that may be checksummed in vain are bounded.
 */
export function* wholeRecords(bytes: Buffer, salt: number, afterLsn: number): Generator<LogRecord> {
  let budget = bytes.length * MAX_EVIDENCE_FACTOR;
  let lastLsn = afterLsn;
  let position = LOG_HEADER_BYTES;
  while (position + RECORD_HEAD_BYTES <= bytes.length && budget > 0) {
    const length = bytes.readUInt32LE(position);
    const mayBeRecord = length >= RECORD_HEAD_BYTES && length <= bytes.length - position;
    const decoded = mayBeRecord && readU64(bytes, position + 16) > lastLsn && decodeRecord(bytes, position, salt);
    if (decoded !== false && decoded.state === 'record') {
      yield decoded.record;
      lastLsn = decoded.record.lsn;
      position += decoded.record.frame.length;
    } else {
      if (decoded !== false) budget -= length;
      position += RECORD_ALIGNMENT_BYTES;
    }
  }
}
