/**
 * The bits of a log. The verifier judges each flip by its file. What it finds nothing against must give the same records;
 * or the last record of all is gone, which no later one calls durable: then whoever knows the log's end (the other copy,
 * the hint in the register) is told by the recovery. Of the other flips one in 251 is recovered, too.
 */
import assert from 'node:assert/strict';
import { isProblem } from '../../src/base/problem.ts';
import { LogDamaged } from '../../src/log/damage.ts';
import { truncateAfter } from '../../src/log/divergence.ts';
import { decodeHeader, emptyLogFile } from '../../src/log/log-file.ts';
import { makeLsn } from '../../src/log/lsn.ts';
import { scanRecords } from '../../src/log/scan.ts';
import { contents, FOLDER, openWorld, writtenWorld } from '../../src/log/testing/log-story.ts';
import { MemoryDisk } from '../../src/log/testing/memory-disk.ts';
import { checkLogFile } from '../../src/store/maintenance/check-log.ts';
import { flipBits, type Outcome } from './flipped-bits.ts';

const RECORDS = 64;
const END = makeLsn(1, RECORDS);
const RECOVERED_EVERY = 251;
const NOTE = `${FOLDER}/E00cut.note`;

type Files = ReadonlyMap<string, Buffer>;

export async function flipLog(): Promise<void> {
  const files = (await writtenWorld(RECORDS)).files();
  const whole = await recovered(files, files);
  for (const [name, bytes] of files) {
    const records = recordsIn(bytes);
    // A file that only has to be there is nothing that a verifier reads.
    const worth = (bit: number): boolean => records !== undefined || bit % RECOVERED_EVERY === 0;
    await flipBits(
      kindOf(name),
      Buffer.from(bytes),
      async (changed, bit) => {
        const verdict = records === undefined ? 'unknown' : verify(name, changed, records);
        if (verdict !== 'unknown' && bit % RECOVERED_EVERY !== 0) return verdict;
        return judgeRecovery(new Map(files).set(name, changed), whole);
      },
      worth,
    );
  }
  await flipCutNote(files);
}

/** A cut that was decided and not finished: it is finished, or the note is refused. */
async function flipCutNote(files: Files): Promise<void> {
  const cut = await diskWithCutNote(files);
  const whole = await recovered(cut, files);
  const note = cut.get(NOTE);
  assert.ok(note !== undefined);
  await flipBits('E00cut.note', Buffer.from(note), async (changed) => {
    try {
      assert.equal(await recovered(new Map(cut).set(NOTE, changed), files), whole);
      return 'identical';
    } catch (error) {
      assert.ok(isProblem(error, 'LogCutDamaged'), String(error));
      return 'detected';
    }
  });
}

async function diskWithCutNote(files: Files): Promise<Files> {
  for (let stop = 1; ; stop++) {
    const disk = new MemoryDisk(new Map(files));
    disk.stopBefore(stop);
    const cut = truncateAfter({ disk, folder: FOLDER, lsn: makeLsn(1, 20), quarantineFolder: 'quarantine/1' });
    await Promise.race([cut, disk.stopped]);
    if (disk.files().has(NOTE)) return disk.files();
  }
}

function kindOf(name: string): string {
  if (/E00[0-9a-f]{8}\.log$/.test(name)) return 'closed log files';
  return isOpen(name) ? 'open log file' : 'prepared and reserved log files';
}

function isOpen(name: string): boolean {
  return name.endsWith('/E00.log');
}

/** Undefined for what is no log file, or one without records. */
function recordsIn(bytes: Buffer): string | undefined {
  const header = decodeHeader(bytes);
  if (header === undefined) return undefined;
  const records: string[] = [header.crc.toString()];
  scanRecords(bytes, emptyLogFile(header, undefined), ({ lsn, kind, payload }) => {
    records.push(`${lsn} ${kind} ${payload.toString('latin1')}`);
  });
  return records.length > 1 ? records.join('\n') : undefined;
}

function verify(name: string, changed: Buffer, records: string): Outcome | 'unknown' {
  if (checkLogFile(changed, name.split('/').at(-1) ?? '').length > 0) return 'detected';
  return recordsIn(changed) === records ? 'identical' : 'unknown';
}

async function judgeRecovery(files: Files, whole: string): Promise<Outcome> {
  try {
    assert.equal(await recovered(files, files), whole);
    return 'identical';
  } catch (error) {
    assert.ok(error instanceof LogDamaged, String(error));
    return 'detected';
  }
}

/** All records of a log that others know to have reached its end. */
async function recovered(files: Files, all: Files): Promise<string> {
  const isCut = files.has(NOTE) && all !== files;
  const { log } = await openWorld(new MemoryDisk(new Map(files)), isCut ? {} : { knownDurableLsn: END });
  const records = await contents(log);
  await log.close();
  return records.map(({ lsn, payload }) => `${lsn} ${payload.toString('latin1')}`).join('\n');
}
