/**
 * What a damaged log still holds and the database does not have. Records that follow the database are applied as ever.
 * Behind records that are lost nothing can be replayed in the strict sense; but a record states facts with all their
 * values, so each that is whole is applied by itself, and what does not fit (a message that moves and never came) is
 * left out and told. The applied LSN stays before the hole: that far, and no further, this copy equals others.
 *
 * The files stay as they are; repair-log.ts puts them in order after. A run that is stopped between the two finds in
 * the database how far it came behind the hole.
 */
import type { DatabaseSync } from 'node:sqlite';
import { type Disk, joinName, readFile } from '../../log/disk.ts';
import { listLogFiles } from '../../log/folder.ts';
import { numberOf } from '../../log/lsn.ts';
import { type LogRecord, saltOf } from '../../log/record.ts';
import { wholeRecords } from '../../log/whole-records.ts';
import { Applier } from '../apply.ts';
import { commitStore } from '../commit.ts';
import type { Database } from '../database.ts';
import { type Fact, factIfKnown } from '../facts.ts';
import type { Packs } from '../packs.ts';
import { Queries } from '../queries.ts';
import type { Pace } from './finding.ts';
import { makeMissingFolder, recount } from './repair-rows.ts';

export interface LsnRange {
  readonly firstLsn: number;
  readonly lastLsn: number;
}

export interface Rescue {
  /** Records that follow the database without a hole. */
  readonly applied: number;
  readonly appliedBehindHole: number;
  /** Records that the log once held, or must have held, and that cannot be read. */
  readonly missing: readonly LsnRange[];
  /** Whole records that did not fit, with the number of messages they would have brought in. */
  readonly leftOut: readonly { readonly lsn: number; readonly why: string; readonly messages: number }[];
}

export interface RescueOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly signature: Uint8Array;
  readonly database: Database;
  readonly packs: Packs;
  readonly nowMs: number;
  readonly pace?: Pace;
}

const MARK = 'rescued_lsn';

/** Committed when it resolves. Problem('RecordNotApplied' | 'UnknownRecordKind') of a record that follows the database. */
export async function rescueRecords(options: RescueOptions): Promise<Rescue> {
  const queries = new Queries(options.database);
  const run = new RescueRun(options, new Applier(options.database, options.packs, queries));
  const { disk, folder, packs, database } = options;
  for (const { name, header } of await listLogFiles(disk, folder)) {
    const path = joinName(folder, name);
    const bytes = await readFile(disk, path);
    run.expect(header?.previousLsn ?? 0);
    for (const record of wholeRecords(bytes, saltOf(options.signature), run.lastLsn)) run.take(record);
    await options.pace?.(bytes.length);
  }
  run.expect(run.durableUpTo);
  database.begin();
  database.connection.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)').run(MARK, run.lastLsn);
  await packs.sync();
  await commitStore(database, packs, queries);
  database.connection.exec('BEGIN IMMEDIATE');
  recount(database.connection);
  database.connection.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)');
  return run;
}

/** The log is in order again: records that come now are other ones. */
export function forgetRescue(connection: DatabaseSync): void {
  connection.prepare('DELETE FROM meta WHERE name = ?').run(MARK);
}

class RescueRun implements Rescue {
  applied = 0;
  appliedBehindHole = 0;
  readonly missing: LsnRange[] = [];
  readonly leftOut: { lsn: number; why: string; messages: number }[] = [];
  /** The last record that was read, or is known to be missing. */
  lastLsn: number;
  durableUpTo = 0;
  readonly #applier: Applier;
  readonly #options: RescueOptions;
  readonly #rescuedLsn: number;

  constructor(options: RescueOptions, applier: Applier) {
    this.#options = options;
    this.#applier = applier;
    const { database } = options;
    this.lastLsn = database.appliedLsn;
    const mark = database.connection.prepare('SELECT value FROM meta WHERE name = ?').get(MARK)?.['value'];
    this.#rescuedLsn = typeof mark === 'number' ? mark : 0;
  }

  /** The log held records up to `lsn`. */
  expect(lsn: number): void {
    if (lsn <= this.lastLsn) return;
    this.missing.push({ firstLsn: this.lastLsn + 1, lastLsn: lsn });
    this.lastLsn = lsn;
  }

  take(record: LogRecord): void {
    const { lsn } = record;
    this.durableUpTo = Math.max(this.durableUpTo, record.durableUpTo);
    const fact = factIfKnown(record);
    const before = fact?.type === 'EpochStarted' ? fact.previousEndLsn : numberOf(lsn) === 1 ? 0 : lsn - 1;
    this.expect(before);
    this.lastLsn = lsn;
    if (this.missing.length === 0) {
      this.#applier.apply(record);
      this.applied += 1;
    } else if (lsn > this.#rescuedLsn) this.#takeBehindHole(record, fact);
  }

  #takeBehindHole(record: LogRecord, fact: Fact | undefined): void {
    const { database, nowMs } = this.#options;
    const folders = fact === undefined ? [] : foldersOf(fact);
    database.begin();
    for (const folderId of folders) {
      if (makeMissingFolder(database.connection, folderId, nowMs)) {
        database.tally.nextFolderId = Math.max(database.tally.nextFolderId, folderId + 1);
      }
    }
    const why = this.#applier.applyBehindHole(record);
    if (why === undefined) this.appliedBehindHole += 1;
    else this.leftOut.push({ lsn: record.lsn, why, messages: folders.length });
  }
}

/** Where the messages go that a record brings in, a folder for each. */
function foldersOf(fact: Fact): readonly number[] {
  if (fact.type === 'MessageDelivered') return fact.targets.map(({ folderId }) => folderId);
  const appends = fact.type === 'MessagesAppended' || fact.type === 'MessagesMerged';
  return appends ? fact.messages.map(() => fact.folderId) : [];
}
