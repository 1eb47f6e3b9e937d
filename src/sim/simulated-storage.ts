/**
 * The home of one copy on a simulated disk. The log, the epoch and the packs are files of it; the database is SQLite in
 * memory, and what would be left of it is kept as an image: after a kill the last commit, after a loss of power the last
 * commit that was carried over, or a later one, as chance will have it.
 */
import { present } from '../base/assert.ts';
import { Problem } from '../base/problem.ts';
import type { Random } from '../base/random.ts';
import type { LogDevice } from '../log/disk.ts';
import type { CopyStorage, PackLengths } from '../replication/copy-storage.ts';
import { DATABASE_FILE, type SeedSnapshot } from '../replication/seed-manifest.ts';
import { Database } from '../store/database.ts';
import type { PackDevice } from '../store/packs.ts';
import { takeImage } from '../store/snapshot.ts';
import { type Place, PortDisk, PortLogDevice, PortPackDevice } from './disk-ports.ts';
import type { SimulatedDisk } from './simulated-disk.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import { simulatedSnapshot } from './simulated-seed.ts';

const DAMAGED_BYTES = 4_096;

/** What outlives the process: one for each copy of a machine. */
export class DatabaseImages {
  /** As the last commit left it; what a killed process leaves. */
  committed: Uint8Array | undefined;
  /** As the last complete checkpoint left it; what a loss of power surely leaves. */
  checkpointed: Uint8Array | undefined;

  losePower(random: Random): void {
    if (random.below(2) === 0) this.committed = this.checkpointed;
    else this.checkpointed = this.committed;
  }

  /** The first page is overwritten: with it goes the way to all others. */
  rot(): boolean {
    if (this.committed === undefined) return false;
    this.committed = Uint8Array.from(this.committed).fill(0, 0, DAMAGED_BYTES);
    this.checkpointed = this.committed;
    return true;
  }

  loseEverything(): void {
    this.committed = undefined;
    this.checkpointed = undefined;
  }
}

/** A database whose owner's death leaves its last commit behind. */
class ImagedDatabase extends Database {
  readonly #images: DatabaseImages;
  #isClosed = false;
  #lastCommit: Uint8Array | undefined;

  constructor(options: { signature: Uint8Array; images: DatabaseImages; process: SimulatedProcess }) {
    const { signature, images, process } = options;
    super({ path: ':memory:', signature, ...(images.committed === undefined ? {} : { image: images.committed }) });
    this.#images = images;
    process.onDeath(() => this.#keep());
  }

  /** As it was last committed, also while a transaction is open. */
  lastCommit(): Uint8Array | undefined {
    return this.connection.isTransaction ? this.#lastCommit : this.connection.serialize();
  }

  override begin(): void {
    if (!this.connection.isTransaction) this.#lastCommit = this.connection.serialize();
    super.begin();
  }

  override close(): void {
    this.#keep();
    this.#isClosed = true;
    super.close();
  }

  #keep(): void {
    if (this.#isClosed) return;
    if (this.connection.isTransaction) this.connection.exec('ROLLBACK');
    this.#images.committed = this.connection.serialize();
  }
}

export interface StorageOptions {
  readonly disk: SimulatedDisk;
  readonly process: SimulatedProcess;
  readonly folder: string;
  readonly images: DatabaseImages;
  readonly random: Random;
}

/** One complete checkpoint in so many: the others are disturbed by a reader. */
const COMPLETE_CHECKPOINT_IN = 3;

export class SimulatedStorage implements CopyStorage {
  readonly databasePath = ':memory:';
  readonly disk: PortDisk;
  readonly #options: StorageOptions;
  #database: ImagedDatabase | undefined;

  constructor(options: StorageOptions) {
    this.#options = options;
    this.disk = new PortDisk({ disk: options.disk, process: options.process, root: options.folder });
  }

  get database(): Database | undefined {
    return this.#database;
  }

  /** A seed's database comes as a file and becomes the image: from then on it is the image that lives. */
  async prepare(): Promise<void> {
    const size = await this.disk.size(DATABASE_FILE);
    if (size === undefined) return;
    const { images } = this.#options;
    images.committed = await this.disk.read(DATABASE_FILE, 0, size);
    images.checkpointed = images.committed;
    await this.disk.remove(DATABASE_FILE);
    await this.disk.syncFolder('');
  }

  putDatabaseAside(): Promise<void> {
    this.#options.images.loseEverything();
    return Promise.resolve();
  }

  openDevice(): LogDevice {
    return new PortLogDevice(this.#place);
  }

  openPacks(): PackDevice {
    const { disk, process, folder, random } = this.#options;
    return new PortPackDevice({
      disk,
      process,
      root: `${folder}/packs`,
      keepOfBuffer: (bytes) => random.below(bytes + 1),
    });
  }

  openDatabase(signature: Uint8Array): Database {
    const { disk, images, process } = this.#options;
    // SQLite makes two files beside the database before it reads anything.
    if (disk.isFull) throw new Problem('DiskFull', 'Cannot open the database: the disk is full', { temporary: true });
    this.#database = new ImagedDatabase({ signature, images, process });
    return this.#database;
  }

  freeBytes(): Promise<number> {
    const { disk } = this.#options;
    return Promise.resolve(disk.isNearlyFull ? 0 : Number.POSITIVE_INFINITY);
  }

  async checkpointDatabase(): Promise<boolean> {
    const { disk, process, images, random } = this.#options;
    const database = this.#database;
    if (database === undefined || database.connection.isTransaction || random.below(COMPLETE_CHECKPOINT_IN) > 0)
      return false;
    const image = database.connection.serialize();
    await disk.operation(process, disk.syncMs(), () => disk.checkHealth('checkpoint'));
    images.checkpointed = image;
    images.committed = image;
    return true;
  }

  /** Of the last commit: an active copy whose peer is away does not commit for long. */
  takeSnapshot(packs: PackLengths, signature: string): Promise<SeedSnapshot> {
    const image = present(this.#database, 'A snapshot is taken of an open database').lastCommit();
    const path = ':memory:';
    const copy = new Database({
      path,
      signature: Buffer.from(signature, 'hex'),
      ...(image === undefined ? {} : { image }),
    });
    try {
      return Promise.resolve(simulatedSnapshot(this.#place, takeImage(copy, packs), signature));
    } finally {
      copy.close();
    }
  }

  get #place(): Place {
    const { disk, process, folder } = this.#options;
    return { disk, process, root: folder };
  }
}
