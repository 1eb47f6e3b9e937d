/**
 * The thread behind host/content-index.ts. It works when there is something to do, a stretch at a time with a rest
 * after it so that those who serve keep their processor; questions are answered between two stretches. (A lower priority
 * of the thread would do for the work, but questions would wait with it.)
 *
 * A file that is damaged, of another version or of another log is thrown away and made anew. Everything else that goes
 * wrong (a full disk, a database that cannot be opened) is tried again after a while.
 */
import { closeSync, openSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { present } from '../base/assert.ts';
import { crc32 } from '../base/checksum.ts';
import { isProblem, messageOf } from '../base/problem.ts';
import type { ContentIndexThreadSettings, FromContentIndex, ToContentIndex } from '../host/content-index.ts';
import type { ContentIndexState } from '../store/content-index.ts';
import { openReader } from '../store/database.ts';
import { type BodyPlace, PACK_HEAD_BYTES } from '../store/packs.ts';
import { SearchIndex } from '../store/search-index.ts';
import { SearchIndexer } from '../store/search-indexer.ts';

const STRETCH_MS = 15;
/** After a stretch, so many times its length is rested: mail that arrives goes first, and a search reads what is missing. */
const REST_PART = 4;
const STATUS_INTERVAL_MS = 250;
const SWEEP_INTERVAL_MS = 10 * 60_000;
const RETRY_MS = 10_000;
/** So many failures one after the other, and the file is not trusted any more. */
const FAILURES_BEFORE_REBUILD = 3;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

const port = present(parentPort, 'This file runs as a thread');
const settings = workerData as ContentIndexThreadSettings;

interface Parts {
  readonly connection: DatabaseSync;
  readonly reader: DatabaseSync;
  readonly packs: PackReader;
  readonly indexer: SearchIndexer;
  readonly index: SearchIndex;
}

class Crawler {
  #parts: Parts | undefined;
  #failure: string | null = null;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #isBehind = true;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #sweptAtMs = performance.now();

  /** Soon, if no stretch is planned already. */
  plan(delayMs = 0): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#stretch();
    }, delayMs);
  }

  search(message: Extract<ToContentIndex, { type: 'search' }>): void {
    const { id, folderId, questions } = message;
    let answer: ReturnType<SearchIndexer['search']>;
    try {
      answer = this.#parts?.indexer.search(folderId, questions);
    } catch (error) {
      this.#fail(error);
    }
    send({ type: 'answer', id, answer });
  }

  rebuild(reason: string): void {
    send({ type: 'event', level: 'info', event: 'the content index is made anew', fields: { reason } });
    this.close();
    this.#isBehind = true;
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${settings.indexPath}${suffix}`, { force: true });
    this.plan();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const parts = this.#parts;
    this.#parts = undefined;
    parts?.packs.close();
    parts?.reader.close();
    parts?.connection.close();
  }

  #stretch(): void {
    const startedMs = performance.now();
    try {
      this.#parts ??= openParts();
      if (startedMs - this.#sweptAtMs > SWEEP_INTERVAL_MS) {
        this.#sweptAtMs = startedMs;
        this.#parts.indexer.startSweep();
      }
      do this.#isBehind = this.#parts.indexer.step();
      while (this.#isBehind && performance.now() - startedMs < STRETCH_MS);
      this.#failure = null;
      this.#failures = 0;
      if (this.#isBehind) this.plan((performance.now() - startedMs) * REST_PART);
      this.#tell();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failure = messageOf(error);
    this.#failures += 1;
    send({ type: 'event', level: 'error', event: 'the content index failed', fields: { reason: this.#failure } });
    if (isWorthless(error) || this.#failures >= FAILURES_BEFORE_REBUILD) {
      this.#failures = 0;
      this.rebuild(this.#failure);
    } else {
      this.close();
      this.plan(RETRY_MS);
    }
    this.#toldAtMs = Number.NEGATIVE_INFINITY;
    this.#tell();
  }

  #tell(): void {
    const nowMs = performance.now();
    if (this.#isBehind && nowMs - this.#toldAtMs < STATUS_INTERVAL_MS) return;
    this.#toldAtMs = nowMs;
    const { index, indexer } = this.#parts ?? {};
    const state: ContentIndexState =
      this.#failure !== null ? 'Failed' : this.#isBehind || indexer?.isTrusted !== true ? 'Crawling' : 'Healthy';
    send({
      type: 'status',
      status: {
        state,
        backlog: indexer?.backlog() ?? 0,
        indexedLsn: index?.indexedLsn ?? 0,
        databaseLsn: indexer?.databaseLsn() ?? 0,
        failure: this.#failure,
      },
    });
  }
}

function openParts(): Parts {
  const reader = openReader(settings.databasePath);
  let connection: DatabaseSync | undefined;
  try {
    connection = new DatabaseSync(settings.indexPath);
    const index = new SearchIndex(connection, Buffer.from(settings.signature, 'hex'));
    const packs = new PackReader(settings.packsFolder);
    const indexer = new SearchIndexer({ index, reader, readBody: (place) => packs.body(place) });
    return { connection, reader, packs, index, indexer };
  } catch (error) {
    connection?.close();
    reader.close();
    throw error;
  }
}

/** Bodies for a reader beside the serving thread: whatever a committed row names has been written and synced. */
class PackReader {
  readonly #folder: string;
  #pack = 0;
  #descriptor: number | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Undefined when it is not as it was: a damaged body is repaired elsewhere, here it is one that nothing is known of. */
  body(place: BodyPlace): Buffer | undefined {
    const descriptor = this.#open(place.pack);
    if (descriptor === undefined) return undefined;
    const bytes = Buffer.allocUnsafeSlow(place.sizeBytes);
    const start = place.position + PACK_HEAD_BYTES;
    for (let filled = 0; filled < bytes.length; ) {
      const count = readSync(descriptor, bytes, filled, bytes.length - filled, start + filled);
      if (count === 0) return undefined;
      filled += count;
    }
    return crc32(bytes) === place.crc32 ? bytes : undefined;
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
    this.#pack = 0;
  }

  #open(pack: number): number | undefined {
    if (this.#pack === pack) return this.#descriptor;
    this.close();
    try {
      this.#descriptor = openSync(join(this.#folder, `${String(pack).padStart(8, '0')}.pack`), 'r');
      this.#pack = pack;
    } catch (error) {
      // Its last body was just removed, and the pack with it.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    return this.#descriptor;
  }
}

function isWorthless(error: unknown): boolean {
  const code = (error as { errcode?: unknown }).errcode;
  const primary = typeof code === 'number' ? code % 256 : 0;
  return primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB || isProblem(error, 'IndexUnusable');
}

function send(message: FromContentIndex): void {
  port.postMessage(message);
}

const crawler = new Crawler();
crawler.plan();
port.on('message', (message: ToContentIndex) => {
  switch (message.type) {
    case 'committed':
      return crawler.plan();
    case 'search':
      return crawler.search(message);
    case 'rebuild':
      return crawler.rebuild('an administrator asked for it');
    case 'close':
      crawler.close();
      return port.close();
  }
});
