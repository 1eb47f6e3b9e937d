/**
 * eseutil /p against copies of many layouts, damaged in many places: what it keeps is held against what is truly
 * readable, as the undamaged files tell it. A failing seed is in the test's name and replays exactly.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { present } from '../base/assert.ts';
import { crc32 } from '../base/checksum.ts';
import { SeededRandom } from '../base/random.ts';
import { decodeHeader, emptyLogFile } from '../log/log-file.ts';
import { scanRecords } from '../log/scan.ts';
import { decodeFact, type Fact } from '../store/facts.ts';
import { checkIntegrity, verify } from './eseutil/checks.ts';
import { repairCopy, softRecovery } from './eseutil/offline.ts';
import { Progress } from './eseutil/progress.ts';
import { type CopyFixture, makeCopy } from './eseutil/testing/copy-fixture.ts';

const SEEDS = 12;
const quiet = new Progress(() => undefined);

/** Bytes of a file, [from, to), of which one or more are not as they were. */
interface Hit {
  readonly file: string;
  readonly fromByte: number;
  readonly toByte: number;
}

/** A message as the undamaged copy has it. `places`: whoever of them is untouched has its bytes. */
interface Original {
  readonly crc: number;
  readonly places: Hit[];
  readonly lsn: number;
  readonly isCommitted: boolean;
}

class DamagedCopy {
  readonly root: string;
  readonly #random: SeededRandom;
  readonly hits: Hit[] = [];
  /** By body id, which is unique in a copy. */
  readonly originals = new Map<number, Original>();

  constructor({ root }: CopyFixture, random: SeededRandom) {
    this.root = root;
    this.#random = random;
    for (const name of this.logNames()) this.#readLog(name);
    for (const row of this.query('SELECT id, pack, position, size_bytes, crc32 FROM body')) {
      const [id = 0, pack = 0, position = 0, sizeBytes = 0, crc = 0] = Object.values(row).map(Number);
      const place = { file: `packs/0000000${pack}.pack`, fromByte: position, toByte: position + 20 + sizeBytes };
      const original = this.originals.get(id);
      if (original === undefined) this.originals.set(id, { crc, places: [place], lsn: 0, isCommitted: true });
      else this.originals.set(id, { ...original, isCommitted: true, places: [...original.places, place] });
    }
  }

  logNames(): readonly string[] {
    return readdirSync(join(this.root, 'log')).filter((name) => /^E00([0-9a-f]{8})?\.log$/.test(name));
  }

  query(sql: string): readonly Record<string, unknown>[] {
    const connection = new DatabaseSync(join(this.root, 'database.sqlite'), { readOnly: true });
    try {
      return connection.prepare(sql).all();
    } finally {
      connection.close();
    }
  }

  #readLog(name: string): void {
    const bytes = readFileSync(join(this.root, 'log', name));
    const header = present(decodeHeader(bytes), 'The log was whole');
    scanRecords(bytes, emptyLogFile(header, name), ({ kind, payload, frame, lsn }, position) => {
      const fact = decodeFact(kind, payload);
      if (fact.type !== 'MessagesAppended') return;
      const place = { file: `log/${name}`, fromByte: position, toByte: position + frame.length };
      for (const { bodyId, bytes: body } of fact.messages)
        this.originals.set(bodyId, { crc: crc32(body), places: [place], lsn, isCommitted: false });
    });
  }

  /** One of: bytes that turned over, a file cut short, a file gone. */
  damage(file: string): void {
    const path = join(this.root, file);
    const bytes = readFileSync(path);
    const fromByte = this.#random.below(bytes.length);
    const kind = this.#random.below(8);
    if (kind === 0) rmSync(path);
    else if (kind === 1) truncateSync(path, fromByte);
    else {
      const toByte = Math.min(bytes.length, fromByte + 1 + this.#random.below(kind < 5 ? 4 : 3_000));
      for (let at = fromByte; at < toByte; at++) bytes[at] = present(bytes[at], 'It is within') ^ 0x55;
      writeFileSync(path, bytes);
      this.hits.push({ file, fromByte, toByte });
      return;
    }
    this.hits.push({ file, fromByte: kind === 0 ? 0 : fromByte, toByte: bytes.length });
  }

  isReadable({ places }: Original): boolean {
    return places.some(
      (place) =>
        !this.hits.some((hit) => hit.file === place.file && hit.fromByte < place.toByte && place.fromByte < hit.toByte),
    );
  }
}

async function repaired(root: string): Promise<string> {
  const lines: string[] = [];
  await repairCopy(root, { print: (line) => lines.push(line), progress: quiet });
  return lines.join('\n');
}

