/**
 * S13, M1, M7: what was acknowledged is there exactly once, on whoever serves, from the first moment; what was refused
 * is not there; what is unknown is there at most once. M2: a UID means the same message for ever. Acknowledged flags
 * stay.
 */
import { isProblem } from '../../base/problem.ts';
import { FLAG_FLAGGED } from '../../mail/flags.ts';
import type { Serving } from '../../replication/copy.ts';
import type { MailStore } from '../../store/mail-store.ts';
import { ADDRESS } from '../client.ts';
import type { Operation } from '../history.ts';
import { readFolder, type SeenFolder } from '../session-service.ts';
import { type Checker, type SimulatedCluster, Violation } from '../simulated-cluster.ts';
import type { SimulatedHost } from '../simulated-host.ts';

export class AcknowledgedIsThere implements Checker {
  readonly name = 'acknowledged is there';
  readonly #cluster: SimulatedCluster;
  readonly #uids = new Map<string, string>();
  #seen = 0;
  #hasEnded = false;

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
  }

  serving(host: SimulatedHost, serving: Serving | undefined): void {
    if (serving !== undefined) this.#compare(`${host.name} at the start of epoch ${serving.epoch}`, serving.store);
  }

  ended(): void {
    this.#hasEnded = true;
    const host = this.#cluster.serving;
    if (host?.serving !== undefined) this.#compare(`${host.name} in the end`, host.serving.store);
  }

  #compare(where: string, store: MailStore): void {
    if (store.mailboxByAddress(ADDRESS) === undefined) {
      const lost = this.#cluster.history.count('acknowledged');
      if (lost > 0) throw new Violation('M1', `${where}: the mailbox with ${lost} acknowledged messages is not there`);
      return;
    }
    const folder = readable(where, store);
    this.#compareMessages(where, folder);
    this.#compareUids(where, folder);
    this.#compareFlags(where, folder);
  }

  #compareMessages(where: string, folder: SeenFolder): void {
    const { history } = this.#cluster;
    const counts = new Map<string, number>();
    for (const { sha256 } of folder.messages) counts.set(sha256, (counts.get(sha256) ?? 0) + 1);
    for (const { kind, number, sha256, outcome } of history.operations) {
      const count = counts.get(sha256) ?? 0;
      const what = `${kind} ${number}`;
      if (count > 1) throw new Violation('M7', `${where}: ${what} is there ${count} times`);
      if (outcome === 'acknowledged' && count === 0 && this.#mustBeThere(kind)) {
        throw new Violation('M1', `${where}: ${what} was acknowledged and is not there`);
      }
      if (outcome === 'refused' && count > 0) throw new Violation('M1', `${where}: ${what} was refused and is there`);
      counts.delete(sha256);
    }
    for (const sha256 of counts.keys()) throw new Violation('M1', `${where}: a message that nobody sent (${sha256})`);
  }

  /** What the hub acknowledged stands in its queue or dumpster until the end, in async mode too. */
  #mustBeThere(kind: Operation['kind']): boolean {
    return kind === 'mail' ? this.#hasEnded : this.#cluster.mode !== 'async';
  }

  #compareUids(where: string, folder: SeenFolder): void {
    const { seen } = this.#cluster.history;
    for (; this.#seen < seen.length; this.#seen++) {
      const sighting = seen[this.#seen];
      if (sighting !== undefined) this.#note('a client', sighting.uidValidity, sighting.uid, sighting.sha256);
    }
    for (const { uid, sha256 } of folder.messages) {
      const known = this.#uids.get(`${folder.uidValidity}:${uid}`);
      if (known !== undefined && known !== sha256)
        throw new Violation('M2', `${where}: UID ${uid} was shown for another message`);
    }
  }

  #note(who: string, uidValidity: number, uid: number, sha256: string): void {
    const key = `${uidValidity}:${uid}`;
    const known = this.#uids.get(key);
    if (known !== undefined && known !== sha256)
      throw new Violation('M2', `${who} was shown UID ${uid} for two messages`);
    this.#uids.set(key, sha256);
  }

  #compareFlags(where: string, folder: SeenFolder): void {
    if (this.#cluster.mode === 'async') return;
    const flags = new Map(folder.messages.map(({ uid, flags: now }) => [uid, now]));
    for (const { uid, uidValidity } of this.#cluster.history.flagged) {
      if (uidValidity === folder.uidValidity && ((flags.get(uid) ?? 0) & FLAG_FLAGGED) === 0) {
        throw new Violation('M1', `${where}: the flag of UID ${uid} was acknowledged and is not there`);
      }
    }
  }
}

/** What cannot be read any more is lost. */
function readable(where: string, store: MailStore): SeenFolder {
  try {
    return readFolder(store, ADDRESS);
  } catch (error) {
    if (!isProblem(error)) throw error;
    throw new Violation('M1', `${where}: ${error.message}`);
  }
}
