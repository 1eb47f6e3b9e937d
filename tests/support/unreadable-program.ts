/**
 * A copy that serves while its disk does not give back what it holds, and a second copy beside it: one case for each kind
 * of file. Asserts that nothing wrong is given out, that the damage is told, and how it is mended.
 *
 *   unreadable-program.ts ROOT CASE once|ever     ROOT is watched by faulty-disk.c
 */
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger } from '../../src/base/logger.ts';
import type { Channel } from '../../src/base/network.ts';
import { MemoryNetwork } from '../../src/base/testing/memory-network.ts';
import { copyEndpoint } from '../../src/directory/copy-protocol.ts';
import { CopyFolder } from '../../src/host/copy-folder.ts';
import { machineClock, machineRandom, yieldTurn } from '../../src/host/machine.ts';
import { CopyMaintenance } from '../../src/main/copy-maintenance.ts';
import { makeCopy } from '../../src/main/eseutil/testing/copy-fixture.ts';
import { CopyFiles } from '../../src/replication/copy-files.ts';
import { CopyHosts } from '../../src/replication/copy-hosts.ts';
import { CopyParts } from '../../src/replication/copy-parts.ts';
import { takeSnapshot } from '../../src/store/snapshot.ts';
import { StorageGroup } from '../../src/store/storage-group.ts';
import { orderFault } from './faulty-disk.ts';

const GROUP = 'First Storage Group';
const HOSTS = ['node1', 'node2'];
const MESSAGES = 40;
const [root = '', title = '', times = ''] = process.argv.slice(2);
const isForEver = times === 'ever';

function fail(name: string): void {
  orderFault({ point: `read node1/${name}`, number: 1, action: 'EIO', ever: isForEver });
}

class UnreadableCopy {
  readonly files: CopyFiles;
  readonly maintenance: CopyMaintenance;
  /** What only making the copy anew can mend. */
  readonly told: string[] = [];
  #store: StorageGroup | undefined;

  constructor() {
    const folder = new CopyFolder(join(root, 'node1'), takeSnapshot);
    this.files = new CopyFiles({
      circularLogging: false,
      storage: folder,
      clock: machineClock,
      random: machineRandom,
      logger: silentLogger,
      yieldTurn,
      committedLsn: () => 0,
      onDatabaseUnreadable: (what) => this.told.push(what),
      onUnreadableFile: (generation, what) => this.maintenance.logFileDamaged(generation, what),
    });
    const parts = new CopyParts(this.files, folder.disk, (step) => step());
    const network = new MemoryNetwork();
    const [maintenance, other] = HOSTS.map((host) => this.#maintenanceOf(host, parts, network));
    assert.ok(maintenance !== undefined && other !== undefined);
    this.maintenance = maintenance;
    folder.onBodyDamaged = (bodyId) => maintenance.bodyDamaged(bodyId);
    network.host('node2').listen(copyEndpoint('node2', GROUP), (channel: Channel) => {
      let isGreeted = false;
      channel.onFrame(() => {
        if (!isGreeted) other.accept(channel);
        isGreeted = true;
      });
    });
  }

  #maintenanceOf(host: string, parts: CopyParts, network: MemoryNetwork): CopyMaintenance {
    return new CopyMaintenance({
      root: join(root, host),
      host,
      storageGroup: GROUP,
      copies: new CopyHosts(host, HOSTS),
      network: network.host(host),
      clock: machineClock,
      logger: silentLogger,
      state: () => ({ endLsn: 1, isActive: host === 'node1' }),
      inTurn: () => Promise.reject(new Error('Nobody defragments here')),
      parts,
      onDatabaseDamaged: (what) => this.told.push(what),
      limits: { repairRetryMs: 20, scrubBytesPerSecond: 1024 * 1024 * 1024 },
    });
  }

  async open(): Promise<void> {
    await this.files.open();
    await this.files.epochs.use(3);
    const journal = {
      admit: () => undefined,
      nextLsn: () => assert.fail('Nothing is written here'),
      append: () => assert.fail('Nothing is written here'),
      committed: async () => undefined,
      mayEnterDatabase: async () => false,
    };
    this.#store = new StorageGroup({ ...this.files.mount(), journal, clock: machineClock, random: machineRandom });
  }

