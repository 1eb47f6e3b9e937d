/**
 * Records become rows: the only code that writes to a storage group's database and packs. It decides nothing, so the
 * same records give the same database on the active copy, on a passive one, and in a rebuild from zero.
 *
 * A record is applied once: what is at or below the applied LSN is skipped, what does not follow directly is refused.
 * A record that fails half way leaves rows that nobody may see: from then on the applier refuses everything until the
 * database went back to its last commit.
 */
import { messageOf, Problem } from '../base/problem.ts';
import { epochOf, formatLsn, numberOf } from '../log/lsn.ts';
import { FolderWriter } from './apply-folders.ts';
import { MessageWriter } from './apply-messages.ts';
import { RetainedWriter } from './apply-retained.ts';
import { SettingsWriter } from './apply-settings.ts';
import type { Database } from './database.ts';
import { decodeFact, type Fact, type FactOf, type FactType } from './facts.ts';
import type { FolderEvent } from './mail-store.ts';
import type { Packs } from './packs.ts';
import type { Queries } from './queries.ts';

export interface StoredRecord {
  readonly lsn: number;
  readonly kind: number;
  readonly payload: Uint8Array;
}

type Handlers = { readonly [T in FactType]: (fact: FactOf<T>, lsn: number) => FolderEvent[] };

export class Applier {
  readonly #database: Database;
  readonly #packs: Packs;
  readonly #handlers: Handlers;
  #failure: Problem | undefined;

  constructor(database: Database, packs: Packs, queries: Queries) {
    this.#database = database;
    this.#packs = packs;
    const retained = new RetainedWriter(database);
    const messages = new MessageWriter(database, packs, queries, retained);
    this.#handlers = handlersOf(new FolderWriter(database), messages, retained, new SettingsWriter(database));
  }

  /**
   * What changed, to be told to listeners once the record is in the log's queue; nothing for a record already applied.
   * Problem('UnknownRecordKind' | 'Malformed' | 'ReplayGap') leave the database as it was. Problem('RecordNotApplied')
   * is final until `rollback`.
   */
  apply(record: StoredRecord): readonly FolderEvent[] {
    if (this.#failure !== undefined) throw this.#failure;
    const { tally } = this.#database;
    if (record.lsn <= tally.appliedLsn) return [];
    checkFollows(tally.appliedLsn, record.lsn);
    const fact = decodeFact(record.kind, record.payload);
    try {
      this.#database.begin();
      const handler = this.#handlers[fact.type] as (fact: Fact, lsn: number) => FolderEvent[];
      const events = handler(fact, record.lsn);
      tally.appliedLsn = record.lsn;
      return events;
    } catch (error) {
      const place = `${fact.type} at ${formatLsn(record.lsn)}`;
      this.#failure = new Problem('RecordNotApplied', `Cannot apply ${place}: ${messageOf(error)}`, { cause: error });
      throw this.#failure;
    }
  }

  /**
   * For repair alone: a record behind ones that are lost. What it says is done or, when it does not fit, none of it; the
   * applied LSN stays where it is. Resolves to why not. Counters of packs may be too high after.
   */
  applyBehindHole(record: StoredRecord): string | undefined {
    const { connection, tally } = this.#database;
    const before = { ...tally };
    this.#database.begin();
    connection.exec('SAVEPOINT behind_hole');
    try {
      const fact = decodeFact(record.kind, record.payload);
      (this.#handlers[fact.type] as (fact: Fact, lsn: number) => FolderEvent[])(fact, record.lsn);
      return undefined;
    } catch (error) {
      connection.exec('ROLLBACK TO behind_hole');
      Object.assign(tally, before);
      return messageOf(error);
    } finally {
      connection.exec('RELEASE behind_hole');
    }
  }

  /** For a failure beside it, such as a commit: the rows may be gone from under the counters. */
  refuse(cause: unknown): void {
    const message = `Cannot apply records: the database was not committed (${messageOf(cause)}). Restart this copy.`;
    this.#failure ??= new Problem('RecordNotApplied', message, { cause });
  }

  /** Why nothing more is applied, or undefined. */
  get failure(): Problem | undefined {
    return this.#failure;
  }

  /** Back to the last commit, database and packs; the log's records from there on may be applied again. */
  rollback(): void {
    this.#database.rollback();
    this.#packs.returnTo(this.#database.tally);
    this.#failure = undefined;
  }
}

function handlersOf(
  folders: FolderWriter,
  messages: MessageWriter,
  retained: RetainedWriter,
  settings: SettingsWriter,
): Handlers {
  return {
    EpochStarted: (fact, lsn) => folders.epochStarted(fact, lsn),
    MailboxCreated: (fact, lsn) => folders.mailboxCreated(fact, lsn),
    CredentialSet: (fact) => folders.credentialSet(fact),
    FoldersCreated: (fact, lsn) => folders.foldersCreated(fact, lsn),
    FoldersRenamed: (fact, lsn) => folders.foldersRenamed(fact, lsn),
    FoldersDeleted: (fact, lsn) => {
      settings.foldersDeleted(fact);
      return messages.foldersDeleted(fact, lsn);
    },
    SubscriptionSet: (fact) => folders.subscriptionSet(fact),
    MessageDelivered: (fact, lsn) => messages.delivered(fact, lsn),
    MessagesAppended: (fact, lsn) => messages.appended(fact, lsn),
    MessagesMerged: (fact, lsn) => messages.appended(fact, lsn),
    FlagsChanged: (fact, lsn) => messages.flagsChanged(fact, lsn),
    MessagesCopied: (fact, lsn) => messages.copied(fact, lsn),
    MessagesMoved: (fact, lsn) => messages.moved(fact, lsn),
    MessagesExpunged: (fact, lsn) => messages.expunged(fact, lsn),
    MessagesRetained: (fact, lsn) => messages.retained(fact, lsn),
    RetainedPurged: (fact) => retained.purged(fact),
    RetainedRestored: (fact, lsn) => messages.restored(fact, lsn),
    MailboxLimitsSet: (fact) => settings.limitsSet(fact),
    RightsSet: (fact) => settings.rightsSet(fact),
    AnnotationsSet: (fact) => settings.annotationsSet(fact),
  };
}

/** `n` starts again at 1 in every epoch; within one, no number is left out. */
function checkFollows(applied: number, lsn: number): void {
  if (lsn === applied + 1) return;
  if (numberOf(lsn) === 1 && epochOf(lsn) > epochOf(applied)) return;
  throw new Problem(
    'ReplayGap',
    `Cannot apply the record at ${formatLsn(lsn)}: the database stands at ${formatLsn(applied)}. Make this copy anew with Update-StorageGroupCopy.`,
  );
}
