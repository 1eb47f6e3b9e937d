/**
 * One copy's storage on the real disk, driven like a copy drives it and by nothing else: for the tests that kill it, or
 * take its disk away, in the middle. Messages are numbered, so that anybody can say which of them are there.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { silentLogger } from '../../src/base/logger.ts';
import { CopyFolder } from '../../src/host/copy-folder.ts';
import { machineClock, machineRandom, yieldTurn } from '../../src/host/machine.ts';
import { UidSet } from '../../src/mail/uid-set.ts';
import { openBackupFolder } from '../../src/main/backup-folder.ts';
import { defragmentCopy } from '../../src/main/eseutil/offline.ts';
import { Progress } from '../../src/main/eseutil/progress.ts';
import { CopyFiles } from '../../src/replication/copy-files.ts';
import { CopyUpkeep } from '../../src/replication/copy-upkeep.ts';
import { sumsOf } from '../../src/replication/seed-manifest.ts';
import { SeedPlace } from '../../src/replication/seed-place.ts';
import { encodeFact } from '../../src/store/facts.ts';
import type { Journal } from '../../src/store/journal.ts';
import { takeSnapshot } from '../../src/store/snapshot.ts';
import { StorageGroup } from '../../src/store/storage-group.ts';
import { newDelivery, newMessage } from '../../src/store/testing/store-world.ts';

const ADDRESS = 'jo@example.test';
/** Small, so that a few messages make a new file. */
const FILE_BYTES = 16 * 1024;

export class StorageUnderTest {
  readonly root: string;
  readonly #folder: CopyFolder;
  readonly files: CopyFiles;
  #store: StorageGroup | undefined;
  #delivered = 0;
  #checkpointedLsn = 0;

  /** `root`: holds `copy`, `second` (where a seed goes) and `backups`. */
  constructor(root: string, copy = 'copy') {
    this.root = root;
    this.#folder = new CopyFolder(join(root, copy), takeSnapshot);
    this.files = new CopyFiles({ ...this.#options, committedLsn: () => this.files.durableLsn });
  }

  get #options() {
    return {
      circularLogging: true,
      fileSizeBytes: FILE_BYTES,
      storage: this.#folder,
      clock: machineClock,
      random: machineRandom,
      logger: silentLogger,
      yieldTurn,
    };
  }

  /** Recovered, replayed, and serving under a new epoch. */
  async open(): Promise<void> {
    await this.recover();
    this.#startEpoch();
    await this.files.applyAll();
    const { log } = this.files;
    const journal: Journal = {
      admit: (bytes) => log.admit(bytes),
      nextLsn: () => log.endLsn + 1,
      append: (kind, bytes) => log.append(kind, bytes).lsn,
      committed: (lsn) => log.durable(lsn),
      mayEnterDatabase: async () => true,
    };
    this.#store = new StorageGroup({ ...this.files.mount(), journal, clock: machineClock, random: machineRandom });
    if (this.#store.mailboxByAddress(ADDRESS) === undefined) {
      await this.#store.createMailbox({ address: ADDRESS, displayName: 'Jo', credential: null });
      await this.#store.createFolder(1, 'Waste');
    }
    this.#delivered = Math.max(0, ...this.messages());
  }

  /** As a process that starts finds it: everything that the log holds is in the database. */
  async recover(): Promise<void> {
    await this.files.open();
    if (this.files.generation > 0) await this.files.applyAll();
  }

  #startEpoch(): void {
    const { log } = this.files;
    const { kind, payload } = encodeFact({
      type: 'EpochStarted',
      epoch: log.epoch + 1,
      previousEndLsn: log.endLsn,
      previousChain: log.chain,
      host: 'node1',
      incarnation: 1,
      timeMs: machineClock.wallMs(),
      uidJump: 0,
    });
    this.files.startEpoch(log.epoch + 1, kind, payload);
  }

  /** The next message; its number once it is kept. */
  async deliver(): Promise<number> {
    const store = this.#serving();
    this.#delivered += 1;
    const number = this.#delivered;
    await store.deliver(newDelivery(number, [ADDRESS], { bytes: bodyOf(number) }));
    await store.settled();
    return number;
  }

  /** Two messages that nobody counts come and go, so that there is something to release. */
  async expunge(): Promise<void> {
    const store = this.#serving();
    const waste = store.folderByName(1, 'Waste');
    assert.ok(waste !== undefined);
    const { uids } = await store.append(waste.id, [newMessage('x'.repeat(9_000)), newMessage('y')]);
    await store.changeFlags(waste.id, UidSet.of(uids), { operation: 'add', flags: 8, keywords: [] });
    await store.expunge(waste.id);
    await store.settled();
  }

