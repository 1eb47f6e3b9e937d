/**
 * The records about messages, as rows and bodies. Part of apply.ts, the only writer.
 *
 * Everything works on runs of UIDs and lets SQLite walk them: a change of 100,000 messages is a few statements. Folder
 * counters move by what the touched rows say, body reference counts too; a body that nobody refers to is forgotten at
 * once (its bytes stay in the pack until the whole pack is empty).
 */
import type { StatementSync } from 'node:sqlite';
import { present } from '../base/assert.ts';
import { FLAG_SEEN } from '../mail/flags.ts';
import { MAX_UID } from '../mail/limits.ts';
import type { UidRange } from '../mail/uid-set.ts';
import type { RetainedWriter } from './apply-retained.ts';
import { BodyReferences } from './body-references.ts';
import type { Database } from './database.ts';
import { encodeMailboxes, mailboxesServed } from './delivery-memory.ts';
import type {
  FlagsChanged,
  FlagsGroup,
  FoldersDeleted,
  MessageDelivered,
  MessagesAppended,
  MessagesCopied,
  MessagesExpunged,
  MessagesMerged,
  MessagesMoved,
  UidPairs,
} from './facts.ts';
import type { MessagesRetained, RetainedRestored } from './keeping-facts.ts';
import { DELIVERIES_PURGED_AT_ONCE, DELIVERY_MEMORY_MS, TOMBSTONE_RUNS } from './limits.ts';
import type { FolderEvent, MessageSource } from './mail-store.ts';
import type { Packs } from './packs.ts';
import { keywordColumn, type Queries } from './queries.ts';
import { expectRows, impossible } from './record-problem.ts';
import { UID_TOTAL_MASK } from './schema.ts';

const RUN = 'message WHERE folder = ? AND uid BETWEEN ? AND ?';

/** `sign`: + for what is added to a folder, - for what leaves it. */
const countUsage = (sign: '+' | '-') =>
  `UPDATE mailbox_usage SET size_bytes = size_bytes ${sign} ?, message_count = message_count ${sign} ?
    WHERE mailbox = (SELECT mailbox FROM folder WHERE id = ?)`;

/** The messages of a folder within a run. */
interface Run {
  readonly uids: readonly number[];
  readonly unseen: number;
  readonly sizeBytes: number;
}

interface Growth {
  readonly count: number;
  readonly unseen: number;
  readonly sizeBytes: number;
}

const APPENDED: MessageSource = { sender: null, trace: null };

export class MessageWriter {
  readonly #database: Database;
  readonly #packs: Packs;
  readonly #queries: Queries;
  readonly #retained: RetainedWriter;
  readonly #insertBody: StatementSync;
  readonly #insertMessage: StatementSync;
  readonly #growFolder: StatementSync;
  readonly #shrinkFolder: StatementSync;
  readonly #touchFolder: StatementSync;
  readonly #run: StatementSync;
  readonly #setFlags: StatementSync;
  readonly #copyRun: StatementSync;
  readonly #bodies: BodyReferences;
  readonly #growUsage: StatementSync;
  readonly #shrinkUsage: StatementSync;
  readonly #forgetUsage: StatementSync;
  readonly #retainRun: StatementSync;
  readonly #deleteRun: StatementSync;
  readonly #insertTombstone: StatementSync;
  readonly #tombstoneRuns: StatementSync;
  readonly #oldestKeptTombstone: StatementSync;
  readonly #deleteTombstones: StatementSync;
  readonly #setTombstones: StatementSync;
  readonly #deleteFolder: StatementSync;
  readonly #rememberDelivery: StatementSync;
  readonly #expiredDeliveries: StatementSync;
  readonly #forgetDelivery: StatementSync;

