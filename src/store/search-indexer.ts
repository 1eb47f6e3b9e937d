/**
 * Keeps the content index in step with the database, a small step at a time, through a connection that only reads. It
 * follows what is committed and not the stream of records: bodies get ascending ids that are never used twice, so what
 * is new is what lies behind the last id, and the way of every second is also the way after a restart or a rebuild.
 * There is no queue that could overflow, and the serving thread has no part in it.
 *
 * A sweep compares both sides from time to time: bodies that nobody refers to any more leave the index. The first sweep
 * after the opening comes before anything is answered, because the database may be another one than last time (restored,
 * seeded, or set back by a loss of power).
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { decodedHeader, decodedText } from '../mail/decoded-text.ts';
import { decodeStructure } from '../mail/structure-codec.ts';
import type { FolderAnswer, TextAnswer, TextQuestion } from './content-index.ts';
import { readTally } from './database.ts';
import { INDEX_BATCH_MESSAGES, INDEX_SWEEP_BODIES } from './limits.ts';
import type { BodyPlace } from './packs.ts';
import type { SearchIndex } from './search-index.ts';

export interface IndexerOptions {
  readonly index: SearchIndex;
  /** Of openReader, on the copy's database. Only this object uses it. */
  readonly reader: DatabaseSync;
  /** The body's bytes, checked; undefined when they cannot be read. */
  readonly readBody: (place: BodyPlace) => Buffer | undefined;
}

type BodyRow = readonly [
  id: number,
  pack: number,
  position: number,
  sizeBytes: number,
  crc32: number,
  structure: Uint8Array,
];

const BODY = 'id, pack, position, size_bytes, crc32, structure';

export class SearchIndexer {
  readonly #options: IndexerOptions;
  readonly #bodiesBehind: StatementSync;
  readonly #body: StatementSync;
  readonly #checksums: StatementSync;
  readonly #backlog: StatementSync;
  readonly #folder: StatementSync;
  readonly #uidsBehind: StatementSync;
  readonly #uidsOf: StatementSync;
  /** Where the sweep under way goes on; undefined between two. */
  #sweptTo: number | undefined = 0;
  #isSwept = false;