  async commit(): Promise<void> {
    await this.#serving().commitDatabase();
  }

  /** As every so-many-th commit of a copy. */
  async commitAndCheckpoint(): Promise<void> {
    const store = this.#serving();
    let isComplete = false;
    const lsn = await store.commitDatabase(async () => {
      isComplete = await this.#folder.checkpointDatabase();
      return isComplete;
    });
    if (isComplete) this.#checkpointedLsn = lsn;
  }

  async release(): Promise<void> {
    await this.files.log.removeBelow(this.#checkpointedLsn);
  }

  async backUp(): Promise<string> {
    const upkeep = new CopyUpkeep({
      ...this.#options,
      host: 'node1',
      storageGroup: 'First Storage Group',
      files: this.files,
      active: () => ({ committedLsn: this.files.durableLsn, exposedChanges: null }),
      mounted: () => this.#store,
      obstacle: () => undefined,
      seed: () => null,
      quarantine: () => ({ messages: 0, tooOld: 0, changes: 0, waiting: 0, aside: 0 }),
    });
    const place = openBackupFolder(join(this.root, 'backups'), machineClock);
    return (await upkeep.backUp(place, 'Full', () => undefined)).id;
  }

  /** Seeds `second` from what is committed here; how many messages that holds. */
  async seed(): Promise<number> {
    const messages = this.#delivered;
    const { disk } = new CopyFolder(join(this.root, 'second'), takeSnapshot);
    const place = new SeedPlace(disk);
    const snapshot = await this.files.takeSnapshot();
    const manifest = { ...snapshot.manifest, ends: [] };
    try {
      await place.begin(manifest);
      for (const file of manifest.files) {
        const bytes = await snapshot.read(file.name, 0, file.sizeBytes);
        for (const { position, length } of await place.missing(file.name, 0, bytes.length, sumsOf(bytes))) {
          await place.write(file.name, position, bytes.subarray(position, position + length));
        }
        await place.finish(file);
      }
      await place.verify(manifest.files, () => undefined);
      await place.install(manifest, { keep: false, surplus: [] });
    } finally {
      await snapshot.release();
    }
    return messages;
  }

  async defragment(): Promise<void> {
    const out = { print: () => undefined, progress: new Progress(() => undefined) };
    await defragmentCopy(join(this.root, 'copy'), out);
  }

  async close(): Promise<void> {
    this.#store = undefined;
    await this.files.close();
    await this.#folder.close();
  }

  /** After a failure: lets go of whatever can be let go of. */
  async abandon(): Promise<void> {
    await this.close().catch(() => undefined); // it has failed already, and its failure was told
  }

  /** The numbers of the messages that are here, each compared byte for byte. */
  messages(): number[] {
    if (this.files.appliedLsn === 0) return [];
    const journal: Journal = {
      admit: () => assert.fail('Nothing is written here'),
      nextLsn: () => assert.fail('Nothing is written here'),
      append: () => assert.fail('Nothing is written here'),
      committed: async () => undefined,
      mayEnterDatabase: async () => false,
    };
    const store = new StorageGroup({ ...this.files.mount(), journal, clock: machineClock, random: machineRandom });
    const folder = this.#inbox(store);
    if (folder === undefined) return [];
    return store.messages(folder.id, 1, folder.uidNext, folder.uidNext).map(({ uid, bodyId }) => {
      const bytes = store.body(bodyId);
      const number = Number(/^number (\d+)/.exec(bytes.toString('latin1', bytes.indexOf('\r\n\r\n') + 4))?.[1]);
      assert.ok(bytes.equals(bodyOf(number)), `message ${uid} is another one`);
      return number;
    });
  }

  #serving(): StorageGroup {
    assert.ok(this.#store !== undefined, 'The storage is open');
    return this.#store;
  }

  #inbox(store: StorageGroup) {
    return store.folderByName(1, 'INBOX');
  }
}

/** Of different lengths, a few of them longer than a log file. */
function bodyOf(number: number): Buffer {
  const words = `number ${number} of many `;
  const sizeBytes = number % 11 === 0 ? 30_000 : 400 + ((number * 733) % 4_000);
  return Buffer.from(`From: a@example.test\r\nSubject: ${number}\r\n\r\n${words.repeat(sizeBytes / words.length)}\r\n`);
}
