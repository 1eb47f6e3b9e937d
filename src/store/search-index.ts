/**
 * The index's own database: FTS5 over words that search-words.ts made, and the vocabulary beside it.
 *
 * IMAP's SEARCH wants substrings and FTS5 knows words. The vocabulary bridges the two: the words that contain the
 * search text are looked up there (a walk over some hundred thousand short rows), and FTS5 is asked for any of them. For
 * a search text inside one word that is the exact answer. A trigram tokenizer would find no text below three characters
 * and makes an index three times as large.
 *
 * FTS5 is used contentless (the messages are in the packs), with its `ascii` tokenizer: to that one every byte above 127
 * is part of a word, so the words are ours and follow no table of Unicode inside SQLite. Whole headers have a table and
 * a vocabulary of their own: their ids and signatures would make a walk over the words of the texts ten times as long.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { present } from '../base/assert.ts';
import { Problem } from '../base/problem.ts';
import type { DecodedField } from '../mail/decoded-text.ts';
import { foldForSearch } from '../mail/search-fold.ts';
import { searchPieces, type Words, wordsOf } from '../mail/search-words.ts';
import type { TextField } from './content-index.ts';
import { INDEX_CACHE_KIB, MAX_SEARCHED_WORDS, WORDS_KEPT_IN_MEMORY, WORDS_PER_MATCH } from './limits.ts';

/** Raised whenever words are made in another way: an older index is thrown away. */
const INDEX_VERSION = 1;

