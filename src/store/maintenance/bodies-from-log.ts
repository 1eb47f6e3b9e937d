/** Message bodies that are still in the log: a record that brought a message in carries all its bytes. */
import { crc32 } from '../../base/checksum.ts';
import { isProblem } from '../../base/problem.ts';
import { type Disk, joinName, readFile } from '../../log/disk.ts';
import { listLogFiles } from '../../log/folder.ts';
import type { LogRecord } from '../../log/record.ts';
import { wholeRecords } from '../../log/whole-records.ts';
import { decodeFact } from '../facts.ts';

/** Calls `found` with every wanted body that a whole record holds, also behind damage. `salt`: of the log's stream. */
export async function bodiesFromLog(
  disk: Disk,
  log: { readonly folder: string; readonly salt: number },
  wanted: ReadonlySet<number>,
  found: (bodyId: number, bytes: Buffer, checksum: number) => void,
): Promise<void> {
  for (const { name } of await listLogFiles(disk, log.folder)) {
    const path = joinName(log.folder, name);
    const bytes = await readFile(disk, path);
    for (const record of wholeRecords(bytes, log.salt, 0)) {
      for (const body of bodiesOf(record))
        if (wanted.has(body.bodyId)) found(body.bodyId, body.bytes, crc32(body.bytes));
    }
  }
}

function bodiesOf({ kind, payload }: LogRecord): readonly { readonly bodyId: number; readonly bytes: Buffer }[] {
  try {
    const fact = decodeFact(kind, payload);
    if (fact.type === 'MessageDelivered') return [fact];
    return fact.type === 'MessagesAppended' || fact.type === 'MessagesMerged' ? fact.messages : [];
  } catch (error) {
    if (isProblem(error)) return []; // a kind that only a newer version knows
    throw error;
  }
}
