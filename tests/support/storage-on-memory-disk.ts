/**
 * A copy's log, packs and database on a disk in memory that can lose what was not synced. The database stands there as
 * its image: a commit is one name that points to other bytes, and a loss of power may bring an older one back until a
 * checkpoint made it durable, which is what SQLite promises with synchronous=NORMAL.
 */
import assert from 'node:assert/strict';
import { present } from '../../src/base/assert.ts';
import { SeededRandom } from '../../src/base/random.ts';
import { readFrame } from '../../src/log/record.ts';
import { openWorld } from '../../src/log/testing/log-story.ts';
import type { MemoryDisk } from '../../src/log/testing/memory-disk.ts';
import type { TransactionLog } from '../../src/log/transaction-log.ts';
import type { SeedSnapshot } from '../../src/replication/seed-manifest.ts';
import { Database } from '../../src/store/database.ts';
import { encodeFact } from '../../src/store/facts.ts';
import { BodyMover } from '../../src/store/maintenance/body-mover.ts';
import { checkRows } from '../../src/store/maintenance/check-database.ts';
import { packName, packNumber } from '../../src/store/maintenance/pack-name.ts';
import { type PackDevice, Packs } from '../../src/store/packs.ts';
import { Replayer } from '../../src/store/replay.ts';
import { takeImage } from '../../src/store/snapshot.ts';
import { StorageGroup } from '../../src/store/storage-group.ts';
import { TestClock } from '../../src/store/testing/store-world.ts';

const DATABASE = 'database.sqlite';
/** Three messages fill one. */
const PACK_BYTES = 2_048;

class MemoryDiskPacks implements PackDevice {
  readonly #disk: MemoryDisk;

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
  }

  append(pack: number, position: number, bytes: Uint8Array): void {
    this.#disk.writeNow(packName(pack), position, bytes);
  }

  read(pack: number, position: number, length: number): Buffer {
    return this.#disk.readNow(packName(pack), position, length);
  }

  async sync(): Promise<void> {
    for (const { pack } of this.list()) await this.#disk.sync(packName(pack));
    await this.#disk.syncFolder('packs');
  }

  truncate(pack: number, length: number): void {
    this.#disk.truncateNow(packName(pack), length);
  }

  remove(pack: number): void {
    this.#disk.removeNow(packName(pack));
  }

  list(): { pack: number; length: number }[] {
    return this.#disk.lengthsNow().flatMap(([name, length]) => {
      const pack = name.startsWith('packs/') ? packNumber(name.slice('packs/'.length)) : undefined;
      return pack === undefined ? [] : [{ pack, length }];
    });
  }

  close(): void {
    return;
  }
}

export class StorageOnMemoryDisk {
  readonly #disk: MemoryDisk;
  readonly log: TransactionLog;
  readonly database: Database;
  readonly packs: Packs;
  readonly store: StorageGroup;
  readonly #device: MemoryDiskPacks;
  #checkpointedLsn = 0;
  /** The log goes no further than this, whatever a checkpoint says. */
  keptLsn = Number.POSITIVE_INFINITY;

  /** With its log recovered, to serve under `epoch`. */
  static async open(disk: MemoryDisk, epoch: number, knownDurableLsn: number): Promise<StorageOnMemoryDisk> {
    const { log } = await openWorld(disk, { knownDurableLsn });
    return await StorageOnMemoryDisk.openBehind(log, disk, epoch);
  }

  static async openBehind(log: TransactionLog, disk: MemoryDisk, epoch: number): Promise<StorageOnMemoryDisk> {
    const image = disk.files().get(DATABASE);
    startEpoch(log, epoch);
    await log.durable(log.endLsn);
    const options = { path: ':memory:', signature: present(log.signature, 'The log has begun') };
    return new StorageOnMemoryDisk(disk, log, new Database(image === undefined ? options : { ...options, image }));
  }

