/**
 * What a backup says about itself, and which backups together make a restore.
 *
 *   full         the database as of one commit, its packs, and the log from there to the backup's end
 *   incremental  the log from the end of the backup before it (its base); bodies are in the records
 *
 * The manifest is written last, whole and with a checksum of its own: without it a backup is unfinished and counts for
 * nothing. A chain value in it proves that an incremental backup continues the very history of its base.
 */
import { sha256 } from '../base/checksum.ts';
import { Problem } from '../base/problem.ts';
import { formatLsn } from '../log/lsn.ts';

export const BACKUP_FORMAT = 1;
export const MANIFEST_NAME = 'manifest.json';

export type BackupType = 'Full' | 'Incremental';

export interface BackupFile {
  /** `database.sqlite`, `packs/00000001.pack` or `log/E0000000001.log`. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Hex. */
  readonly sha256: string;
}

export interface BackupManifest {
  readonly format: number;
  /** Name of the backup's folder. */
  readonly id: string;
  readonly type: BackupType;
  readonly storageGroup: string;
  /** Of the log stream, hex. */
  readonly signature: string;
  /** Whose copy was read. */
  readonly host: string;
  readonly takenMs: number;
  /** The backup that this one continues; null for a full one. */
  readonly baseId: string | null;
  /** Where the database stands, or the base ended. */
  readonly startLsn: number;
  readonly endLsn: number;
  /** crc of the record `endLsn`. */
  readonly endChain: number;
  readonly files: readonly BackupFile[];
}

const FILE_NAME = /^(database\.sqlite|packs\/\d{8,16}\.pack|log\/E00[0-9a-f]{8}\.log)$/;
const ID = /^[0-9A-Za-z][0-9A-Za-z-]{0,99}$/;
const MAX_FILES = 1_000_000;

export function encodeManifest(manifest: BackupManifest): Buffer {
  const text = JSON.stringify(manifest);
  return Buffer.from(`${text}\n${sha256(Buffer.from(text)).toString('hex')}\n`);
}

/** Problem('BackupDamaged') */
export function decodeManifest(bytes: Buffer, place: string): BackupManifest {
  const damaged = (why: string): Problem =>
    new Problem('BackupDamaged', `Cannot use the backup ${place}: its manifest ${why}. Use another backup.`);
  const [text = '', checksum] = bytes.toString('utf8').split('\n');
  if (sha256(Buffer.from(text)).toString('hex') !== checksum) throw damaged('is damaged');
  const value = JSON.parse(text) as Partial<BackupManifest>;
  if (value.format !== BACKUP_FORMAT) throw damaged(`has format ${String(value.format)}, this version reads 1`);
  if (!isManifest(value)) throw damaged('is not one');
  return value;
}

/** Names become paths, so they are exactly those that a backup has. */
function isManifest(value: Partial<BackupManifest>): value is BackupManifest {
  const { id, type, files, baseId } = value;
  const hasNames = typeof id === 'string' && ID.test(id) && (type === 'Full' || type === 'Incremental');
  const numbers = [value.takenMs, value.startLsn, value.endLsn, value.endChain];
  if (!hasNames || !numbers.every(isSize) || typeof value.signature !== 'string') return false;
  if (typeof value.storageGroup !== 'string' || typeof value.host !== 'string') return false;
  if ((baseId === null) !== (type === 'Full') || !Array.isArray(files) || files.length > MAX_FILES) return false;
  return files.every(
    ({ name, sizeBytes, sha256: checksum }) =>
      typeof name === 'string' && FILE_NAME.test(name) && isSize(sizeBytes) && /^[0-9a-f]{64}$/.test(checksum),
  );
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** The full backup that `last` goes back to, and everything between, oldest first; undefined when a link is missing. */
export function chainTo(last: BackupManifest, all: readonly BackupManifest[]): readonly BackupManifest[] | undefined {
  const chain = [last];
  for (let first = last; first.baseId !== null; ) {
    const base = all.find(({ id, signature }) => id === first.baseId && signature === first.signature);
    if (base === undefined || base.endLsn !== first.startLsn || chain.length > all.length) return undefined;
    chain.unshift(base);
    first = base;
  }
  return chain;
}

/** The backup that an incremental one of this log may continue: the one that reaches furthest, with all before it. */
export function baseFor(signature: string, all: readonly BackupManifest[]): BackupManifest | undefined {
  const usable = all.filter((each) => each.signature === signature && chainTo(each, all) !== undefined);
  return usable.reduce<BackupManifest | undefined>(
    (best, each) => (best === undefined || each.endLsn >= best.endLsn ? each : best),
    undefined,
  );
}

/**
 * The backups to restore `untilLsn` from (undefined: the latest), oldest first: the newest full one that is not beyond
 * it, and as few as possible behind it. Problem('BackupMissing')
 */
export function planRestore(all: readonly BackupManifest[], untilLsn?: number): readonly BackupManifest[] {
  const reaching = all
    .filter((each) => untilLsn === undefined || each.endLsn >= untilLsn)
    .map((each) => chainTo(each, all))
    .filter((chain) => chain !== undefined)
    .filter(([full]) => full !== undefined && (untilLsn === undefined || full.startLsn <= untilLsn));
  const endOf = (chain: readonly BackupManifest[]): number => chain.at(-1)?.endLsn ?? 0;
  const rank = (chain: readonly BackupManifest[]): number =>
    untilLsn === undefined ? endOf(chain) : (chain[0]?.startLsn ?? 0);
  const best = reaching.reduce<readonly BackupManifest[] | undefined>(
    (chosen, chain) =>
      chosen === undefined ||
      rank(chain) > rank(chosen) ||
      (rank(chain) === rank(chosen) && chain.length < chosen.length)
        ? chain
        : chosen,
    undefined,
  );
  if (best !== undefined) return best;
  const wanted = untilLsn === undefined ? '' : ` that holds ${formatLsn(untilLsn)}`;
  throw new Problem(
    'BackupMissing',
    `Cannot restore: there is no complete backup${wanted}, with everything that it continues. Look for the folder of the full backup.`,
  );
}