const SCHEMA = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE document (
  -- Of the body.
  id INTEGER PRIMARY KEY,
  crc32 INTEGER NOT NULL,
  -- 0: not everything in it is in the index; it is an open question in every search.
  is_whole INTEGER NOT NULL
) STRICT;
CREATE INDEX document_partial ON document (id) WHERE is_whole = 0;
CREATE TABLE text_word (word TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE header_word (word TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE VIRTUAL TABLE text_index USING fts5 (
  subject, sender, recipient, cc, bcc, body, content = '', contentless_delete = 1, tokenize = 'ascii'
);
CREATE VIRTUAL TABLE header_index USING fts5 (header, content = '', contentless_delete = 1, tokenize = 'ascii');
`;

export interface IndexedMessage {
  readonly bodyId: number;
  readonly crc32: number;
  readonly header: readonly DecodedField[];
  readonly text: string;
}

/** Body ids, inclusive. */
export interface BodyRange {
  readonly first: number;
  readonly last: number;
}

/** Body ids; `open` = 'all' when the index cannot say anything. */
export interface BodyAnswer {
  readonly found: readonly number[];
  readonly open: readonly number[] | 'all';
}

type Table = 'text' | 'header';

const UNKNOWN: BodyAnswer = { found: [], open: 'all' };
/** Column of text_index for the keys that have one. */
const COLUMNS: Readonly<Record<Exclude<TextField, 'text' | 'header'>, string>> = {
  subject: 'subject',
  from: 'sender',
  to: 'recipient',
  cc: 'cc',
  bcc: 'bcc',
  body: 'body',
};

export class SearchIndex {
  readonly #connection: DatabaseSync;
  readonly #insertDocument: StatementSync;
  readonly #insertText: StatementSync;
  readonly #insertHeader: StatementSync;
  readonly #deletions: readonly StatementSync[];
  readonly #tables: Readonly<Record<Table, TableStatements>>;
  readonly #partial: StatementSync;
  readonly #documents: StatementSync;
  readonly #setMeta: StatementSync;
  #lastBodyId = 0;
  #indexedLsn = 0;

  /** Problem('IndexUnusable'): made by another version, or of another stream. Throws what SQLite throws when it is damaged. */
  constructor(connection: DatabaseSync, signature: Uint8Array) {
    this.#connection = connection;
    connection.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      PRAGMA cache_size = -${INDEX_CACHE_KIB};
      PRAGMA temp_store = MEMORY;
    `);
    this.#prepareSchema(Buffer.from(signature).toString('hex'));
    const prepare = (sql: string): StatementSync => {
      const statement = connection.prepare(sql);
      statement.setReturnArrays(true);
      // FTS5 leaves row ids of its own above 2^53 behind as the last one inserted, and `run` would throw.
      statement.setReadBigInts(!sql.startsWith('SELECT'));
      return statement;
    };
    this.#insertDocument = prepare('INSERT INTO document VALUES (?, ?, ?)');
    this.#insertText = prepare(
      'INSERT INTO text_index (rowid, subject, sender, recipient, cc, bcc, body) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#insertHeader = prepare('INSERT INTO header_index (rowid, header) VALUES (?, ?)');
    this.#deletions = [
      prepare('DELETE FROM document WHERE id = ?'),
      prepare('DELETE FROM text_index WHERE rowid = ?'),
      prepare('DELETE FROM header_index WHERE rowid = ?'),
    ];
    this.#tables = {
      text: new TableStatements(
        prepare('INSERT OR IGNORE INTO text_word SELECT value FROM json_each(?)'),
        prepare('SELECT word FROM text_word WHERE instr(word, ?) LIMIT ?'),
        prepare('SELECT rowid FROM text_index WHERE text_index MATCH ? AND rowid BETWEEN ? AND ?'),
      ),
      header: new TableStatements(
        prepare('INSERT OR IGNORE INTO header_word SELECT value FROM json_each(?)'),
        prepare('SELECT word FROM header_word WHERE instr(word, ?) LIMIT ?'),
        prepare('SELECT rowid FROM header_index WHERE header_index MATCH ? AND rowid BETWEEN ? AND ?'),
      ),
    };
    this.#partial = prepare('SELECT id FROM document WHERE is_whole = 0 AND id BETWEEN ? AND ?');
    this.#documents = prepare('SELECT id, crc32 FROM document WHERE id BETWEEN ? AND ? ORDER BY id');
    this.#setMeta = prepare('INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value');
    this.#load();
  }

  /** Every body up to here was looked at. */
  get lastBodyId(): number {
    return this.#lastBodyId;
  }

  /** Everything that the database held at this LSN was looked at. */
  get indexedLsn(): number {
    return this.#indexedLsn;
  }

  /** Runs `work` as one transaction; whatever it throws leaves the index as it was. */
  change<T>(work: () => T): T {
    this.#connection.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#setMeta.run('last_body', this.#lastBodyId);
      this.#setMeta.run('indexed_lsn', this.#indexedLsn);
      this.#connection.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#connection.isTransaction) this.#connection.exec('ROLLBACK');
      this.#load();
      for (const table of Object.values(this.#tables)) table.forget();
      throw error;
    }
  }

  /** Within `change`. Replaces what was there under this id. */
  add(message: IndexedMessage): void {
    const { bodyId, header } = message;
    this.remove(bodyId);
    const valuesOf = (name: string): Words => fieldWords(header.filter((field) => field.lowerName === name));
    const columns = [...['subject', 'from', 'to', 'cc', 'bcc'].map(valuesOf), wordsOf(foldForSearch(message.text))];
    const whole = fieldWords(header, true);
    const texts = columns.map(({ text }) => text);
    this.#insertText.run(bodyId, ...texts);
    this.#insertHeader.run(bodyId, whole.text);
    for (const { distinct } of columns) this.#tables.text.learn(distinct);
    this.#tables.header.learn(whole.distinct);
    const isWhole = whole.isWhole && columns.every((column) => column.isWhole);
    this.#insertDocument.run(bodyId, message.crc32, isWhole ? 1 : 0);
  }

  /** Within `change`: a body that cannot be read is there, but nothing is known of it. */
  addUnread(bodyId: number, crc32: number): void {
    this.remove(bodyId);
    this.#insertDocument.run(bodyId, crc32, 0);
  }

  /** Within `change`. */
  remove(bodyId: number): void {
    const [document, ...rest] = this.#deletions;
    // Most calls are about bodies that were never here, and FTS5's deletion of nothing costs as much as of something.
    if (Number(present(document, 'There are three').run(bodyId).changes) === 0) return;
    for (const deletion of rest) deletion.run(bodyId);
  }

  /** Within `change`. */
  moveTo(lastBodyId: number, indexedLsn: number): void {
    this.#lastBodyId = lastBodyId;
    this.#indexedLsn = indexedLsn;
  }

  documents(range: BodyRange): ReadonlyMap<number, number> {
    const rows: unknown = this.#documents.all(range.first, range.last);
    return new Map(rows as readonly [number, number][]);
  }

  /** Of the bodies in `range` that are at or below `lastBodyId`. */
  find(field: TextField, text: string, range: BodyRange): BodyAnswer {
    const folded = foldForSearch(text);
    if (field === 'header') return openOnly(this.#findIn('header', '', folded, range));
    if (field !== 'text') return this.#findIn('text', COLUMNS[field], folded, range);
    return either(this.#findIn('text', 'body', folded, range), this.#findIn('header', '', folded, range));
  }

  /** Bodies of which the index does not hold everything. */
  partial(range: BodyRange): readonly number[] {
    return idsOf(this.#partial.all(range.first, range.last));
  }

  #findIn(table: Table, column: string, folded: string, range: BodyRange): BodyAnswer {
    const { words, isOneWord, startsWord, endsWord } = searchPieces(folded);
    const first = words[0];
    if (first === undefined) return UNKNOWN;
    const containing = this.#tables[table].wordsWith(first);
    if (containing === undefined) return UNKNOWN;
    if (isOneWord) return { found: this.#match(table, column, containing.map(quoted), range), open: [] };
    const rest = words.slice(1);
    const fits = (word: string): boolean =>
      (!startsWord || word.startsWith(first)) && (rest.length > 0 || endsWord ? word.endsWith(first) : true);
    // In front of more pieces the first one is the end of a word, the last one the beginning of one.
    const beginnings = containing.filter((word) => fits(word) && (!startsWord || rest.length === 0 || word === first));
    const tail = rest.length > 0 && !endsWord ? ' *' : '';
    const phrases = beginnings.map((word) => quoted([word, ...rest].join(' ')) + tail);
    return { found: [], open: this.#match(table, column, phrases, range) };
  }

  #match(table: Table, column: string, phrases: readonly string[], range: BodyRange): readonly number[] {
    const found = new Set<number>();
    for (let from = 0; from < phrases.length; from += WORDS_PER_MATCH) {
      const any = phrases.slice(from, from + WORDS_PER_MATCH).join(' OR ');
      const query = column === '' ? any : `${column} : (${any})`;
      for (const id of this.#tables[table].match(query, range)) found.add(id);
    }
    return [...found];
  }

  #load(): void {
    const value = (name: string) =>
      this.#connection.prepare('SELECT value FROM meta WHERE name = ?').get(name)?.['value'];
    this.#lastBodyId = Number(value('last_body') ?? 0);
    this.#indexedLsn = Number(value('indexed_lsn') ?? 0);
  }

  #prepareSchema(signature: string): void {
    const made = `${INDEX_VERSION} ${signature}`;
    if (this.#connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").get() === undefined) {
      this.#connection.exec(`BEGIN IMMEDIATE; ${SCHEMA}`);
      this.#connection.prepare("INSERT INTO meta VALUES ('made', ?)").run(made);
      this.#connection.exec('COMMIT');
    }
    const found = this.#connection.prepare("SELECT value FROM meta WHERE name = 'made'").get()?.['value'];
    if (found === made) return;
    throw new Problem(
      'IndexUnusable',
      'Cannot open the content index: it was made by another version, or for another log',
    );
  }
}

/** The statements of one of the two indexes, and the words that it surely knows. */
class TableStatements {
  readonly #insertWords: StatementSync;
  readonly #wordsWith: StatementSync;
  readonly #match: StatementSync;
  readonly #known = new Set<string>();

  constructor(insertWords: StatementSync, wordsWith: StatementSync, match: StatementSync) {
    this.#insertWords = insertWords;
    this.#wordsWith = wordsWith;
    this.#match = match;
  }

  learn(words: ReadonlySet<string>): void {
    const news = [...words].filter((word) => !this.#known.has(word));
    if (news.length === 0) return;
    this.#insertWords.run(JSON.stringify(news.map((word) => word.toWellFormed())));
    if (this.#known.size > WORDS_KEPT_IN_MEMORY) this.#known.clear();
    for (const word of news) this.#known.add(word);
  }

  /** After a rollback nothing is sure any more. */
  forget(): void {
    this.#known.clear();
  }

  /** Undefined: too many to ask for. */
  wordsWith(text: string): readonly string[] | undefined {
    const rows: unknown = this.#wordsWith.all(text, MAX_SEARCHED_WORDS + 1);
    const words = (rows as readonly [string][]).map(([word]) => word);
    return words.length > MAX_SEARCHED_WORDS ? undefined : words;
  }

  match(query: string, range: BodyRange): readonly number[] {
    return idsOf(this.#match.all(query, range.first, range.last));
  }
}

function fieldWords(fields: readonly DecodedField[], withNames = false): Words {
  const lines = fields.map(({ lowerName, value }) => foldForSearch(withNames ? `${lowerName}: ${value}` : value));
  return wordsOf(lines.join('\n'));
}

/** FTS5's query language is spoken in quoted strings only (its words are letters, digits and spaces by now). */
function quoted(phrase: string): string {
  return `"${phrase.replaceAll('"', '""')}"`;
}

function idsOf(rows: unknown): number[] {
  return (rows as readonly [number][]).map(([id]) => id);
}

function openOnly({ found, open }: BodyAnswer): BodyAnswer {
  return open === 'all' ? UNKNOWN : { found: [], open: [...found, ...open] };
}

function either(one: BodyAnswer, other: BodyAnswer): BodyAnswer {
  const found = new Set([...one.found, ...other.found]);
  if (one.open === 'all' || other.open === 'all') return { found: [...found], open: 'all' };
  return { found: [...found], open: [...one.open, ...other.open].filter((id) => !found.has(id)) };
}