  private constructor(disk: MemoryDisk, log: TransactionLog, database: Database) {
    this.#disk = disk;
    this.log = log;
    this.database = database;
    this.#device = new MemoryDiskPacks(disk);
    this.packs = new Packs(this.#device, PACK_BYTES);
    const { packs } = this;
    const journal = {
      admit: (bytes: number) => log.admit(bytes),
      nextLsn: () => log.endLsn + 1,
      append: (kind: number, payload: Uint8Array) => log.append(kind, payload).lsn,
      committed: (lsn: number) => log.durable(lsn),
      mayEnterDatabase: () => Promise.resolve(true),
    };
    this.store = new StorageGroup({ database, packs, journal, clock: new TestClock(), random: new SeededRandom(1) });
  }

  /** What the log has behind the database. */
  async replay(): Promise<void> {
    const replayer = new Replayer(this);
    for await (const item of this.log.reader.readFile(this.log.firstGeneration)) {
      if (item.type === 'record') replayer.apply(readFrame(item.frame));
    }
  }

  /** As every so many commits of a copy are: with a checkpoint, behind which log files go. */
  async commit(withCheckpoint: boolean): Promise<void> {
    const image = (): Uint8Array => this.database.connection.serialize();
    if (!withCheckpoint) {
      await this.store.commitDatabase();
      return this.#disk.replaceNow(DATABASE, image());
    }
    this.#checkpointedLsn = await this.store.commitDatabase(async () => {
      this.#disk.replaceNow(DATABASE, image());
      await this.#disk.step();
      await this.#disk.syncFolder('');
      return true;
    });
    await this.log.removeBelow(Math.min(this.#checkpointedLsn, this.keptLsn));
  }

  /** As of a commit that a loss of power may still take back. */
  async takeSnapshot(): Promise<SeedSnapshot> {
    let snapshot: SeedSnapshot | undefined;
    await this.store.commitDatabase(async () => {
      const { lsn, packs, image } = takeImage(this.database, this.#device);
      this.#disk.replaceNow(DATABASE, image);
      const database = { name: DATABASE, sizeBytes: image.length };
      const files = [database, ...packs.map(({ pack, length }) => ({ name: packName(pack), sizeBytes: length }))];
      snapshot = {
        manifest: { lsn, signature: this.signature, files },
        read: async (name, position, length) =>
          name === DATABASE
            ? Buffer.from(image.subarray(position, position + length))
            : this.#disk.readNow(name, position, length),
        release: async () => undefined,
      };
      return false;
    });
    return present(snapshot, 'The commit has asked for a checkpoint');
  }

  /** Of the log stream, hex. */
  get signature(): string {
    return Buffer.from(present(this.log.signature, 'The log has begun')).toString('hex');
  }

  /** Bodies of `pack` go into a pack of their own. */
  async empty(pack: number): Promise<void> {
    const count = { bodies: 0, bytes: 0, damaged: 0 };
    await this.store.inTurn(() => {
      const ids = this.database.connection.prepare('SELECT id FROM body WHERE pack = ? ORDER BY id').all(pack);
      const mover = new BodyMover(this, count);
      if (ids.length > 0)
        mover.step(
          pack,
          ids.map(({ id }) => Number(id)),
          0,
          () => false,
        );
      mover.finish();
    });
  }

  /** Nothing that the rows say is contradicted by other rows. */
  assertAgrees(label: string): void {
    this.database.writeTally();
    const file = { connection: this.database.connection, name: DATABASE, sizeBytes: 0 };
    assert.deepEqual(checkRows(file), [], label);
  }

  async close(): Promise<void> {
    await this.log.close();
    this.database.close();
  }
}

function startEpoch(log: TransactionLog, epoch: number): void {
  const { kind, payload } = encodeFact({
    type: 'EpochStarted',
    epoch,
    previousEndLsn: log.endLsn,
    previousChain: log.chain,
    host: 'node1',
    incarnation: 1,
    timeMs: 0,
    uidJump: 0,
  });
  log.startEpoch(epoch, kind, payload);
}
