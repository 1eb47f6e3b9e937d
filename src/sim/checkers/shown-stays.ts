/** M4, M2: what a client was shown was committed, so it is there on whoever serves next; and a folder stays the same one. */
import { INBOX } from '../../mail/mailbox-name.ts';
import type { Serving } from '../../replication/copy.ts';
import type { MailStore } from '../../store/mail-store.ts';
import { ADDRESS } from '../client.ts';
import { type Checker, type SimulatedCluster, Violation } from '../simulated-cluster.ts';
import type { SimulatedHost } from '../simulated-host.ts';

export class ShownStays implements Checker {
  readonly name = 'what is shown stays';
  readonly #cluster: SimulatedCluster;
  readonly #shown = new Set<number>();
  #uidValidity: number | undefined;
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
    const folder = mailbox && store.folderByName(mailbox.id, INBOX);
    if (this.#cluster.mode === 'async' || folder === undefined) return;
    const uids = new Set(store.uids(folder.id));
    for (const uid of this.#shown) {
      if (!uids.has(uid)) throw new Violation('M4', `${where}: UID ${uid} was shown to a client and is not there`);
    }
  }

  #look(): void {
    const { seen } = this.#cluster.history;
    for (; this.#looked < seen.length; this.#looked++) {
      const { uid, uidValidity } = seen[this.#looked] ?? { uid: 0, uidValidity: 0 };
      this.#uidValidity ??= uidValidity;
      if (uidValidity !== this.#uidValidity) {
        throw new Violation(
          'M2',
          `a client was shown UIDVALIDITY ${uidValidity} of a folder with ${this.#uidValidity}`,
        );
      }
      this.#shown.add(uid);
    }
  }
}
