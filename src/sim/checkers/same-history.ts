/**
 * In the end, when everything is at rest: S14, the logs of all copies are the same records, in byte-identical files;
 * S22, no database is ahead of its log; S21, every database is what its log gives when it is replayed from zero.
 */
import { formatLsn } from '../../log/lsn.ts';
import { Database } from '../../store/database.ts';
import { digestApplied } from '../../store/digest.ts';
import { Packs } from '../../store/packs.ts';
import { Replayer } from '../../store/replay.ts';
import { PortPackDevice } from '../disk-ports.ts';
import { type Checker, type SimulatedCluster, Violation } from '../simulated-cluster.ts';
import { SimulatedDisk } from '../simulated-disk.ts';
import type { SimulatedHost } from '../simulated-host.ts';
import { SimulatedProcess } from '../simulated-process.ts';
import { type LogOnDisk, readLog } from './read-log.ts';

interface Log extends LogOnDisk {
  readonly host: SimulatedHost;
}

export class SameHistory implements Checker {
  readonly name = 'same history';
  readonly #cluster: SimulatedCluster;

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
  }

  ended(): void {
    const logs = this.#cluster.hosts.map((host) => ({ host, ...readLog(host.disk) }));
    const [first, ...others] = logs;
    if (first === undefined) return;
    for (const other of others) compareLogs(first, other);
    // They are the same: of one that goes back to the beginning, the replay is that of all.
    const whole = logs.find(({ files }) => files.has(1));
    let expected = whole && this.#replayed(whole);
    for (const { host } of logs) {
      const { database } = host;
      if (database === undefined) continue;
      const digest = digestApplied(database);
      const end = first.records.at(-1)?.lsn ?? 0;
      if (digest.lsn > end) throw new Violation('S22', `the database of ${host.name} is ahead of its log`);
      if (digest.lsn < end)
        throw new Violation('L2', `${host.name} has applied ${formatLsn(digest.lsn)} of ${formatLsn(end)}`);
      expected ??= digest.sha256;
      if (digest.sha256 !== expected)
        throw new Violation('S21', `the database of ${host.name} is not what its log says`);
    }
  }

  #replayed({ signature, records }: Log): string {
    const disk = new SimulatedDisk(this.#cluster.time, this.#cluster.random);
    const process = new SimulatedProcess('replay');
    const packs = new Packs(new PortPackDevice({ disk, process, root: 'packs', keepOfBuffer: () => 0 }));
    const database = new Database({ path: ':memory:', signature });
    const replayer = new Replayer({ database, packs });
    for (const record of records) replayer.apply(record);
    const { sha256 } = digestApplied(database);
    database.close();
    return sha256;
  }
}

/** From the first record that both still have: old files go when nobody needs them, and a seeded copy begins later. */
function compareLogs(one: Log, other: Log): void {
  const names = `${one.host.name} and ${other.host.name}`;
  const from = Math.max(one.records[0]?.lsn ?? 0, other.records[0]?.lsn ?? 0);
  const left = one.records.filter(({ lsn }) => lsn >= from);
  const right = other.records.filter(({ lsn }) => lsn >= from);
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const [here, there] = [left[index], right[index]];
    if (here?.lsn === there?.lsn && here?.crc === there?.crc) continue;
    throw new Violation('S14', `${names} differ: ${formatLsn(here?.lsn ?? 0)} and ${formatLsn(there?.lsn ?? 0)}`);
  }
  for (const [generation, bytes] of one.files) {
    if (other.files.get(generation)?.equals(bytes) === false) {
      throw new Violation('S14', `${names} have different files of generation ${generation}`);
    }
  }
}