/** Everything that the lists of the repair say. */
function listed(root: string): {
  bodies: Set<number>;
  missing: { firstLsn: number; lastLsn: number }[];
  left: number[];
} {
  const lists = readdirSync(root)
    .filter((name) => /^repair-.*json$/.test(name))
    .map((name) => JSON.parse(readFileSync(join(root, name), 'utf8')) as Record<string, { [key: string]: number }[]>);
  const all = (key: string) => lists.flatMap((list) => list[key] ?? []);
  return {
    bodies: new Set(all('lostMessages').map(({ bodyId }) => bodyId ?? 0)),
    missing: all('missing').map(({ firstLsn = 0, lastLsn = 0 }) => ({ firstLsn, lastLsn })),
    left: all('leftOut').map(({ lsn }) => lsn ?? 0),
  };
}

/** What nothing proves as answered may stay in the log: it is kept there. */
async function replayed(root: string): Promise<void> {
  const hasLog = existsSync(join(root, 'log', 'E00.log'));
  if (hasLog) await softRecovery(root, { all: true }, { print: () => undefined, progress: quiet });
}

function checkKept(copy: DamagedCopy, report: string): void {
  const kept = new Map(
    copy
      .query('SELECT b.id, b.crc32 FROM message m JOIN body b ON b.id = m.body')
      .map(({ id, crc32: crc }) => [Number(id), Number(crc)]),
  );
  const { bodies, missing, left } = listed(copy.root);
  const known = Math.max(...[...copy.originals].map(([id, { lsn }]) => (kept.has(id) ? lsn : 0)));
  for (const [id, original] of copy.originals) {
    const story = `body ${id} at ${original.lsn}, damaged: ${JSON.stringify(copy.hits)}\n${report}`;
    assert.equal(kept.get(id) ?? original.crc, original.crc, story);
    if (kept.has(id)) continue;
    assert.ok(!copy.isReadable(original), `readable and not kept: ${story}`);
    const { lsn, isCommitted } = original;
    const isListed =
      bodies.has(id) || left.includes(lsn) || missing.some((range) => range.firstLsn <= lsn && lsn <= range.lastLsn);
    // Behind the last record that is left nothing tells that there was another one.
    assert.ok(isListed || (!isCommitted && lsn > known), `lost and not listed: ${story}`);
  }
}

async function isWhole(root: string): Promise<void> {
  const out = { print: () => undefined, progress: quiet };
  assert.deepEqual(await verify(root, out.print, quiet), []);
  assert.deepEqual(await checkIntegrity(root, out.print, quiet), []);
}

async function repairStory(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const fixture = await makeCopy({
    messages: 4 + random.below(20),
    uncommitted: random.below(4) === 0 ? 0 : 20 + random.below(30),
    messageBytes: [60, 900, 2_000, 9_000][random.below(4)] ?? 60,
    fileSizeBytes: (1 << random.below(6)) * 32 * 1_024,
    hasLateFolder: random.below(2) === 0,
  });
  try {
    const copy = new DamagedCopy(fixture, random);
    const files = [...copy.logNames().map((name) => `log/${name}`), 'packs/00000001.pack'];
    for (const file of new Set(Array.from({ length: 1 + random.below(4) }, () => files[random.below(files.length)])))
      copy.damage(present(file, 'There are files'));
    const report = await repaired(copy.root);
    await replayed(copy.root);
    checkKept(copy, report);
    await isWhole(copy.root);
    assert.match(await repaired(copy.root), /Nothing was lost\./, 'a second run has nothing to do');
  } finally {
    fixture.remove();
  }
}

for (let seed = 1; seed <= SEEDS; seed++)
  test(`eseutil /p: damaged log files and packs, seed ${seed}: everything readable is kept, the rest is listed`, () =>
    repairStory(seed));

test('eseutil /p: the record that made a folder is lost: the messages behind it are kept, in a folder of the recovered mailbox', async () => {
  const fixture = await makeCopy({ messages: 4, uncommitted: 20, hasLateFolder: true });
  try {
    const copy = new DamagedCopy(fixture, new SeededRandom(1));
    damageRecord(copy, 'FoldersCreated');
    const report = await repaired(copy.root);
    checkKept(copy, report);
    const [{ messages } = {}] = copy.query(
      "SELECT count(*) AS messages FROM message m JOIN folder f ON f.id = m.folder WHERE f.name LIKE 'Recovered %'",
    );
    assert.equal(messages, 10, report);
    await isWhole(copy.root);
  } finally {
    fixture.remove();
  }
});

/** The last one of that type. */
function damageRecord(copy: DamagedCopy, type: Fact['type']): void {
  for (const name of copy.logNames().toReversed()) {
    const path = join(copy.root, 'log', name);
    const bytes = readFileSync(path);
    const header = present(decodeHeader(bytes), 'The log was whole');
    let hit: Hit | undefined;
    scanRecords(bytes, emptyLogFile(header, name), ({ kind, payload, frame }, position) => {
      if (decodeFact(kind, payload).type === type)
        hit = { file: `log/${name}`, fromByte: position + frame.length - 1, toByte: position + frame.length };
    });
    if (hit === undefined) continue;
    bytes.writeUInt8(bytes.readUInt8(hit.fromByte) ^ 1, hit.fromByte);
    writeFileSync(path, bytes);
    copy.hits.push(hit);
    return;
  }
  assert.fail(`There is no record ${type}`);
}
