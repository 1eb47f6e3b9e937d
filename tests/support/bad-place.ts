/** The evidence of a bad-input test: what a folder holds, and whether anything in it changed. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Of } from './history.ts';

/** Path within the folder, size and hash of every file, without the lock that whoever looks at the folder takes. */
export function fingerprint(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.includes('holdfast.lock') && statSync(join(folder, name)).isFile())
    .map((name) => `${name} ${sha256Of(readFileSync(join(folder, name)))}`)
    .toSorted();
}
