/**
 * Is the database whole? SQLite answers for its pages and trees; that the rows agree with each other (counters, bodies
 * and their references, places in packs) is asked here. Nothing is changed.
 */
import type { DatabaseSync } from 'node:sqlite';
import { messageOf } from '../../base/problem.ts';
import { FLAG_SEEN } from '../../mail/flags.ts';
import { readTally } from '../database.ts';
import { BODY_USES, UID_TOTAL_MASK } from '../schema.ts';
import type { Finding } from './finding.ts';
import { MAX_DATABASE_ERRORS } from './limits.ts';
import { ENTRY_HEAD_BYTES } from './pack-name.ts';

export interface DatabaseFile {
  readonly connection: DatabaseSync;
  /** For the findings. */
  readonly name: string;
  readonly sizeBytes: number;
}

/**
 * SQLite's pages and trees, with the range of each page it names. `thorough`: indexes against their tables too. SQLite
 * may name the damaged pages first and then give up: what it said before counts.
 */
export function checkPages(file: DatabaseFile, thorough = false): readonly Finding[] {
  const findings: Finding[] = [];
  try {
    const pageBytes = Number(file.connection.prepare('PRAGMA page_size').get()?.['page_size']);
    const pragma = thorough ? 'integrity_check' : 'quick_check';
    for (const row of file.connection.prepare(`PRAGMA ${pragma}(${MAX_DATABASE_ERRORS})`).iterate()) {
      const lines = String(Object.values(row)[0]).split('\n');
      const errors = lines.filter((line) => line !== 'ok' && line !== '' && !line.startsWith('***'));
      findings.push(...errors.map((line) => pageFinding(file, line, pageBytes)));
    }
  } catch (error) {
    if (findings.length === 0) findings.push(wholeFile(file, messageOf(error)));
  }
  return findings;
}

function pageFinding(file: DatabaseFile, line: string, pageBytes: number): Finding {
  const page = Number(/\bpage (\d+)/i.exec(line)?.[1] ?? 0);
  if (page === 0) return wholeFile(file, line);
  return { file: file.name, fromByte: (page - 1) * pageBytes, toByte: page * pageBytes, what: line };
}

export function wholeFile({ name, sizeBytes }: DatabaseFile, what: string): Finding {
  return { file: name, fromByte: 0, toByte: sizeBytes, what };
}

/** What must hold between rows; each statement gives the rows for which it does not, as one text. */
const rules: readonly string[] = [
  `SELECT 'folder ' || f.id || ' counts ' || f.message_count || ' messages, ' || f.unseen_count || ' unseen, ' ||
     f.size_bytes || ' bytes; it has ' || count(m.uid) || ', ' || total(m.flags & ${FLAG_SEEN} = 0) || ', ' || total(m.size_bytes)
   FROM folder f LEFT JOIN message m ON m.folder = f.id GROUP BY f.id
   HAVING f.message_count <> count(m.uid) OR f.size_bytes <> total(m.size_bytes)
     OR f.uid_total <> coalesce(sum(m.uid), 0) & ${UID_TOTAL_MASK}
     OR f.unseen_count <> total(m.uid IS NOT NULL AND m.flags & ${FLAG_SEEN} = 0)`,
  `SELECT 'folder ' || f.id || ' gives UID ' || f.uid_next || ' next and has UID ' || max(m.uid)
   FROM folder f JOIN message m ON m.folder = f.id GROUP BY f.id HAVING max(m.uid) >= f.uid_next`,
  `SELECT 'message ' || m.folder || '/' || m.uid || ' has no folder' FROM message m
   WHERE m.folder NOT IN (SELECT id FROM folder)`,
  `SELECT 'message ' || m.folder || '/' || m.uid || ' refers to body ' || m.body || ', which is not there'
   FROM message m LEFT JOIN body b ON b.id = m.body WHERE b.id IS NULL`,
  `SELECT 'body ' || b.id || ' counts ' || b.references_count || ' references; it has ' || coalesce(u.uses, 0)
   FROM body b LEFT JOIN (SELECT body, count(*) AS uses FROM ${BODY_USES} GROUP BY body) u ON u.body = b.id
   WHERE b.references_count <> coalesce(u.uses, 0)`,
  `SELECT 'body ' || id || ' lies upon the one before it' FROM (SELECT id, position,
     lag(position + size_bytes + ${ENTRY_HEAD_BYTES}) OVER (PARTITION BY pack ORDER BY position) AS free FROM body)
   WHERE position < free`,
  `SELECT 'pack ' || p.id || ' counts ' || p.live_bodies || ' bodies; it has ' || count(b.id)
   FROM pack p LEFT JOIN body b ON b.pack = p.id GROUP BY p.id HAVING p.live_bodies <> count(b.id)`,
  `SELECT 'deleted item ' || r.folder || '/' || r.uid || ' refers to body ' || r.body || ', which is not there'
   FROM retained r LEFT JOIN body b ON b.id = r.body WHERE b.id IS NULL`,
  `SELECT 'mailbox ' || u.mailbox || ' counts ' || u.message_count || ' messages, ' || u.size_bytes || ' bytes; its folders have '
     || total(f.message_count) || ', ' || total(f.size_bytes)
   FROM mailbox_usage u LEFT JOIN folder f ON f.mailbox = u.mailbox GROUP BY u.mailbox
   HAVING u.message_count <> total(f.message_count) OR u.size_bytes <> total(f.size_bytes)`,
  `SELECT 'mailbox ' || id || ' has no count of what it uses' FROM mailbox WHERE id NOT IN (SELECT mailbox FROM mailbox_usage)`,
  `SELECT 'folder ' || id || ' has no mailbox' FROM folder WHERE mailbox NOT IN (SELECT id FROM mailbox)`,
];

/** Of a database whose pages are whole: the rows that do not agree, at most a fixed number for each rule. */
export function checkRows(file: DatabaseFile): readonly Finding[] {
  try {
    const found = rules.flatMap((rule) => {
      const rows = file.connection.prepare(`${rule} LIMIT ${MAX_DATABASE_ERRORS}`).all();
      return rows.map((row) => wholeFile(file, String(Object.values(row)[0])));
    });
    return [...found, ...markFindings(file)];
  } catch (error) {
    return [wholeFile(file, messageOf(error))];
  }
}

/** No body beyond the mark where the next one goes. */
function markFindings(file: DatabaseFile): readonly Finding[] {
  const { pack, packEnd, nextBodyId } = readTally(file.connection);
  const rows = file.connection
    .prepare(
      `SELECT id FROM body WHERE id >= ? OR pack > ? OR (pack = ? AND position + size_bytes + ? > ?)
       LIMIT ${MAX_DATABASE_ERRORS}`,
    )
    .all(nextBodyId, pack, pack, ENTRY_HEAD_BYTES, packEnd);
  return rows.map((row) => wholeFile(file, `body ${String(row['id'])} lies beyond the end of the packs`));
}