  constructor(database: Database, packs: Packs, queries: Queries, retained: RetainedWriter) {
    this.#database = database;
    this.#packs = packs;
    this.#queries = queries;
    this.#retained = retained;
    const prepare = (sql: string) => database.prepare(sql);
    this.#insertBody = prepare('INSERT INTO body VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#insertMessage = prepare('INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
    this.#growFolder = prepare(
      `UPDATE folder SET uid_next = ?, modseq = ?, message_count = message_count + ?, unseen_count = unseen_count + ?,
        size_bytes = size_bytes + ?, uid_total = (uid_total + ?) & ${UID_TOTAL_MASK} WHERE id = ? AND uid_next <= ?`,
    );
    this.#shrinkFolder = prepare(
      `UPDATE folder SET modseq = ?, message_count = message_count - ?, unseen_count = unseen_count - ?,
        size_bytes = size_bytes - ?, uid_total = (uid_total - ?) & ${UID_TOTAL_MASK},
        tombstone_runs = tombstone_runs + ? WHERE id = ?`,
    );
    this.#touchFolder = prepare('UPDATE folder SET modseq = ?, unseen_count = unseen_count + ? WHERE id = ?');
    this.#run = prepare(
      `SELECT json_group_array(uid), total(flags & ${FLAG_SEEN} = 0), total(size_bytes)
        FROM (SELECT uid, flags, size_bytes FROM ${RUN} ORDER BY uid)`,
    );
    this.#setFlags = prepare(
      'UPDATE message SET flags = ?, keywords = ?, modseq = ? WHERE folder = ? AND uid BETWEEN ? AND ?',
    );
    this.#copyRun = prepare(
      `INSERT INTO message SELECT ?, uid + ?, body, flags, keywords, ?, internal_date_ms, size_bytes FROM ${RUN}`,
    );
    this.#bodies = new BodyReferences(database, 'message');
    this.#growUsage = prepare(countUsage('+'));
    this.#shrinkUsage = prepare(countUsage('-'));
    this.#forgetUsage = prepare(
      `UPDATE mailbox_usage SET size_bytes = mailbox_usage.size_bytes - f.size_bytes,
        message_count = mailbox_usage.message_count - f.message_count
        FROM folder f WHERE f.id = ? AND mailbox_usage.mailbox = f.mailbox`,
    );
    this.#retainRun = prepare(
      `INSERT INTO retained SELECT m.folder, m.uid, f.mailbox, f.name, m.body, m.flags, m.keywords, m.internal_date_ms,
        m.size_bytes, ? FROM folder f JOIN message m ON m.folder = f.id WHERE f.id = ? AND m.uid BETWEEN ? AND ?`,
    );
    this.#deleteRun = prepare(`DELETE FROM ${RUN}`);
    this.#insertTombstone = prepare('INSERT INTO tombstone VALUES (?, ?, ?, ?)');
    this.#tombstoneRuns = prepare('SELECT tombstone_runs FROM folder WHERE id = ?');
    this.#oldestKeptTombstone = prepare(
      'SELECT modseq FROM tombstone WHERE folder = ? ORDER BY modseq DESC, first_uid DESC LIMIT 1 OFFSET ?',
    );
    this.#deleteTombstones = prepare('DELETE FROM tombstone WHERE folder = ? AND modseq < ?');
    this.#setTombstones = prepare(
      'UPDATE folder SET tombstone_runs = tombstone_runs - ?, tombstone_floor = ? WHERE id = ?',
    );
    this.#deleteFolder = prepare('DELETE FROM folder WHERE id = ?');
    this.#rememberDelivery = prepare('INSERT OR REPLACE INTO delivery VALUES (?, ?, ?, ?)');
    this.#expiredDeliveries = prepare('SELECT id FROM delivery WHERE accepted_ms < ? ORDER BY accepted_ms, id LIMIT ?');
    this.#forgetDelivery = prepare('DELETE FROM delivery WHERE id = ?');
  }

  delivered(fact: MessageDelivered, lsn: number): FolderEvent[] {
    const { bodyId, bytes, internalDateMs, targets } = fact;
    this.#addBody(bodyId, bytes, fact.structure, targets.length, fact);
    const events = targets.map(({ folderId, uid }): FolderEvent => {
      this.#insertMessage.run(folderId, uid, bodyId, 0, null, lsn, internalDateMs, bytes.length);
      this.#grow(folderId, uid, uid, lsn, { count: 1, unseen: 1, sizeBytes: bytes.length });
      return { type: 'added', folderId, uids: [uid], lsn };
    });
    this.#remember(fact, lsn);
    return events;
  }

  appended(fact: MessagesAppended | MessagesMerged, lsn: number): FolderEvent[] {
    const { folderId, messages } = fact;
    for (const message of messages) {
      const { uid, bodyId, flags, keywords, internalDateMs, structure, bytes } = message;
      this.#addBody(bodyId, bytes, structure, 1, 'trace' in message ? message : APPENDED);
      const unseen = (flags & FLAG_SEEN) === 0 ? 1 : 0;
      const kept = keywordColumn(keywords);
      this.#insertMessage.run(folderId, uid, bodyId, flags, kept, lsn, internalDateMs, bytes.length);
      this.#grow(folderId, uid, uid, lsn, { count: 1, unseen, sizeBytes: bytes.length });
    }
    return [{ type: 'added', folderId, uids: messages.map(({ uid }) => uid), lsn }];
  }

  flagsChanged(fact: FlagsChanged, lsn: number): FolderEvent[] {
    const { folderId } = fact;
    const uids = fact.groups.flatMap((group) =>
      group.ranges.flatMap((range) => this.#changeFlags(folderId, group, range, lsn)),
    );
    return [{ type: 'flags', folderId, uids: uids.sort((a, b) => a - b), lsn }];
  }

  copied(fact: MessagesCopied, lsn: number): FolderEvent[] {
    const uids = fact.pairs.flatMap((pair) => {
      const range = sourceOf(pair);
      this.#bodies.hold(fact.sourceFolderId, range);
      this.#copy(fact, pair, lsn);
      return consecutive(pair.target, pair.count);
    });
    return [{ type: 'added', folderId: fact.targetFolderId, uids, lsn }];
  }

  /** The bodies are neither held nor released: as many refer to them after as before. */
  moved(fact: MessagesMoved, lsn: number): FolderEvent[] {
    const { sourceFolderId, targetFolderId, pairs } = fact;
    const added = pairs.flatMap((pair) => {
      this.#copy(fact, pair, lsn);
      return consecutive(pair.target, pair.count);
    });
    const gone = pairs.flatMap((pair) => this.#remove(sourceFolderId, sourceOf(pair), lsn));
    this.#boundTombstones(sourceFolderId);
    return [
      { type: 'added', folderId: targetFolderId, uids: added, lsn },
      { type: 'expunged', folderId: sourceFolderId, uids: gone, lsn },
    ];
  }

  expunged(fact: MessagesExpunged, lsn: number): FolderEvent[] {
    const { folderId } = fact;
    const uids = fact.ranges.flatMap((range) => {
      this.#bodies.release(folderId, range);
      return this.#remove(folderId, range, lsn);
    });
    this.#boundTombstones(folderId);
    return [{ type: 'expunged', folderId, uids, lsn }];
  }

  /** As many refer to the bodies after as before: a deleted item holds its body like a message does. */
  retained(fact: MessagesRetained, lsn: number): FolderEvent[] {
    const { folderId, removedMs } = fact;
    const uids = fact.ranges.flatMap((range) => {
      this.#retainRun.run(removedMs, folderId, range.first, range.last);
      return this.#remove(folderId, range, lsn);
    });
    this.#boundTombstones(folderId);
    return [{ type: 'expunged', folderId, uids, lsn }];
  }

  /** Deleted items become messages again; they are looked up one by one, for each may come from another folder. */
  restored(fact: RetainedRestored, lsn: number): FolderEvent[] {
    const folderId = fact.targetFolderId;
    for (const message of fact.messages) {
      const { sizeBytes, flags } = this.#retained.restore(message, folderId, lsn);
      const unseen = (flags & FLAG_SEEN) === 0 ? 1 : 0;
      this.#grow(folderId, message.targetUid, message.targetUid, lsn, { count: 1, unseen, sizeBytes });
    }
    return [{ type: 'added', folderId, uids: fact.messages.map(({ targetUid }) => targetUid), lsn }];
  }

  foldersDeleted(fact: FoldersDeleted, lsn: number): FolderEvent[] {
    return fact.folderIds.map((folderId): FolderEvent => {
      this.#bodies.release(folderId, { first: 1, last: MAX_UID });
      this.#deleteRun.run(folderId, 1, MAX_UID);
      this.#deleteTombstones.run(folderId, Number.MAX_SAFE_INTEGER);
      this.#forgetUsage.run(folderId);
      expectRows(1, this.#deleteFolder.run(folderId), 'the folder');
      return { type: 'deleted', folderId, lsn };
    });
  }

  #addBody(bodyId: number, bytes: Buffer, structure: Buffer, references: number, source: MessageSource): void {
    if (references === 0) throw impossible('its message goes nowhere');
    const tally = this.#database.tally;
    const place = this.#packs.append(tally, bodyId, bytes);
    tally.nextBodyId = Math.max(tally.nextBodyId, bodyId + 1);
    const { pack, position, sizeBytes, crc32 } = place;
    const { sender, trace } = source;
    this.#insertBody.run(bodyId, pack, position, sizeBytes, crc32, references, structure, sender, trace);
    this.#database.countBodies(pack, 1);
  }

  #grow(folderId: number, firstUid: number, lastUid: number, lsn: number, by: Growth): void {
    const { count, unseen, sizeBytes } = by;
    const uidTotal = ((firstUid + lastUid) * count) / 2;
    const result = this.#growFolder.run(lastUid + 1, lsn, count, unseen, sizeBytes, uidTotal, folderId, firstUid);
    expectRows(1, result, `the end of folder ${folderId}`);
    expectRows(1, this.#growUsage.run(sizeBytes, count, folderId), `the mailbox of folder ${folderId}`);
  }

  #lookAt(folderId: number, range: UidRange): Run {
    const result: unknown = this.#run.get(folderId, range.first, range.last);
    const [uids, unseen, sizeBytes] = result as [string, number, number];
    return { uids: JSON.parse(uids) as number[], unseen, sizeBytes };
  }

  #changeFlags(folderId: number, group: FlagsGroup, range: UidRange, lsn: number): readonly number[] {
    const run = this.#lookAt(folderId, range);
    if (run.uids.length === 0) throw impossible(`folder ${folderId} has no message ${range.first}..${range.last}`);
    const unseen = (group.flags & FLAG_SEEN) === 0 ? run.uids.length : 0;
    this.#setFlags.run(group.flags, keywordColumn(group.keywords), lsn, folderId, range.first, range.last);
    this.#touchFolder.run(lsn, unseen - run.unseen, folderId);
    return run.uids;
  }

  #copy(fact: MessagesCopied | MessagesMoved, pair: UidPairs, lsn: number): void {
    const { first, last } = sourceOf(pair);
    const run = this.#lookAt(fact.sourceFolderId, { first, last });
    if (run.uids.length !== pair.count) throw impossible(`folder ${fact.sourceFolderId} lacks ${first}..${last}`);
    this.#copyRun.run(fact.targetFolderId, pair.target - first, lsn, fact.sourceFolderId, first, last);
    const by = { count: pair.count, unseen: run.unseen, sizeBytes: run.sizeBytes };
    this.#grow(fact.targetFolderId, pair.target, pair.target + pair.count - 1, lsn, by);
  }

  #remove(folderId: number, range: UidRange, lsn: number): readonly number[] {
    const run = this.#lookAt(folderId, range);
    if (run.uids.length === 0) throw impossible(`folder ${folderId} has no message ${range.first}..${range.last}`);
    this.#deleteRun.run(folderId, range.first, range.last);
    this.#insertTombstone.run(folderId, lsn, range.first, range.last);
    const uidTotal = run.uids.reduce((total, uid) => total + uid, 0);
    this.#shrinkFolder.run(lsn, run.uids.length, run.unseen, run.sizeBytes, uidTotal, 1, folderId);
    this.#shrinkUsage.run(run.sizeBytes, run.uids.length, folderId);
    return run.uids;
  }

  /** Forgets whole records' worth of removals, oldest first. */
  #boundTombstones(folderId: number): void {
    const row: unknown = this.#tombstoneRuns.get(folderId);
    const [count] = present(row, 'The folder is there') as [number];
    if (count <= TOMBSTONE_RUNS.max) return;
    const oldest: unknown = this.#oldestKeptTombstone.get(folderId, TOMBSTONE_RUNS.kept - 1);
    const [oldestModseq] = present(oldest, 'There are more than that') as [number];
    const { changes } = this.#deleteTombstones.run(folderId, oldestModseq);
    if (Number(changes) > 0) this.#setTombstones.run(changes, oldestModseq - 1, folderId);
  }

  #remember(fact: MessageDelivered, lsn: number): void {
    const { deliveryId, acceptedMs, targets } = fact;
    const served = mailboxesServed(this.#queries.delivery(deliveryId), acceptedMs);
    for (const { mailboxId } of targets) served.add(mailboxId);
    this.#rememberDelivery.run(deliveryId, acceptedMs, lsn, encodeMailboxes(served));
    const expired = this.#expiredDeliveries.all(acceptedMs - DELIVERY_MEMORY_MS, DELIVERIES_PURGED_AT_ONCE);
    for (const [id] of expired as unknown as readonly [Uint8Array][]) this.#forgetDelivery.run(id);
  }
}

function sourceOf(pair: UidPairs): UidRange {
  return { first: pair.source, last: pair.source + pair.count - 1 };
}

function consecutive(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}
