/**
 * Rows that agree with each other and with the packs again, in a database of which parts are missing: every message that
 * has its bytes stays, where it was if its folder is known, else in a mailbox of its own that nobody can log in to. What
 * cannot be kept is listed.
 */
import type { DatabaseSync } from 'node:sqlite';
import { FLAG_SEEN } from '../../mail/flags.ts';
import { BODY_USES, UID_TOTAL_MASK } from '../schema.ts';
import type { LostMessage } from './repair.ts';

const RECOVERED_ADDRESS = 'recovered@repair.invalid';
/** No record of the log will ever give these ids out. */
const RECOVERED_MAILBOX_ID = 2 ** 40;
const RECOVERED_FOLDER_ID = 2 ** 40;

/** Folders and mailboxes that messages still refer to are made anew. Returns how many. */
export function adoptOrphans(target: DatabaseSync, nowMs: number): number {
  const folders = ids(target, 'SELECT DISTINCT folder AS id FROM message WHERE folder NOT IN (SELECT id FROM folder)');
  const strays = ids(target, 'SELECT id FROM folder WHERE mailbox NOT IN (SELECT id FROM mailbox)');
  if (folders.length + strays.length === 0) return 0;
  const mailbox = recoveredMailbox(target, nowMs);
  const insert = target.prepare(
    `INSERT INTO folder SELECT ?, ?, ?, 1, max(uid) + 1, max(modseq), 0, 0, 0, 0, NULL, 0, max(modseq) FROM message WHERE folder = ?`,
  );
  for (const id of folders) insert.run(id, mailbox, `Recovered ${id}`, id);
  const move = target.prepare("UPDATE folder SET mailbox = ?, name = 'Recovered ' || id || ' ' || name WHERE id = ?");
  for (const id of strays) move.run(mailbox, id);
  return folders.length + strays.length;
}

/**
 * Bodies that more messages referred to than are left: each is a message again, once, in a folder of the recovered ones.
 * Whose they were, and when they came, nobody knows any more. Returns how many.
 */
export function adoptBodies(target: DatabaseSync, nowMs: number): number {
  const bodies = target
    .prepare(
      `SELECT b.id, b.size_bytes AS size FROM body b
       LEFT JOIN (SELECT body, count(*) AS uses FROM ${BODY_USES} GROUP BY body) u ON u.body = b.id
       WHERE b.references_count > coalesce(u.uses, 0) ORDER BY b.id`,
    )
    .all();
  if (bodies.length === 0) return 0;
  target
    .prepare('INSERT INTO folder VALUES (?, ?, ?, 1, ?, 1, 0, 0, 0, 0, NULL, 0, 0)')
    .run(RECOVERED_FOLDER_ID, recoveredMailbox(target, nowMs), 'Recovered messages', bodies.length + 1);
  const insert = target.prepare('INSERT INTO message VALUES (?, ?, ?, 0, NULL, 1, ?, ?)');
  for (const [index, { id, size }] of bodies.entries()) {
    insert.run(RECOVERED_FOLDER_ID, index + 1, Number(id), nowMs, Number(size));
  }
  return bodies.length;
}

/** A folder of which nothing is known but that messages lie in it. False when it is there. */
export function makeMissingFolder(target: DatabaseSync, folderId: number, nowMs: number): boolean {
  if (target.prepare('SELECT 1 FROM folder WHERE id = ?').get(folderId) !== undefined) return false;
  const mailbox = recoveredMailbox(target, nowMs);
  target.prepare('INSERT OR IGNORE INTO mailbox_usage VALUES (?, 0, 0)').run(mailbox);
  target
    .prepare('INSERT INTO folder VALUES (?, ?, ?, 1, 1, 0, 0, 0, 0, 0, NULL, 0, 0)')
    .run(folderId, mailbox, `Recovered ${folderId}`);
  return true;
}

