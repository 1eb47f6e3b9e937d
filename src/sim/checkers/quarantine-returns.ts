/**
 * S20: in the end all mail that a copy put aside with the tail of its log is back, once, in the folder that its record
 * names: unless somebody may have removed it. Where a disk was lost, or a log rotten, nobody knows what is still in a tail.
 */
import { decodeNote } from '../../base/checked-note.ts';
import { sha256 } from '../../base/checksum.ts';
import { formatLsn } from '../../log/lsn.ts';
import { decodeFact, type Fact } from '../../store/facts.ts';
import { ADDRESS } from '../client.ts';
import { readMailbox } from '../session-service.ts';
import { type Checker, type SimulatedCluster, Violation } from '../simulated-cluster.ts';
import type { SimulatedHost } from '../simulated-host.ts';
import { quarantineFolders, readLog } from './read-log.ts';

export class QuarantineReturns implements Checker {
  readonly name = 'mail in quarantine returns';
  readonly #cluster: SimulatedCluster;

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
  }

  ended(): void {
    const { hosts, serving } = this.#cluster;
    const store = serving?.serving?.store;
    if (store === undefined || hosts.some(({ disksLost, logsRotten }) => disksLost + logsRotten > 0)) return;
    const folders = readMailbox(store, ADDRESS);
    const found = new Set(folders.flatMap(({ messages }) => messages.map((message) => message.sha256)));
    for (const host of hosts) this.#check(host, found);
  }

  #check({ name, disk }: SimulatedHost, found: ReadonlySet<string>): void {
    for (const folder of tailFolders(disk)) {
      for (const { lsn, kind, payload } of readLog(disk, folder).records) {
        for (const bytes of messagesOf(decodeFact(kind, payload), hasTooOld(disk, folder))) {
          const digest = sha256(bytes).toString('hex');
          const operation = this.#cluster.history.bySha256(digest);
          if (operation === undefined || operation.fate.expunged !== 'no' || operation.fate.wasExpunged) continue;
          if (!found.has(digest))
            throw new Violation(
              'S20',
              `${operation.kind} ${operation.number} is in ${folder} of ${name} as ${formatLsn(lsn)} and did not come back`,
            );
        }
      }
    }
  }
}

/** Everything in them is back, as far as the copies say. */
export function tailsAreSettled({ disk }: SimulatedHost): boolean {
  return tailFolders(disk).every((folder) => disk.has(`${folder}/settled.json`));
}

/** Of tails that go back by themselves. */
function tailFolders(disk: SimulatedHost['disk']): readonly string[] {
  return quarantineFolders(disk).filter((folder) => readNote(disk, `${folder}/tail.json`)?.['returns'] === true);
}

function readNote(disk: SimulatedHost['disk'], name: string): Readonly<Record<string, unknown>> | undefined {
  return disk.has(name) ? decodeNote(disk.read(name, 0, disk.size(name) ?? 0)) : undefined;
}

/** When a message was added, the clock of its host says, and may be years off: it may have left some for too old. */
function hasTooOld(disk: SimulatedHost['disk'], folder: string): boolean {
  return Number(readNote(disk, `${folder}/settled.json`)?.['tooOld']) > 0;
}

function messagesOf(fact: Fact, withoutAdded: boolean): readonly Buffer[] {
  if (fact.type === 'MessageDelivered') return [fact.bytes];
  return fact.type === 'MessagesAppended' && !withoutAdded ? fact.messages.map(({ bytes }) => bytes) : [];
}
