import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CopyComparison, CopyReport, CopyUpkeepReport } from '../context.ts';
import { execute } from '../registry.ts';
import { FakeCluster, GROUP, IDENTITY } from '../testing/fake-cluster.ts';

const LSN = 0x1_0000_0010;

const comparison: CopyComparison = {
  host: 'mbx01-node2',
  lsn: LSN,
  otherLsn: LSN,
  result: 'Different',
  differentFolders: [0, 7],
  reason: null,
};

const NO_DEFRAGMENTATION = { progress: null, lastMs: null };

/** Hosts that answer about their files, and a copy whose scrub found something. */
class MaintainedCluster extends FakeCluster {
  override async askHost(host: string, method: string, body: object): Promise<unknown> {
    const answer = await super.askHost(host, method, body);
    if (method === 'compare-copy') return [comparison];
    if (method !== 'log-files') return answer;
    const need = { name: 'E0000000001.log', generation: 1, lastLsn: LSN, sizeBytes: 1_048_576, createdMs: 0 };
    return [{ ...need, reasons: ['not backed up, and circular logging is off'] }];
  }

  override async copyReports(): Promise<readonly CopyReport[]> {
    const damage = ['packs/00000001.pack, bytes 20 to 4116: message body 3: its checksum is wrong'];
    return (await super.copyReports()).map((report) => ({
      ...report,
      maintenance: {
        damage,
        repairedBodies: 0,
        lastScrubMs: null,
        comparisons: [comparison],
        defragmentation: NO_DEFRAGMENTATION,
      },
    }));
  }
}

/** The passive copy says this of what is done for it. */
class UpkeptCluster extends FakeCluster {
  readonly #upkeep: Partial<CopyUpkeepReport>;

  constructor(upkeep: Partial<CopyUpkeepReport>) {
    super();
    this.#upkeep = upkeep;
  }

