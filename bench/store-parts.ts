/** A storage group's database and packs on the disk that is measured, without a host around them. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { present } from '../src/base/assert.ts';
import { DatabaseCheckpoint } from '../src/host/database-checkpoint.ts';
import { machineClock, machineRandom } from '../src/host/machine.ts';
import { FilePackDevice } from '../src/host/pack-device.ts';
import type { TransactionLog } from '../src/log/transaction-log.ts';
import type { ContentIndex } from '../src/store/content-index.ts';
import { Database } from '../src/store/database.ts';
import { encodeFact } from '../src/store/facts.ts';
import { Packs } from '../src/store/packs.ts';
import { Replayer } from '../src/store/replay.ts';
import { StorageGroup } from '../src/store/storage-group.ts';
import { LogJournal } from './log-journal.ts';

const EPOCH = 1;

export interface Parts {
  readonly database: Database;
  readonly packs: Packs;
}

export function openParts(root: string, log: TransactionLog): Parts {
  mkdirSync(join(root, 'packs'), { recursive: true });
  const signature = present(log.signature, 'The log has begun');
  const database = new Database({ path: join(root, 'database.sqlite'), signature });
  return { database, packs: new Packs(new FilePackDevice(join(root, 'packs'))) };
}

export function closeParts({ database, packs }: Parts): void {
  packs.close();
  database.close();
}

/** The write-ahead file into the database's own, as a copy does it. */
export async function carryOver({ database }: Parts): Promise<boolean> {
  return await new DatabaseCheckpoint(database.path).run();
}

/** Upon a new log, whose first record, as in every log, tells of the epoch. */
export function newStore(root: string, log: TransactionLog): { parts: Parts; store: StorageGroup } {
  const { kind, payload } = encodeFact({
    type: 'EpochStarted',
    epoch: EPOCH,
    previousEndLsn: 0,
    previousChain: 0,
    host: 'bench',
    incarnation: 1,
    timeMs: machineClock.wallMs(),
    uidJump: 0,
  });
  const journal = new LogJournal(log);
  const lsn = journal.startEpoch(EPOCH, kind, payload);
  const parts = openParts(root, log);
  new Replayer(parts).apply({ lsn, kind, payload });
  return { parts, store: storeOf(parts, log) };
}

export function storeOf(parts: Parts, log: TransactionLog, contentIndex?: ContentIndex): StorageGroup {
  return new StorageGroup({
    ...parts,
    journal: new LogJournal(log),
    clock: machineClock,
    random: machineRandom,
    contentIndex,
  });
}

export function inboxOf(store: StorageGroup, mailboxId: number): number {
  return present(store.folderByName(mailboxId, 'INBOX'), 'Every mailbox has an inbox').id;
}