  get store(): StorageGroup {
    assert.ok(this.#store !== undefined);
    return this.#store;
  }

  /** Reads every message, which must be as it was sent. */
  readAll(): void {
    const inbox = this.store.folderByName(1, 'INBOX');
    assert.ok(inbox !== undefined);
    const rows = this.store.messages(inbox.id, 1, inbox.uidNext, inbox.uidNext);
    assert.equal(rows.length, MESSAGES);
    for (const { bodyId, uid } of rows)
      assert.match(this.store.body(bodyId).toString('latin1'), new RegExp(`${uid - 1} lorem`));
  }

  async readLog(): Promise<number> {
    let records = 0;
    for await (const item of this.files.log.reader.readFile(1)) if (item.type === 'record') records += 1;
    return records;
  }

  /** While the disk fails, damage is told; when it is well again, all is mended. */
  async mends(): Promise<void> {
    if (isForEver) await until(() => this.maintenance.report().damage.length > 0);
    orderFault(undefined);
    await until(() => this.maintenance.report().damage.length === 0);
    assert.deepEqual((await this.maintenance.scrub()).findings, []);
    this.readAll();
  }
}

async function until(isSo: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 500 && !isSo(); attempt++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(isSo());
}

const cases: Readonly<Record<string, (copy: UnreadableCopy) => Promise<void>>> = {
  'a message': async (copy) => {
    fail('packs/#.pack');
    assert.throws(() => copy.readAll(), {
      code: 'BodyDamaged',
      message: /packs\/00000001\.pack: the disk reports an error/,
    });
    // What was fetched is written and reads back wrong again: that pack's disk is not to be trusted any more.
    if (isForEver) await until(() => copy.told.some((what) => what.includes('packs/00000001.pack')));
    await copy.mends();
  },
  'a message, met by the scrub': async (copy) => {
    fail('packs/#.pack');
    const { findings } = await copy.maintenance.scrub();
    assert.ok(findings.length > 0 && findings.every(({ bodyId }) => bodyId !== undefined));
    await copy.mends();
  },
  'a closed log file': async (copy) => {
    fail('log/E#.log');
    await assert.rejects(copy.readLog(), { code: 'DiskFailed', message: /log\/E0000000001\.log: the disk reports/ });
    await copy.mends();
    assert.ok((await copy.readLog()) >= MESSAGES);
  },
  'a closed log file, met by the scrub': async (copy) => {
    fail('log/E#.log');
    const { findings } = await copy.maintenance.scrub();
    assert.ok(findings.length > 0 && findings.every(({ file }) => file.startsWith('log/E0000000')));
    await copy.mends();
  },
  'the database': async (copy) => {
    fail('database.sqlite');
    // SQLite calls a page that it cannot read damaged, or the disk failed, as it comes.
    assert.throws(() => copy.readAll(), { code: /^(DatabaseDamaged|DiskFailed)$/, message: /database\.sqlite/ });
    assert.match(copy.told[0] ?? '', /^Cannot use the database \(database\.sqlite\): /);
    orderFault(undefined);
    copy.readAll();
  },
  'the database, met by the scrub': async (copy) => {
    fail('database.sqlite');
    const scrub = await copy.maintenance.scrub().catch((error: unknown) => error);
    // A first page that cannot be read ends the thread; any other one is a finding.
    if (!(scrub instanceof Error)) assert.match(copy.told[0] ?? '', /^database\.sqlite, bytes/);
    else assert.match(scrub.message, /^Cannot finish the scrub: .*database\.sqlite/);
    orderFault(undefined);
    copy.readAll();
  },
  'a note': async (copy) => {
    fail('epoch.json');
    const { findings } = await copy.maintenance.scrub();
    assert.deepEqual(
      findings.map(({ file }) => file),
      ['epoch.json'],
    );
    await copy.mends();
  },
};

const fixture = await makeCopy({ messages: MESSAGES, fileSizeBytes: 16 * 1024 });
for (const host of HOSTS) cpSync(fixture.root, join(root, host), { recursive: true });
fixture.remove();
const copy = new UnreadableCopy();
await copy.open();
await cases[title]?.(copy);
process.exit(title in cases ? 0 : 2);
