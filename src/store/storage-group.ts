/**
 * A mounted storage group: the active copy's side of the database. A change is planned from the database's present
 * state, written as a fact, applied under the LSN that the journal will give it, and appended to the journal, all in
 * one synchronous step: no other change comes between, and every copy that replays the fact gets the same rows.
 *
 * If anything goes wrong between applying and appending, the database is ahead of the log. Then this object refuses
 * everything, for good; whoever mounted it makes a Replayer of the same database, which goes back to the last commit.
 */
import { assert, present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { sleep } from '../base/clock.ts';
import { type Deferred, deferred } from '../base/deferred.ts';
import { type Logger, silentLogger } from '../base/logger.ts';
import { messageOf, Problem } from '../base/problem.ts';
import type { Random } from '../base/random.ts';
import { canonicalAddress } from '../mail/address.ts';
import type { Envelope } from '../mail/envelope.ts';
import { MAX_UID } from '../mail/limits.ts';
import { normaliseMailboxName } from '../mail/mailbox-name.ts';
import type { MessageStructure } from '../mail/mime.ts';
import { decodeEnvelope, decodeStructure } from '../mail/structure-codec.ts';
import { UidSet } from '../mail/uid-set.ts';
import { Applier } from './apply.ts';
import type { ChangePort } from './change-port.ts';
import { type Checkpoint, commitStore } from './commit.ts';
import type { ContentIndex, FolderAnswer, TextQuestion } from './content-index.ts';
import type { Database } from './database.ts';
import { StoredDeletedItems } from './deleted-items.ts';
import { existingRuns, rowsOf, sliceRuns } from './existing.ts';
import { encodeFact, type Fact } from './facts.ts';
import type { Journal } from './journal.ts';
import { KeepingQueries } from './keeping-queries.ts';
import { CHANGE_SLICE_MESSAGES, MAX_TEXT_QUESTIONS } from './limits.ts';
import { type FolderListener, Listeners } from './listeners.ts';
import type {
  CopyResult,
  Delivery,
  DeliveryResult,
  FlagChange,
  FlagMask,
  Folder,
  FolderEvent,
  Mailbox,
  MailStore,
  MessageRow,
  NewMessage,
  ReturnedMessage,
} from './mail-store.ts';
import type { DeletedItems, MailboxSettings } from './mailbox-keeping.ts';
import { StoredSettings } from './mailbox-settings.ts';
import type { BodyPlace, Packs } from './packs.ts';
import { planDelivery } from './plan-delivery.ts';
import {
  folderOrProblem,
  type Present,
  planCredential,
  planDelete,
  planFolder,
  planMailbox,
  planRename,
  planSubscription,
} from './plan-folders.ts';
import { inheritedRights, planRemoval } from './plan-keeping.ts';
import { checkCopy, planAppend, planCopiedFlags, planCopy, planFlags } from './plan-messages.ts';
import { planReturn } from './plan-return.ts';
import { Queries } from './queries.ts';
import { runsOf } from './uid-ranges.ts';

export interface StorageGroupOptions {
  readonly database: Database;
  readonly packs: Packs;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger?: Logger;
  readonly contentIndex?: Pick<ContentIndex, 'search'> | undefined;
}

/** Room for everything in a payload that is not a message's bytes or structure. */
const PAYLOAD_MARGIN_BYTES = 1_024;
const ALL_UIDS = new UidSet().add(1, MAX_UID);

export class StorageGroup implements MailStore {
  readonly #database: Database;
  readonly #packs: Packs;
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #queries: Queries;
  readonly #applier: Applier;
  readonly #listeners: Listeners;
  readonly #contentIndex: Pick<ContentIndex, 'search'> | undefined;
  /** Changes wait for it while the database commits. */
  #gate: Deferred<void> | undefined;
  readonly deletedItems: DeletedItems;
  readonly settings: MailboxSettings;
  readonly #keeping: KeepingQueries;
  #stopped: Problem | undefined;

  constructor(options: StorageGroupOptions) {
    const { database, packs, journal, clock, random, logger = silentLogger, contentIndex } = options;
    this.#contentIndex = contentIndex;
    this.#database = database;
    this.#packs = packs;
    this.#journal = journal;
    this.#clock = clock;
    this.#random = random;
    this.#queries = new Queries(database);
    this.#applier = new Applier(database, packs, this.#queries);
    this.#listeners = new Listeners(logger);
    this.#keeping = new KeepingQueries(database);
    const port = this.#changePort();
    this.deletedItems = new StoredDeletedItems(port, this.#keeping);
    this.settings = new StoredSettings(port);
  }

  settled(): Promise<void> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    return this.#journal.committed(this.#database.appliedLsn);
  }

  /** This copy does not serve any more: changes, those that wait too, end in Problem('NotActive'). */
  stop(reason: string): void {
    this.#stopped ??= new Problem('NotActive', `Cannot use the storage group: ${reason}`, { temporary: true });
    this.#openGate();
  }

  /**
   * Puts everything applied into the database file. Changes wait from the moment the rows are fixed until they are
   * committed, and while `checkpoint` runs; the bulk of the bodies is synced before. Resolves to the LSN committed.
   * Rejects with the journal's Problem('NotActive'); the database is then as it was.
   */
  async commitDatabase(checkpoint?: Checkpoint): Promise<number> {
    assert(this.#gate === undefined, 'One commit at a time');
    this.#checkActive();
    await this.#packs.sync();
    this.#checkActive();
    assert(this.#gate === undefined, 'One commit at a time');
    this.#gate = deferred();
    try {
      const lsn = this.#database.appliedLsn;
      await this.#journal.committed(lsn);
      if (!(await this.#journal.mayEnterDatabase(lsn))) return this.#database.committedLsn;
      return await this.#commit(checkpoint);
    } finally {
      this.#openGate();
    }
  }

  /** Work on the database that is no change of what it holds, in turn with the changes. It must be short. */
  inTurn<T>(work: () => T): Promise<T> {
    return this.#change(work);
  }

  mailboxes(): readonly Mailbox[] {
    return this.#queries.mailboxes();
  }

  mailboxById(id: number): Mailbox | undefined {
    return this.#queries.mailboxById(id);
  }

  mailboxByAddress(address: string): Mailbox | undefined {
    return this.#queries.mailboxByKey(canonicalAddress(address));
  }

  createMailbox(request: { address: string; displayName: string; credential: string | null }): Promise<Mailbox> {
    return this.#change(() => {
      const fact = planMailbox(this.#present(), this.#random, request);
      this.#record([fact]);
      return present(this.#queries.mailboxById(fact.id), 'The mailbox was just made');
    });
  }

  setCredential(mailboxId: number, credential: string | null): Promise<void> {
    return this.#change(() => {
      this.#record([planCredential(this.#present(), mailboxId, credential)]);
    });
  }

  folders(mailboxId: number): readonly Folder[] {
    return this.#queries.folders(mailboxId);
  }

  folderById(folderId: number): Folder | undefined {
    return this.#queries.folderById(folderId);
  }

  folderByName(mailboxId: number, name: string): Folder | undefined {
    const normal = normaliseMailboxName(name);
    return normal === undefined ? undefined : this.#queries.folderByName(mailboxId, normal);
  }

  subscriptions(mailboxId: number): readonly string[] {
    return this.#queries.subscriptions(mailboxId);
  }

  createFolder(mailboxId: number, name: string): Promise<Folder> {
    return this.#change(() => {
      const fact = planFolder(this.#present(), mailboxId, name);
      this.#record([fact, ...inheritedRights(this.#present(), fact)]);
      const made = present(fact.folders.at(-1), 'At least the wanted folder is missing');
      return present(this.#queries.folderById(made.id), 'The folder was just made');
    });
  }

  async renameFolder(mailboxId: number, from: string, to: string): Promise<void> {
    const rest = await this.#change(() => {
      const plan = planRename(this.#present(), mailboxId, from, to);
      this.#record(plan.facts);
      return plan.rest;
    });
    if (rest !== undefined && rest.uids.length > 0) await this.move(rest.sourceId, UidSet.of(rest.uids), rest.targetId);
  }

  /** What was in it is removed first, in slices; the folder itself goes together with the last of them. */
  async deleteFolder(mailboxId: number, name: string): Promise<void> {
    for (let isGone = false; !isGone; ) {
      isGone = await this.#change(() => {
        const deletion = planDelete(this.#present(), mailboxId, name);
        const removals = deletion.folderIds.map((id) => this.#firstRemoval(id));
        const isLast = removals.every(({ isWhole }) => isWhole);
        const facts = removals.flatMap(({ fact }) => fact ?? []);
        this.#record(isLast ? [...facts, deletion] : facts);
        return isLast;
      });
      if (!isGone) await this.#giveWay();
    }
  }

  setSubscribed(mailboxId: number, name: string, subscribed: boolean): Promise<void> {
    return this.#change(() => {
      const fact = planSubscription(this.#present(), mailboxId, name, subscribed);
      if (fact !== undefined) this.#record([fact]);
    });
  }

  uids(folderId: number): readonly number[] {
    return this.#queries.uids(folderId);
  }

  deletedSum(folderId: number): { messages: number; sizeBytes: number } {
    return this.#queries.deletedSum(folderId);
  }

  message(folderId: number, uid: number): MessageRow | undefined {
    return this.#queries.message(folderId, uid);
  }

  messages(folderId: number, first: number, last: number, limit: number): readonly MessageRow[] {
    return this.#queries.messages(folderId, first, last, limit);
  }

  structure(bodyId: number): MessageStructure {
    return decodeStructure(this.#structure(bodyId));
  }

  envelope(bodyId: number): Envelope {
    return decodeEnvelope(this.#structure(bodyId));
  }

  #structure(bodyId: number): Uint8Array {
    const bytes = this.#queries.structure(bodyId);
    if (bytes === undefined) throw bodyNotFound(bodyId);
    return bytes;
  }

  checksum(bodyId: number): number {
    return this.#place(bodyId).crc32;
  }

  body(bodyId: number, start?: number, end?: number): Buffer {
    return this.#packs.read(this.#place(bodyId), start, end);
  }

  #place(bodyId: number): BodyPlace {
    const place = this.#queries.bodyPlace(bodyId);
    if (place === undefined) throw bodyNotFound(bodyId);
    return place;
  }

  async searchTexts(folderId: number, questions: readonly TextQuestion[]): Promise<FolderAnswer | undefined> {
    if (questions.length > MAX_TEXT_QUESTIONS) return undefined;
    return await this.#contentIndex?.search(folderId, questions);
  }

  append(folderId: number, messages: readonly NewMessage[]): Promise<{ uidValidity: number; uids: readonly number[] }> {
    return this.#change(() => {
      const folder = folderOrProblem(this.#present(), folderId);
      const fact = planAppend(this.#present(), folder, messages);
      if (messages.length > 0) this.#record([fact]);
      return { uidValidity: folder.uidValidity, uids: fact.messages.map(({ uid }) => uid) };
    });
  }

  async changeFlags(folderId: number, uids: UidSet, change: FlagChange): Promise<readonly MessageRow[]> {
    folderOrProblem(this.#present(), folderId);
    const slices = sliceRuns(existingRuns(this.#queries, folderId, uids), CHANGE_SLICE_MESSAGES);
    const rows: MessageRow[] = [];
    for (const [index, runs] of slices.entries()) {
      if (index > 0) await this.#giveWay();
      await this.#change(() => {
        const fact = planFlags(this.#queries, folderId, runs, change);
        if (fact !== undefined) this.#record([fact]);
        for (const run of runs) rows.push(...rowsOf(this.#queries, folderId, run));
      });
    }
    return rows;
  }

  copy(folderId: number, uids: UidSet, targetFolderId: number, keeps?: FlagMask): Promise<CopyResult> {
    return this.#copyOrMove('MessagesCopied', { folderId, uids, targetFolderId, keeps });
  }

  move(folderId: number, uids: UidSet, targetFolderId: number, keeps?: FlagMask): Promise<CopyResult> {
    return this.#copyOrMove('MessagesMoved', { folderId, uids, targetFolderId, keeps });
  }

  async expunge(folderId: number, uids: UidSet = ALL_UIDS): Promise<readonly number[]> {
    const folder = folderOrProblem(this.#present(), folderId);
    const removed: number[] = [];
    for (let after = 0; after < MAX_UID; ) {
      if (after > 0) await this.#giveWay();
      await this.#change(() => {
        const marked = this.#queries.deletedUids(folderId, after, CHANGE_SLICE_MESSAGES);
        after = marked.length < CHANGE_SLICE_MESSAGES ? MAX_UID : (marked.at(-1) ?? MAX_UID);
        const slice = uids.select(marked);
        if (slice.length === 0) return;
        this.#record([planRemoval(this.#present(), folder, runsOf(slice))]);
        removed.push(...slice);
      });
    }
    return removed;
  }

  deliver(delivery: Delivery): Promise<readonly DeliveryResult[]> {
    return this.#change(() => {
      const { fact, results } = planDelivery(this.#present(), delivery);
      if (fact !== undefined) this.#record([fact]);
      return results;
    });
  }

  returnMessage(folderId: number, message: ReturnedMessage): Promise<boolean> {
    return this.#change(() => {
      const facts = planReturn(this.#present(), folderOrProblem(this.#present(), folderId), message);
      if (facts !== undefined) this.#record(facts);
      return facts !== undefined;
    });
  }

  listen(folderId: number, listener: FolderListener): () => void {
    return this.#listeners.add(folderId, listener);
  }

  /** Whether all of it fits is asked before the first slice. */
  async #copyOrMove(
    type: 'MessagesCopied' | 'MessagesMoved',
    asked: { folderId: number; uids: UidSet; targetFolderId: number; keeps: FlagMask | undefined },
  ): Promise<CopyResult> {
    const { folderId, uids: wanted, targetFolderId, keeps } = asked;
    const slices = sliceRuns(existingRuns(this.#queries, folderId, wanted), CHANGE_SLICE_MESSAGES);
    const { uidValidity } = folderOrProblem(this.#present(), targetFolderId);
    const result = { uidValidity, sourceUids: [] as number[], targetUids: [] as number[] };
    for (const [index, runs] of slices.entries()) {
      if (index > 0) await this.#giveWay();
      await this.#change(() => {
        const source = folderOrProblem(this.#present(), folderId);
        const target = folderOrProblem(this.#present(), targetFolderId);
        if (index === 0 && slices.length > 1)
          checkCopy(this.#present(), type, { source, target, uids: slices.flat(2) });
        // Looked at again: another session may have removed some since.
        const uids = UidSet.of(runs.flat()).select(this.#queries.uidsBetween(folderId, ...ends(runs)));
        const fact = planCopy(this.#present(), type, { source, target, uids });
        const flags = planCopiedFlags(this.#queries, { source, target, uids }, keeps);
        if (fact !== undefined) this.#record(flags === undefined ? [fact] : [fact, flags]);
        for (const [at, uid] of uids.entries()) {
          result.sourceUids.push(uid);
          result.targetUids.push(target.uidNext + at);
        }
      });
    }
    return result;
  }

  /** Of the first messages of a folder, and whether there are no others. */
  #firstRemoval(folderId: number): { fact: Fact | undefined; isWhole: boolean } {
    const present = this.#present();
    const folder = folderOrProblem(present, folderId);
    const uids = this.#queries.firstUids(folderId, CHANGE_SLICE_MESSAGES);
    const fact = uids.length === 0 ? undefined : planRemoval(present, folder, runsOf(uids));
    return { fact, isWhole: uids.length === folder.messageCount };
  }

  /** A disk that failed here may have taken the open transaction with it: the rows in memory are not to be trusted. */
  async #commit(checkpoint: Checkpoint | undefined): Promise<number> {
    try {
      await this.#packs.sync();
      this.#checkActive();
      return await commitStore(this.#database, this.#packs, this.#queries, checkpoint);
    } catch (error) {
      this.stop(`its database was not committed (${messageOf(error)})`);
      throw error;
    }
  }

  #present(): Present {
    return {
      queries: this.#queries,
      keeping: this.#keeping,
      tally: this.#database.tally,
      wallMs: this.#clock.wallMs(),
    };
  }

  #changePort(): ChangePort {
    return {
      present: () => this.#present(),
      change: (step) => this.#change(() => step(this.#present())),
      record: (facts) => this.#record(facts),
      giveWay: () => this.#giveWay(),
    };
  }

  /** Plans and records in one step: between the look at the gate and the end of `step` nothing else runs. */
  async #change<T>(step: () => T): Promise<T> {
    while (this.#gate !== undefined) await this.#gate.promise;
    this.#checkActive();
    return step();
  }

  /** Lets other sessions have a turn in the middle of a long change. */
  #giveWay(): Promise<void> {
    return sleep(this.#clock, 0);
  }

  #checkActive(): void {
    if (this.#stopped !== undefined) throw this.#stopped;
  }

  #openGate(): void {
    const gate = this.#gate;
    this.#gate = undefined;
    gate?.resolve();
  }

  /** All of them or, when the journal does not admit them now, none. */
  #record(facts: readonly Fact[]): void {
    assert(this.#gate === undefined, 'No change while the database commits');
    const encoded = facts.map((fact) => encodeFact(fact, capacityFor(fact)));
    const payloadBytes = encoded.reduce((total, { payload }) => total + payload.length, 0);
    this.#journal.admit(
      payloadBytes,
      encoded.map(({ kind }) => kind),
    );
    for (const { kind, payload } of encoded) this.#listeners.tell(this.#applyAndAppend(kind, payload));
  }

  #applyAndAppend(kind: number, payload: Buffer): readonly FolderEvent[] {
    try {
      const lsn = this.#journal.nextLsn();
      const events = this.#applier.apply({ lsn, kind, payload });
      const given = this.#journal.append(kind, payload);
      assert(given === lsn, 'The journal gives the LSN that it promised');
      return events;
    } catch (error) {
      this.stop(`a change was not recorded (${messageOf(error)})`);
      throw error;
    }
  }
}

/** First and last UID. */
function ends(runs: readonly (readonly number[])[]): [number, number] {
  return [runs[0]?.[0] ?? 0, runs.at(-1)?.at(-1) ?? 0];
}

function capacityFor(fact: Fact): number {
  if (fact.type === 'MessageDelivered') {
    const targetBytes = fact.targets.length * 64;
    return fact.bytes.length + fact.structure.length + targetBytes + PAYLOAD_MARGIN_BYTES;
  }
  if (fact.type !== 'MessagesAppended' && fact.type !== 'MessagesMerged') return PAYLOAD_MARGIN_BYTES;
  let capacity = PAYLOAD_MARGIN_BYTES;
  for (const { bytes, structure } of fact.messages) capacity += bytes.length + structure.length + 256;
  return capacity;
}

function bodyNotFound(bodyId: number): Problem {
  return new Problem('BodyNotFound', `Cannot read message body ${bodyId}: no message has it any more.`);
}
