/**
 * Are the bodies that the database refers to whole? Asked beside a running copy: places are looked up in short
 * questions, packs are read in long runs in the order of their bytes, and a body that was removed meanwhile is no
 * finding. Bytes that nobody refers to are nobody's loss and are passed over.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { crc32 } from '../../base/checksum.ts';
import { isProblem } from '../../base/problem.ts';
import type { Disk } from '../../log/disk.ts';
import { type BodyPlace, headOf } from '../packs.ts';
import type { Finding, Pace } from './finding.ts';
import { GAP_BYTES, PLACES_AT_ONCE, READ_BYTES } from './limits.ts';
import { ENTRY_HEAD_BYTES, packName } from './pack-name.ts';

export interface BodyCheck {
  readonly findings: readonly Finding[];
  readonly bodies: number;
  readonly readBytes: number;
}

/** Neighbours in a pack, read in one go; one long body alone. */
interface Run {
  readonly pack: number;
  readonly position: number;
  endByte: number;
  readonly places: BodyPlace[];
}

/** `connection`: of the copy's database, free of transactions. `disk`: its root is the copy's folder. */
export async function checkBodies(
  connection: DatabaseSync,
  disk: Disk,
  options: { pace?: Pace; pack?: number; afterBodyId?: number; limit?: number } = {},
): Promise<BodyCheck & { readonly lastBodyId: number | undefined }> {
  const reader = new PlaceReader(connection);
  const findings: Finding[] = [];
  let bodies = 0;
  let readBytes = 0;
  let lastBodyId = options.afterBodyId ?? 0;
  for (;;) {
    const batch = reader.behind(lastBodyId);
    if (batch.length === 0) return { findings, bodies, readBytes, lastBodyId: undefined };
    lastBodyId = batch.at(-1)?.bodyId ?? lastBodyId;
    const places = options.pack === undefined ? batch : batch.filter(({ pack }) => pack === options.pack);
    for await (const { run, bytes } of readRuns(disk, runsOf(places))) {
      const damaged = await damagedPlaces(disk, run, bytes);
      findings.push(
        ...damaged.filter(({ place }) => reader.isStillThere(place)).map(({ place, what }) => findingOf(place, what)),
      );
      bodies += run.places.length;
      readBytes += run.endByte - run.position;
      await options.pace?.(run.endByte - run.position);
    }
    if (options.limit !== undefined && bodies >= options.limit) return { findings, bodies, readBytes, lastBodyId };
  }
}

class PlaceReader {
  readonly #behind: StatementSync;
  readonly #one: StatementSync;

  constructor(connection: DatabaseSync) {
    this.#behind = connection.prepare(
      `SELECT id, pack, position, size_bytes, crc32 FROM body WHERE id > ? ORDER BY id LIMIT ${PLACES_AT_ONCE}`,
    );
    this.#behind.setReturnArrays(true);
    this.#one = connection.prepare('SELECT 1 FROM body WHERE id = ? AND pack = ? AND position = ?');
  }

  behind(bodyId: number): BodyPlace[] {
    const rows = this.#behind.all(bodyId) as unknown as readonly (readonly number[])[];
    return rows.map(([id = 0, pack = 0, position = 0, sizeBytes = 0, checksum = 0]) => ({
      bodyId: id,
      pack,
      position,
      sizeBytes,
      crc32: checksum,
    }));
  }

  isStillThere({ bodyId, pack, position }: BodyPlace): boolean {
    return this.#one.get(bodyId, pack, position) !== undefined;
  }
}

/** In the order of the bytes. */
function runsOf(places: readonly BodyPlace[]): Run[] {
  const runs: Run[] = [];
  for (const place of places.toSorted((a, b) => a.pack - b.pack || a.position - b.position)) {
    const endByte = place.position + ENTRY_HEAD_BYTES + place.sizeBytes;
    const run = runs.at(-1);
    const fits = run?.pack === place.pack && place.position - run.endByte <= GAP_BYTES;
    if (run !== undefined && fits && endByte - run.position <= READ_BYTES) {
      run.endByte = Math.max(run.endByte, endByte);
      run.places.push(place);
    } else runs.push({ pack: place.pack, position: place.position, endByte, places: [place] });
  }
  return runs;
}

/** The next run is read while this one is checked. Of a long run only the beginning is read here. */
async function* readRuns(disk: Disk, runs: readonly Run[]): AsyncGenerator<{ run: Run; bytes: Buffer }> {
  let next: Promise<Buffer> | undefined;
  try {
    for (const [index, run] of runs.entries()) {
      const bytes = await (next ?? readBeginning(disk, run));
      const following = runs[index + 1];
      next = following === undefined ? undefined : readBeginning(disk, following);
      yield { run, bytes };
    }
  } finally {
    await next?.catch(() => undefined); // whoever stopped asking does not want its bytes
  }
}

function readBeginning(disk: Disk, run: Run): Promise<Buffer> {
  return readRange(disk, run.pack, run.position, Math.min(READ_BYTES, run.endByte - run.position));
}

/** A pack that is not there has no bytes. */
async function readRange(disk: Disk, pack: number, position: number, length: number): Promise<Buffer> {
  try {
    return await disk.read(packName(pack), position, length);
  } catch (error) {
    if (isProblem(error, 'FileMissing') || isProblem(error, 'DiskFailed')) return Buffer.alloc(0);
    throw error;
  }
}

async function damagedPlaces(
  disk: Disk,
  run: Run,
  bytes: Buffer,
): Promise<readonly { place: BodyPlace; what: string }[]> {
  const damaged: { place: BodyPlace; what: string }[] = [];
  for (const place of run.places) {
    const start = place.position - run.position;
    const what = await faultOf(disk, place, bytes.subarray(start, start + ENTRY_HEAD_BYTES + place.sizeBytes));
    if (what !== undefined) damaged.push({ place, what });
  }
  return damaged;
}

/** `bytes`: the entry, or as much of it as is read at once. */
async function faultOf(disk: Disk, place: BodyPlace, bytes: Buffer): Promise<string | undefined> {
  if (bytes.length === 0) return 'it cannot be read';
  if (!bytes.subarray(0, ENTRY_HEAD_BYTES).equals(headOf(place))) return 'the head of its entry is another one';
  const wholeBytes = ENTRY_HEAD_BYTES + place.sizeBytes;
  let checksum = crc32(bytes.subarray(ENTRY_HEAD_BYTES));
  let doneBytes = bytes.length;
  while (doneBytes < wholeBytes && doneBytes >= READ_BYTES) {
    const piece = await readRange(
      disk,
      place.pack,
      place.position + doneBytes,
      Math.min(READ_BYTES, wholeBytes - doneBytes),
    );
    if (piece.length === 0) break;
    checksum = crc32(piece, checksum);
    doneBytes += piece.length;
  }
  if (doneBytes !== wholeBytes) return `only ${doneBytes} of its ${wholeBytes} bytes are there`;
  return checksum === place.crc32 ? undefined : 'its checksum is wrong';
}

function findingOf(place: BodyPlace, what: string): Finding {
  return {
    file: packName(place.pack),
    fromByte: place.position,
    toByte: place.position + ENTRY_HEAD_BYTES + place.sizeBytes,
    what: `message body ${place.bodyId}: ${what}`,
    bodyId: place.bodyId,
  };
}
