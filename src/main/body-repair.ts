/**
 * A damaged body is fetched from another copy and written back in place, while this copy serves; a damaged log file takes
 * the same way. Both ends work on the
 * files beside the serving: a body below the last commit never moves or changes while its row is there, so what is
 * written is what ought to be there, byte for byte. Whether it is the right one, this copy's own row says (length and
 * checksum); what arrives is checked against that before the first byte is written.
 *
 * The read that found the damage was answered with an error already (IMAP: CORRUPTION): a session must not wait for
 * another machine. The client's next attempt finds the body whole.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { crc32 } from '../base/checksum.ts';
import type { Clock } from '../base/clock.ts';
import type { Channel, Network } from '../base/network.ts';
import { isProblem, Problem } from '../base/problem.ts';
import { Rpc } from '../base/rpc.ts';
import { copyEndpoint, encodeHello } from '../directory/copy-protocol.ts';
import { FileSystemDisk } from '../host/disk.ts';
import { diskProblem, errorCode } from '../host/disk-problem.ts';
import { DATABASE_NAME } from '../host/seed-files.ts';
import { readFile } from '../log/disk.ts';
import { inspect } from '../log/inspection.ts';
import { closedName } from '../log/log-file.ts';
import { openReader } from '../store/database.ts';
import type { CopyDigest } from '../store/maintenance/copy-digest.ts';
import { ENTRY_HEAD_BYTES, packName } from '../store/maintenance/pack-name.ts';
import { type BodyPlace, headOf } from '../store/packs.ts';
import { maintenanceLimits } from './maintenance-limits.ts';

export const REPAIR_SERVICE = 'repair';
const BODY = 'body';
const LOG_FILE = 'log-file';
const DIGEST = 'digest';

/** Where a body lies by the last commit; undefined when nobody refers to it (any more). */
export function bodyPlace(root: string, bodyId: number): BodyPlace | undefined {
  const connection = openReader(join(root, DATABASE_NAME));
  try {
    const row = connection.prepare('SELECT pack, position, size_bytes, crc32 FROM body WHERE id = ?').get(bodyId);
    if (row === undefined) return undefined;
    const [pack, position, sizeBytes] = [Number(row['pack']), Number(row['position']), Number(row['size_bytes'])];
    return { bodyId, pack, position, sizeBytes, crc32: Number(row['crc32']) };
  } finally {
    connection.close();
  }
}

/** The bytes, or undefined when they are damaged here, or the disk does not give them. Problem('TooManyFiles' | ...) */
export async function readBody(root: string, place: BodyPlace): Promise<Buffer | undefined> {
  try {
    return await readEntry(root, place);
  } catch (error) {
    if (['EIO', 'ENOENT'].includes(errorCode(error) ?? '')) return undefined;
    throw diskProblem(error, `read ${packName(place.pack)}`);
  }
}

async function readEntry(root: string, place: BodyPlace): Promise<Buffer | undefined> {
  const file = await open(join(root, packName(place.pack)), 'r');
  try {
    const entry = Buffer.alloc(ENTRY_HEAD_BYTES + place.sizeBytes);
    const { bytesRead } = await file.read(entry, 0, entry.length, place.position);
    const isWhole = bytesRead === entry.length && entry.subarray(0, ENTRY_HEAD_BYTES).equals(headOf(place));
    const bytes = entry.subarray(ENTRY_HEAD_BYTES);
    return isWhole && crc32(bytes) === place.crc32 ? bytes : undefined;
  } finally {
    await file.close();
  }
}

/**
 * Durable when it resolves; `bytes` were checked against `place`. The pack is opened before the place is looked up once
 * more: a seed may replace both at any moment, and then the bytes go into the file that is gone, not into the new one.
 */
export async function writeBody(root: string, place: BodyPlace, bytes: Buffer): Promise<void> {
  const file: FileHandle = await open(join(root, packName(place.pack)), 'r+');
  try {
    if (bodyPlace(root, place.bodyId)?.position !== place.position) return;
    const entry = Buffer.concat([headOf(place), bytes]);
    for (let written = 0; written < entry.length; ) {
      written += (await file.write(entry, written, entry.length - written, place.position + written)).bytesWritten;
    }
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** A closed log file with whatever bytes it has; undefined when it is not there or the disk does not give it. */
export async function readLogFile(root: string, generation: number): Promise<Buffer | undefined> {
  const disk = new FileSystemDisk(root);
  const name = `log/${closedName(generation)}`;
  try {
    return await readFile(disk, name);
  } catch (error) {
    if (isProblem(error, 'FileMissing') || isProblem(error, 'DiskFailed')) return undefined;
    throw error;
  }
}

/** The end that is asked. */
export function serveRepair(channel: Channel, clock: Clock, root: string, digest: () => Promise<CopyDigest>): void {
  new Rpc(channel, {
    clock,
    handlers: {
      [BODY]: async (body) => {
        const bodyId = new ByteReader(body).u64();
        const place = bodyPlace(root, bodyId);
        const bytes = place === undefined ? undefined : await readBody(root, place);
        if (bytes !== undefined) return bytes;
        throw new Problem('BodyDamaged', `Cannot give message body ${bodyId}: this copy has no whole one either`);
      },
      [LOG_FILE]: async (body) => {
        const generation = new ByteReader(body).u32();
        const bytes = await readLogFile(root, generation);
        if (bytes !== undefined && inspect(bytes, closedName(generation)).healthy) return bytes;
        throw new Problem('LogFileMissing', `Cannot give ${closedName(generation)}: this copy has no whole one either`);
      },
      [DIGEST]: async () => Buffer.from(JSON.stringify(await digest())),
    },
  });
}

/** The end that asks. One channel for each question: they are rare. */
export class RepairClient {
  readonly #options: { readonly network: Network; readonly clock: Clock; readonly storageGroup: string };

  constructor(options: { network: Network; clock: Clock; storageGroup: string }) {
    this.#options = options;
  }

  /** Unchecked bytes. Problem('Unreachable' | 'BodyDamaged' | ...) */
  body(host: string, bodyId: number): Promise<Buffer> {
    return this.#ask(host, BODY, new ByteWriter(8).u64(bodyId).finish(), maintenanceLimits.askTimeoutMs);
  }

  /** Unchecked bytes. Problem('Unreachable' | 'LogFileMissing' | ...) */
  logFile(host: string, generation: number): Promise<Buffer> {
    return this.#ask(host, LOG_FILE, new ByteWriter(4).u32(generation).finish(), maintenanceLimits.askTimeoutMs);
  }

  async digest(host: string): Promise<CopyDigest> {
    const answer = await this.#ask(host, DIGEST, Buffer.alloc(0), maintenanceLimits.digestTimeoutMs);
    return JSON.parse(answer.toString('utf8')) as CopyDigest;
  }

  async #ask(host: string, method: string, body: Buffer, timeoutMs: number): Promise<Buffer> {
    const { network, clock, storageGroup } = this.#options;
    const channel = await network.connect(copyEndpoint(host, storageGroup), maintenanceLimits.connectTimeoutMs);
    const rpc = new Rpc(channel, { clock });
    channel.send(encodeHello({ service: REPAIR_SERVICE, storageGroup }));
    try {
      return await rpc.ask(method, body, timeoutMs);
    } finally {
      channel.close('done');
    }
  }
}
