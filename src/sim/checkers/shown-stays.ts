/**
 * M4, M2: what a client was shown was committed, so it is there on whoever serves next, unless a client moved or expunged
 * it; and a folder stays the same one.
 */
import type { Serving } from '../../replication/copy.ts';
import type { MailStore } from '../../store/mail-store.ts';
import { ADDRESS } from '../client.ts';
import type { Sighting } from '../history.ts';
import { type Checker, type SimulatedCluster, Violation } from '../simulated-cluster.ts';
import type { SimulatedHost } from '../simulated-host.ts';

export class ShownStays implements Checker {
  readonly name = 'what is shown stays';
  readonly #cluster: SimulatedCluster;
  /** By folder and UID. */
  readonly #shown = new Map<string, Sighting>();
  readonly #uidValidity = new Map<string, number>();
  #looked = 0;

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
  }

  serving({ name }: SimulatedHost, serving: Serving | undefined): void {
    if (serving !== undefined) this.#compare(`${name} at the start of epoch ${serving.epoch}`, serving.store);
  }

  ended(): void {
    const host = this.#cluster.serving;
    if (host?.serving !== undefined) this.#compare(`${host.name} in the end`, host.serving.store);
  }

  #compare(where: string, store: MailStore): void {
    this.#look();
    const mailbox = store.mailboxByAddress(ADDRESS);
    if (this.#cluster.mode === 'async' || mailbox === undefined) return;
    const folders = store.folders(mailbox.id).map(({ id, name }) => [name, new Set(store.uids(id))] as const);
    const there = new Map(folders);
    for (const { folder, uid, sha256 } of this.#shown.values()) {
      const fate = this.#cluster.history.bySha256(sha256)?.fate;
      if (fate?.wasMoved === true || fate?.expunged !== 'no' || there.get(folder)?.has(uid) === true) continue;
      throw new Violation('M4', `${where}: UID ${uid} of ${folder} was shown to a client and is not there`);
    }
  }

  #look(): void {
    const { seen } = this.#cluster.history;
    for (const sighting of seen.slice(this.#looked)) {
      const { folder, uid, uidValidity } = sighting;
      const known = this.#uidValidity.get(folder) ?? uidValidity;
      this.#uidValidity.set(folder, known);
      if (uidValidity !== known) {
        throw new Violation('M2', `a client was shown UIDVALIDITY ${uidValidity} of ${folder}, which had ${known}`);
      }
      this.#shown.set(`${folder}:${uid}`, sighting);
    }
    this.#looked = seen.length;
  }
}
