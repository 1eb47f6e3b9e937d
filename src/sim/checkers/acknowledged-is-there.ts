/**
 * S13, M1, M7, M8: what was acknowledged is there exactly once, on whoever serves, from the first moment, in the folder
 * and with the flag that it was given; what was expunged or refused is not there; what is unknown is there at most once.
 * M2: a UID means the same message for ever. After a takeover that may have lost records (async mode) only what was
 * acknowledged since then is sure, and the mail that came through the hub: its dumpster gives that back at once, before
 * the old active copy can come back with it.
 */
import { isProblem } from '../../base/problem.ts';
import { FLAG_FLAGGED } from '../../mail/flags.ts';
import { INBOX } from '../../mail/mailbox-name.ts';
import type { Serving } from '../../replication/copy.ts';
import type { MailStore } from '../../store/mail-store.ts';
import { ADDRESS } from '../client.ts';
import type { Fate, Operation } from '../history.ts';
import { readMailbox, type SeenFolder } from '../session-service.ts';
import { type Checker, type SimulatedCluster, Violation } from '../simulated-cluster.ts';
import type { SimulatedHost } from '../simulated-host.ts';

interface Found {
  readonly folder: string;
  readonly flags: number;
}

export class AcknowledgedIsThere implements Checker {
  readonly name = 'acknowledged is there';
  readonly #cluster: SimulatedCluster;
  readonly #uids = new Map<string, string>();
  #seen = 0;
  #hasEnded = false;
  /** What was acknowledged before may have been lost since. */
  #lossyMs = Number.NEGATIVE_INFINITY;
  /** The last epoch under which the hub was seen to have nothing more to deliver. */
  #drainedEpoch = 0;

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
  }

  serving(host: SimulatedHost, serving: Serving | undefined): void {
    if (serving === undefined) return;
    if (serving.lossy) this.#acceptLoss(serving.store);
    this.#compare(`${host.name} at the start of epoch ${serving.epoch}`, serving.store);
  }

  sampled(): void {
    const { serving: host, hub, group, isLossAccepted } = this.#cluster;
    const serving = host?.serving;
    if (serving === undefined || serving.epoch !== group?.epoch || serving.epoch === this.#drainedEpoch) return;
    if (hub.activeEpoch !== serving.epoch || hub.queue?.queuedMessages !== 0) return;
    this.#drainedEpoch = serving.epoch;
    if (this.#lossyMs > 0 && !isLossAccepted)
      this.#compareMail(`${host?.name} in epoch ${serving.epoch}`, serving.store);
  }

  /** What came through the hub, when the hub says that all of it is delivered. */
  #compareMail(where: string, store: MailStore): void {
    const found = messagesOf(readable(where, store));
    for (const { kind, number, sha256, outcome, fate } of this.#cluster.history.operations) {
      const isSure = kind === 'mail' && outcome === 'acknowledged' && fate.expunged === 'no';
      if (isSure && !found.has(sha256))
        throw new Violation('M1', `${where}: mail ${number} was acknowledged, and the dumpster does not give it back`);
    }
  }

  ended(): void {
    this.#hasEnded = true;
    const host = this.#cluster.serving;
    if (host?.serving !== undefined) this.#compare(`${host.name} in the end`, host.serving.store);
  }

  /** Changes of the last moments may be gone: from now on what is there is what was done. */
  #acceptLoss(store: MailStore): void {
    this.#lossyMs = this.#cluster.time.nowMs;
    const found = messagesOf(readable('after a loss', store));
    for (const { sha256, fate } of this.#cluster.history.operations) {
      const here = found.get(sha256)?.[0];
      const isFlagged = ((here?.flags ?? 0) & FLAG_FLAGGED) !== 0;
      const expunged = here === undefined ? expungedAgain(fate) : 'no';
      Object.assign(fate, { places: [here?.folder ?? INBOX], isFlagged, expunged });
    }
  }

  #compare(where: string, store: MailStore): void {
    const { history } = this.#cluster;
    if (store.mailboxByAddress(ADDRESS) === undefined) {
      const lost = history.count('acknowledged');
      if (lost > 0) throw new Violation('M1', `${where}: the mailbox with ${lost} acknowledged messages is not there`);
      return;
    }
    const folders = readable(where, store);
    const found = messagesOf(folders);
    for (const operation of history.operations) this.#compareOne(where, operation, found.get(operation.sha256) ?? []);
    for (const sha256 of found.keys()) {
      if (history.bySha256(sha256) === undefined)
        throw new Violation('M1', `${where}: a message that nobody sent (${sha256})`);
    }
    this.#compareFolders(where, folders);
    this.#compareUids(where, folders);
  }

  #compareOne(where: string, operation: Operation, found: readonly Found[]): void {
    const { kind, number, outcome, fate } = operation;
    const what = `${where}: ${kind} ${number}`;
    if (found.length > 1) throw new Violation('M7', `${what} is there ${found.length} times`);
    if (found.length === 1 && outcome === 'refused') throw new Violation('M1', `${what} was refused and is there`);
    if (found.length === 0 && fate.expunged === 'no' && this.#mustBeThere(operation))
      throw new Violation('M1', `${what} was acknowledged and is not there`);
    if (found[0] !== undefined && this.#isSure(fate.changedMs)) compareFate(what, operation, found[0]);
  }

  #isSure(acknowledgedMs: number | undefined): boolean {
    return acknowledgedMs !== undefined && acknowledgedMs > this.#lossyMs && !this.#cluster.isLossAccepted;
  }

  /** What the hub acknowledged stands in its queue or dumpster until the end, in async mode too. */
  #mustBeThere({ kind, outcome, endedMs }: Operation): boolean {
    if (outcome !== 'acknowledged') return false;
    // An administrator who accepts a loss accepts it for what the queue no longer keeps, too.
    return kind === 'mail' && !this.#cluster.isLossAccepted ? this.#hasEnded : this.#isSure(endedMs);
  }

  #compareFolders(where: string, folders: readonly SeenFolder[]): void {
    const names = new Set(folders.map(({ name }) => name));
    for (const { name, atMs } of this.#cluster.history.folders) {
      if (this.#isSure(atMs) && !names.has(name))
        throw new Violation('M1', `${where}: ${name} was made, acknowledged, and is not there`);
    }
  }

  #compareUids(where: string, folders: readonly SeenFolder[]): void {
    const { seen } = this.#cluster.history;
    for (; this.#seen < seen.length; this.#seen++) {
      const sighting = seen[this.#seen];
      if (sighting !== undefined)
        this.#note('a client', sighting.folder, sighting.uidValidity, sighting.uid, sighting.sha256);
    }
    for (const { name, uidValidity, messages } of folders) {
      for (const { uid, sha256 } of messages) {
        const known = this.#uids.get(`${name}:${uidValidity}:${uid}`);
        if (known !== undefined && known !== sha256)
          throw new Violation('M2', `${where}: UID ${uid} of ${name} was shown for another message`);
      }
    }
  }

  #note(who: string, folder: string, uidValidity: number, uid: number, sha256: string): void {
    const key = `${folder}:${uidValidity}:${uid}`;
    const known = this.#uids.get(key);
    if (known !== undefined && known !== sha256)
      throw new Violation('M2', `${who} was shown UID ${uid} of ${folder} for two messages`);
    this.#uids.set(key, sha256);
  }
}