  override async copyReports(): Promise<readonly CopyReport[]> {
    const backups = { latestFullMs: null, latestIncrementalMs: null };
    const upkeep = { backups, contentIndex: null, ...this.#upkeep };
    return (await super.copyReports()).map((report) =>
      report.host === 'mbx01-node2' ? { ...report, upkeep } : report,
    );
  }
}

/** The passive copy has mail in quarantine, and some of it is not taken. */
const waiting = { quarantine: { messages: 5, tooOld: 0, changes: 1, waiting: 3, aside: 0 } };

async function rowsOf(command: string, parameters: Record<string, unknown> = {}) {
  const cluster = new MaintainedCluster();
  const { rows } = await execute(cluster, { command, parameters }, 'Server Administrator');
  return { rows, cluster };
}

test('Test-StorageGroupCopy: copies that differ: the active host is asked, folders are named', async () => {
  const { rows, cluster } = await rowsOf('Test-StorageGroupCopy');
  assert.deepEqual(cluster.asked, [{ to: 'mbx01-node1', method: 'compare-copy', body: { storageGroup: GROUP } }]);
  assert.deepEqual(rows, [
    {
      Identity: IDENTITY,
      ActiveCopy: 'mbx01-node1',
      Copy: 'mbx01-node2',
      Position: '1:16',
      Result: 'Different',
      DifferentFolders: ['0', '7'],
      Error: null,
    },
  ]);
});

test('Get-LogTruncation: of the active copy, or of the one that is named', async () => {
  const { rows, cluster } = await rowsOf('Get-LogTruncation', { Identity: IDENTITY });
  assert.deepEqual(rows[0]?.['Reasons'], ['not backed up, and circular logging is off']);
  assert.equal(rows[0]?.['LastRecord'], '1:16');
  assert.equal(cluster.asked[0]?.to, 'mbx01-node1');
  const other = await rowsOf('Get-LogTruncation', { Identity: GROUP, Server: 'MBX01-NODE2' });
  assert.equal(other.cluster.asked[0]?.to, 'mbx01-node2');
  await assert.rejects(rowsOf('Get-LogTruncation', { Identity: GROUP, Server: 'elsewhere' }), { code: 'CopyNotFound' });
});

test('Get-QuarantinedChange: of every copy that answers, or of the one that is named', async () => {
  const { rows, cluster } = await rowsOf('Get-QuarantinedChange', { Identity: IDENTITY });
  assert.deepEqual(
    cluster.asked.map(({ to, method }) => `${method} ${to}`),
    ['quarantined-changes mbx01-node1', 'quarantined-changes mbx01-node2'],
  );
  assert.deepEqual([rows[0]?.['Record'], rows[0]?.['State']], ['1:17', 'There']);
  const one = await rowsOf('Get-QuarantinedChange', { Identity: GROUP, Server: 'MBX01-NODE2' });
  assert.deepEqual(
    one.rows.map((row) => row['Server']),
    ['mbx01-node2'],
  );
});

test('Restore-QuarantinedMail: the host whose copy was seeded is asked, once for each storage group', async () => {
  const { rows, cluster } = await rowsOf('Restore-QuarantinedMail', { Identity: IDENTITY, Server: 'MBX01-node2' });
  assert.deepEqual(cluster.asked, [{ to: 'mbx01-node2', method: 'return-quarantined', body: { storageGroup: GROUP } }]);
  assert.deepEqual(rows, [{ Folders: 1 }]);
  await assert.rejects(rowsOf('Restore-QuarantinedMail', { Identity: IDENTITY, Server: 'elsewhere' }), {
    code: 'CopyNotFound',
  });
});

test('Get-LossReport: counts what is in the quarantines of the copies', async () => {
  const order = { command: 'Get-LossReport', parameters: {} };
  const [row] = (await execute(new UpkeptCluster(waiting), order, 'Server Administrator')).rows;
  assert.deepEqual([row?.['QuarantinedMessages'], row?.['QuarantinedChanges']], [5, 1]);
});

test('Test-ReplicationHealth: mail in quarantine that nobody takes: fails the check of that copy', async () => {
  const order = { command: 'Test-ReplicationHealth', parameters: {} };
  const { rows } = await execute(new UpkeptCluster(waiting), order, 'Server Administrator');
  const failed = rows.filter((each) => each['Result'] === '*FAILED*');
  assert.deepEqual(
    failed.map((row) => [row['Server'], row['Check']]),
    [['mbx01-node2', 'SGCopyQuarantine']],
  );
  assert.match(String(failed[0]?.['Error']), /3 messages in quarantine are not taken/);
});

test('Test-ReplicationHealth: a disk that runs full: fails the check of that copy and says what follows', async () => {
  const errorWith = async (room: CopyUpkeepReport['room']): Promise<unknown> => {
    const order = { command: 'Test-ReplicationHealth', parameters: {} };
    const { rows } = await execute(
      new UpkeptCluster(room === undefined ? {} : { room }),
      order,
      'Server Administrator',
    );
    return rows.find((row) => row['Check'] === 'SGCopyDiskSpace' && row['Server'] === 'mbx01-node2')?.['Error'];
  };
  const MiB = 1024 ** 2;
  const room = { freeBytes: null, isLogFull: false, isShort: false };
  assert.equal(await errorWith(undefined), null);
  assert.equal(await errorWith(room), null);
  assert.equal(await errorWith({ ...room, freeBytes: 1024 * MiB }), null);
  assert.match(String(await errorWith({ ...room, freeBytes: 1023.5 * MiB })), /nearly full, 1023 MiB free$/);
  assert.match(
    String(await errorWith({ ...room, freeBytes: 63 * MiB, isShort: true })),
    /63 MiB free: this copy takes no more of what is new$/,
  );
  assert.match(
    String(await errorWith({ freeBytes: 0, isLogFull: true, isShort: true })),
    /the disk is full: no further log file fits, 0 MiB free$/,
  );
  assert.match(String(await errorWith({ ...room, isLogFull: true })), /no further log file fits$/);
});

test('Test-ReplicationHealth: damage and a difference: fail the check of that copy', async () => {
  const { rows } = await rowsOf('Test-ReplicationHealth');
  const row = rows.find((each) => each['Check'] === 'SGCopyDamage' && each['Server'] === 'mbx01-node1');
  assert.equal(row?.['Result'], '*FAILED*');
  assert.match(
    String(row?.['Error']),
    /message body 3: its checksum is wrong; it differs from the copy on mbx01-node2/,
  );
});
