/** A real copy's folder with mail in it, closed: what an administrator finds after a stop. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { present } from '../../../base/assert.ts';
import { silentLogger } from '../../../base/logger.ts';
import { CopyFolder } from '../../../host/copy-folder.ts';
import { machineClock, machineRandom } from '../../../host/machine.ts';
import { readFrame } from '../../../log/record.ts';
import { TransactionLog } from '../../../log/transaction-log.ts';
import { UidSet } from '../../../mail/uid-set.ts';
import { Database } from '../../../store/database.ts';
import { encodeFact } from '../../../store/facts.ts';
import type { Journal } from '../../../store/journal.ts';
import type { NewMessage } from '../../../store/mail-store.ts';
import { Packs } from '../../../store/packs.ts';
import { Replayer } from '../../../store/replay.ts';
import { takeSnapshot } from '../../../store/snapshot.ts';
import { StorageGroup } from '../../../store/storage-group.ts';
import { newMessage } from '../../../store/testing/store-world.ts';

export interface CopyFixture {
  readonly root: string;
  remove(): void;
}

export interface FixtureOptions {
  readonly messages: number;
  readonly messageBytes?: number;
  /** In one record; 1 by default. */
  readonly messagesAtOnce?: number;
  /** Every so-many-th message is deleted again. */
  readonly expungeEvery?: number;
  /** What is deleted can be got back. */
  readonly keepsDeletedItems?: boolean;
  /** Messages appended behind the last commit of the database: only the log has them. */
  readonly uncommitted?: number;
  /** Half of those lie in a folder that is made then. */
  readonly hasLateFolder?: boolean;
  readonly fileSizeBytes?: number;
}

export async function makeCopy(options: FixtureOptions): Promise<CopyFixture> {
  const data = mkdtempSync(join(tmpdir(), 'holdfast-eseutil-'));
  const root = join(data, 'node1', 'copies', 'First Storage Group');
  const folder = new CopyFolder(root, takeSnapshot);
  await folder.prepare();
  await folder.disk.makeFolder('log');
  const device = folder.openDevice();
  const common = { disk: folder.disk, device, folder: 'log', clock: machineClock, random: machineRandom };
  const { log } = await TransactionLog.open({
    ...common,
    logger: silentLogger,
    ifMissing: 'empty',
    fileSizeBytes: options.fileSizeBytes ?? 64 * 1024,
  });
  const first = startEpoch(log);
  const database = new Database({ path: folder.databasePath, signature: present(log.signature, 'The log has begun') });
  const packs = new Packs(folder.openPacks());
  new Replayer({ database, packs }).apply(readFrame(first));
  const store = new StorageGroup({
    database,
    packs,
    journal: journalOf(log),
    clock: machineClock,
    random: machineRandom,
  });
  await fill(store, options);
  await store.commitDatabase(() => folder.checkpointDatabase());
  await addUncommitted(store, options);
  await log.durable(log.endLsn);
  await log.close();
  await device.close();
  database.close();
  packs.close();
  await folder.close();
  return { root, remove: () => rmSync(data, { recursive: true, force: true }) };
}

function startEpoch(log: TransactionLog): Buffer {
  const { kind, payload } = encodeFact({
    type: 'EpochStarted',
    epoch: 1,
    previousEndLsn: 0,
    previousChain: 0,
    host: 'node1',
    incarnation: 1,
    timeMs: 0,
    uidJump: 0,
  });
  return log.startEpoch(1, kind, payload).frame;
}

/** Committed is what is durable here, as on a copy that is alone. */
function journalOf(log: TransactionLog): Journal {
  return {
    admit: (bytes) => log.admit(bytes),
    nextLsn: () => log.endLsn + 1,
    append: (kind, payload) => log.append(kind, payload).lsn,
    committed: (lsn) => log.durable(lsn),
    mayEnterDatabase: () => Promise.resolve(true),
  };
}

async function fill(store: StorageGroup, options: FixtureOptions): Promise<void> {
  const mailbox = await store.createMailbox({ address: 'ann@example.test', displayName: 'Ann', credential: null });
  await append(store, options.messages, options);
  const every = options.expungeEvery;
  if (every === undefined) return;
  if (options.keepsDeletedItems !== true) await store.settings.setLimits(mailbox.id, { retentionMs: 0 });
  const { id } = inbox(store);
  const uids = UidSet.of(store.uids(id).filter((uid) => uid % every === 0));
  await store.changeFlags(id, uids, { operation: 'add', flags: 8, keywords: [] });
  await store.expunge(id);
}

async function addUncommitted(store: StorageGroup, options: FixtureOptions): Promise<void> {
  const count = options.uncommitted ?? 0;
  if (options.hasLateFolder !== true) return append(store, count, options);
  await append(store, Math.floor(count / 4), options);
  const late = await store.createFolder(inbox(store).mailboxId, 'Late');
  await append(store, Math.floor(count / 2), options, late);
  await append(store, Math.floor(count / 4), options);
}

async function append(
  store: StorageGroup,
  count: number,
  { messageBytes = 2_000, messagesAtOnce = 1 }: FixtureOptions,
  { id } = inbox(store),
): Promise<void> {
  const message = (number: number): NewMessage => newMessage(`${number} ${'lorem ipsum '.repeat(messageBytes / 12)}`);
  for (let number = 0; number < count; number += messagesAtOnce) {
    const length = Math.min(messagesAtOnce, count - number);
    await store.append(
      id,
      Array.from({ length }, (_, index) => message(number + index)),
    );
    await store.settled();
  }
}

function inbox(store: StorageGroup) {
  const mailbox = present(store.mailboxByAddress('ann@example.test'), 'The mailbox was made');
  return present(store.folderByName(mailbox.id, 'INBOX'), 'Every mailbox has an inbox');
}