/** What cannot be read any more is lost. */
function readable(where: string, store: MailStore): readonly SeenFolder[] {
  try {
    return readMailbox(store, ADDRESS);
  } catch (error) {
    if (!isProblem(error)) throw error;
    throw new Violation('M1', `${where}: ${error.message}`);
  }
}

function messagesOf(folders: readonly SeenFolder[]): ReadonlyMap<string, readonly Found[]> {
  const all = folders.flatMap(({ name, messages }) =>
    messages.map(({ sha256, flags }) => ({ folder: name, flags, sha256 })),
  );
  return Map.groupBy(all, ({ sha256 }) => sha256);
}

/** Two takeovers with loss may go from the copy that has the expunge to one that has not, and back. */
function expungedAgain({ expunged, wasExpunged }: Fate): Fate['expunged'] {
  return expunged === 'no' && wasExpunged ? 'maybe' : expunged;
}

/** The message is there, and no loss can be the reason of anything. */
function compareFate(what: string, { fate }: Operation, { folder, flags }: Found): void {
  if (fate.expunged === 'yes') throw new Violation('M8', `${what} was expunged and is there`);
  if (!fate.places.includes(folder))
    throw new Violation('M1', `${what} was moved to ${fate.places.join(' or ')} and is in ${folder}`);
  if (fate.isFlagged && (flags & FLAG_FLAGGED) === 0)
    throw new Violation('M1', `${what} was flagged, acknowledged, and has no flag`);
}
