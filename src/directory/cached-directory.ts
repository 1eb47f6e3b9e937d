/**
 * The form in which the list of recipients outlives a restart: a line that names the format and the checksum of the
 * rest, then JSON. A file that is not exactly what was written is of no use: better to ask than to bounce.
 */
import { z } from 'zod';
import { sha256 } from '../base/checksum.ts';
import { Problem } from '../base/problem.ts';
import { directoryLimits } from './limits.ts';

const HEAD = 'holdfast-directory 1 ';

const schema = z.strictObject({
  storageGroups: z.array(
    z.strictObject({ name: z.string(), addresses: z.array(z.string()).max(directoryLimits.maxMailboxes) }),
  ),
});

export function encodeDirectory(lists: ReadonlyMap<string, readonly string[]>): Buffer {
  const storageGroups = [...lists].map(([name, addresses]) => ({ name, addresses }));
  const body = Buffer.from(JSON.stringify({ storageGroups }));
  return Buffer.concat([Buffer.from(`${HEAD}${sha256(body).toString('hex')}\n`), body]);
}

/** Addresses by storage group. Problem('CacheDamaged') */
export function decodeDirectory(bytes: Buffer): ReadonlyMap<string, readonly string[]> {
  const lineEnd = bytes.indexOf(0x0a);
  const head = bytes.subarray(0, Math.max(lineEnd, 0)).toString('latin1');
  const body = bytes.subarray(lineEnd + 1);
  if (bytes.length > directoryLimits.maxCacheBytes || head !== HEAD + sha256(body).toString('hex')) throw damaged();
  const result = schema.safeParse(JSON.parse(body.toString('utf8')));
  if (!result.success) throw damaged();
  return new Map(result.data.storageGroups.map(({ name, addresses }) => [name, addresses]));
}

function damaged(): Problem {
  return new Problem(
    'CacheDamaged',
    'Cannot use the remembered list of recipients: it is damaged. It will be made anew.',
  );
}