  constructor(options: IndexerOptions) {
    this.#options = options;
    const prepare = (sql: string): StatementSync => {
      const statement = options.reader.prepare(sql);
      statement.setReturnArrays(true);
      return statement;
    };
    this.#bodiesBehind = prepare(`SELECT ${BODY} FROM body WHERE id > ? ORDER BY id LIMIT ?`);
    this.#body = prepare(`SELECT ${BODY} FROM body WHERE id = ?`);
    this.#checksums = prepare('SELECT id, crc32 FROM body WHERE id > ? ORDER BY id LIMIT ?');
    this.#backlog = prepare('SELECT count(*) FROM body WHERE id > ?');
    this.#folder = prepare(
      'SELECT f.uid_next, min(m.body), max(m.body) FROM folder f LEFT JOIN message m ON m.folder = f.id WHERE f.id = ?',
    );
    this.#uidsBehind = prepare('SELECT uid FROM message WHERE folder = ? AND body > ? ORDER BY uid');
    this.#uidsOf = prepare(
      'SELECT uid FROM message WHERE folder = ? AND body IN (SELECT value FROM json_each(?)) ORDER BY uid',
    );
  }

  /** False until the index was compared with this database: it may be of another one. */
  get isTrusted(): boolean {
    return this.#isSwept;
  }

  /** To be called after every commit, and again as long as it returns true: there is more to do. */
  step(): boolean {
    if (this.#sweptTo !== undefined && !this.#isSwept) {
      this.#sweep(this.#sweptTo);
      return true;
    }
    if (this.#takeNew()) return true;
    return this.#sweptTo === undefined ? false : this.#sweep(this.#sweptTo);
  }

  /** Begins to look for bodies that are gone. */
  startSweep(): void {
    this.#sweptTo ??= 0;
  }

  /** Bodies that are committed and not in the index. */
  backlog(): number {
    const row: unknown = this.#backlog.get(this.#options.index.lastBodyId);
    return (row as readonly [number])[0];
  }

  databaseLsn(): number {
    return readTally(this.#options.reader).appliedLsn;
  }

  /** Undefined when there is no such folder yet, or the index is not to be trusted. */
  search(folderId: number, questions: readonly TextQuestion[]): FolderAnswer | undefined {
    if (!this.#isSwept) return undefined;
    return this.#inOneMoment(() => {
      const row: unknown = this.#folder.get(folderId);
      const [uidNext, first, last] = row as readonly [number | null, number | null, number | null];
      if (uidNext === null) return undefined;
      const answers = questions.map((question) =>
        this.#answer(folderId, question, { first: first ?? 0, last: last ?? 0 }),
      );
      return { uidNext, indexedLsn: this.#options.index.indexedLsn, answers };
    });
  }

  #answer(folderId: number, question: TextQuestion, range: { first: number; last: number }): TextAnswer {
    const { index } = this.#options;
    const { found, open } = index.find(question.field, question.text, range);
    const uidsOf = (bodies: readonly number[]): number[] =>
      bodies.length === 0 ? [] : uidsFrom(this.#uidsOf.all(folderId, JSON.stringify(bodies)));
    const late = uidsFrom(this.#uidsBehind.all(folderId, open === 'all' ? -1 : index.lastBodyId));
    const known = new Set(found);
    const partial = open === 'all' ? [] : index.partial(range).filter((id) => !known.has(id));
    const unsure = open === 'all' ? [] : uidsOf([...open, ...partial]);
    return { found: Uint32Array.from(uidsOf(found)), open: Uint32Array.from([...unsure, ...late]).sort() };
  }

  /** One batch of bodies behind the last one. Everything is read before anything is written. */
  #takeNew(): boolean {
    const { index } = this.#options;
    const { rows, tally } = this.#inOneMoment(() => ({
      rows: this.#bodiesBehind.all(index.lastBodyId, INDEX_BATCH_MESSAGES) as unknown as readonly BodyRow[],
      tally: readTally(this.#options.reader),
    }));
    const isAll = rows.length < INDEX_BATCH_MESSAGES;
    if (rows.length === 0 && tally.appliedLsn === index.indexedLsn) return false;
    index.change(() => {
      for (const row of rows) this.#add(row);
      const last = rows.at(-1)?.[0] ?? index.lastBodyId;
      index.moveTo(last, isAll ? tally.appliedLsn : index.indexedLsn);
    });
    return !isAll;
  }

  /** Compares a stretch of bodies with the index. True when there is more to compare. */
  #sweep(from: number): boolean {
    const { index } = this.#options;
    const bodies = this.#checksums.all(from, INDEX_SWEEP_BODIES) as unknown as readonly (readonly [number, number])[];
    const isLast = bodies.length < INDEX_SWEEP_BODIES;
    const last = isLast ? Number.MAX_SAFE_INTEGER : (bodies.at(-1)?.[0] ?? from);
    const documents = index.documents({ first: from + 1, last });
    const wanted = new Map(bodies);
    const gone = [...documents.keys()].filter((id) => documents.get(id) !== wanted.get(id));
    const missing = bodies.filter(([id, crc32]) => id <= index.lastBodyId && documents.get(id) !== crc32);
    index.change(() => {
      for (const id of gone) index.remove(id);
      for (const [id] of missing) this.#addById(id);
      const end = bodies.at(-1)?.[0] ?? from;
      // A database that was set back gives the ids behind its end a second time.
      if (isLast && index.lastBodyId > end) index.moveTo(end, Math.min(index.indexedLsn, this.databaseLsn()));
    });
    this.#sweptTo = isLast ? undefined : last;
    this.#isSwept ||= isLast;
    return !isLast;
  }

  #addById(bodyId: number): void {
    const row: unknown = this.#body.get(bodyId);
    if (row !== undefined) this.#add(row as BodyRow);
  }

  #add([bodyId, pack, position, sizeBytes, crc32, structureBytes]: BodyRow): void {
    const { index, readBody } = this.#options;
    const bytes = readBody({ bodyId, pack, position, sizeBytes, crc32 });
    if (bytes === undefined) return index.addUnread(bodyId, crc32);
    const structure = decodeStructure(structureBytes);
    index.add({
      bodyId,
      crc32,
      header: decodedHeader(bytes.subarray(0, structure.root.headerEnd), structure),
      text: decodedText(bytes, structure),
    });
  }

  /** A short read transaction: as long as it is open, the database's write-ahead file cannot start anew. */
  #inOneMoment<T>(read: () => T): T {
    const { reader } = this.#options;
    reader.exec('BEGIN');
    try {
      return read();
    } finally {
      reader.exec('COMMIT');
    }
  }
}

function uidsFrom(rows: unknown): number[] {
  return (rows as readonly [number][]).map(([uid]) => uid);
}