function recoveredMailbox(target: DatabaseSync, nowMs: number): number {
  const guid = RECOVERED_MAILBOX_ID.toString(16).padStart(32, '0');
  target
    .prepare('INSERT OR IGNORE INTO mailbox VALUES (?, ?, ?, ?, ?, NULL, ?)')
    .run(RECOVERED_MAILBOX_ID, guid, RECOVERED_ADDRESS, RECOVERED_ADDRESS, 'Recovered messages', nowMs);
  return RECOVERED_MAILBOX_ID;
}

/** Bodies that messages refer to and whose row is missing. */
export function missingBodies(target: DatabaseSync): readonly number[] {
  return ids(target, `SELECT DISTINCT body AS id FROM ${BODY_USES} WHERE body NOT IN (SELECT id FROM body)`);
}

/** Takes the messages of these bodies out, and says which they were. */
export function dropMessages(target: DatabaseSync, lost: ReadonlyMap<number, string>): readonly LostMessage[] {
  const find = target.prepare(
    `SELECT coalesce(x.address, '') AS address, f.name, m.uid, m.internal_date_ms AS date, m.size_bytes AS size
     FROM message m JOIN folder f ON f.id = m.folder LEFT JOIN mailbox x ON x.id = f.mailbox WHERE m.body = ?1
     UNION ALL
     SELECT coalesce(x.address, ''), r.folder_name || ' (deleted items)', r.uid, r.internal_date_ms, r.size_bytes
     FROM retained r LEFT JOIN mailbox x ON x.id = r.mailbox WHERE r.body = ?1`,
  );
  const removals = ['message', 'retained'].map((table) => target.prepare(`DELETE FROM ${table} WHERE body = ?`));
  const removeBody = target.prepare('DELETE FROM body WHERE id = ?');
  return [...lost].flatMap(([bodyId, why]) => {
    const rows = find.all(bodyId);
    for (const removal of removals) removal.run(bodyId);
    removeBody.run(bodyId);
    return rows.map((row) => ({
      mailbox: String(row['address']),
      folder: String(row['name']),
      uid: Number(row['uid']),
      bodyId,
      internalDateMs: Number(row['date']),
      sizeBytes: Number(row['size']),
      why,
    }));
  });
}

/** Counters follow from the rows. */
export function recount(target: DatabaseSync): void {
  target.exec(`
    DELETE FROM body WHERE id NOT IN (SELECT body FROM ${BODY_USES});
    UPDATE body SET references_count = u.uses FROM (SELECT body, count(*) AS uses FROM ${BODY_USES} GROUP BY body) u
      WHERE body.id = u.body AND references_count <> u.uses;
    DELETE FROM pack;
    INSERT INTO pack SELECT pack, count(*) FROM body GROUP BY pack;
    UPDATE folder SET (message_count, unseen_count, size_bytes, uid_total) =
      (SELECT count(*), cast(total(flags & ${FLAG_SEEN} = 0) AS INTEGER), cast(total(size_bytes) AS INTEGER),
         coalesce(sum(uid), 0) & ${UID_TOTAL_MASK} FROM message WHERE folder = folder.id);
    UPDATE folder SET uid_next = max(uid_next, (SELECT coalesce(max(uid), 0) + 1 FROM message WHERE folder = folder.id));
    DELETE FROM tombstone WHERE folder NOT IN (SELECT id FROM folder);
    UPDATE folder SET tombstone_runs = (SELECT count(*) FROM tombstone WHERE folder = folder.id);
    DELETE FROM folder_right WHERE folder NOT IN (SELECT id FROM folder);
    DELETE FROM annotation WHERE folder <> 0 AND folder NOT IN (SELECT id FROM folder);
    DELETE FROM mailbox_usage;
    INSERT INTO mailbox_usage SELECT m.id, coalesce(sum(f.size_bytes), 0), coalesce(sum(f.message_count), 0)
      FROM mailbox m LEFT JOIN folder f ON f.mailbox = m.id GROUP BY m.id;
  `);
}

function ids(target: DatabaseSync, sql: string): readonly number[] {
  return target
    .prepare(sql)
    .all()
    .map((row) => Number(row['id']));
}
