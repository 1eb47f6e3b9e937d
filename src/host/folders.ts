/**
 * Folders made and removed so that a failure says what it was: Node's recursive `mkdir` calls every failure of a parent
 * "no such file", its `rmSync` gives neither the error's code nor its name.
 */
import { mkdirSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorCode } from './disk-problem.ts';

const OWNER_ONLY = 0o700;

/** With its parents; one that is there is no error. */
export function makeFolder(path: string): void {
  unless('EEXIST', () => {
    try {
      mkdirSync(path, OWNER_ONLY);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' || dirname(path) === path) throw error;
      makeFolder(dirname(path));
      mkdirSync(path, OWNER_ONLY);
    }
  });
}

/** The same on libuv's pool, for a folder that may be on a slow share. */
export async function makeFolderOnPool(path: string): Promise<void> {
  try {
    await mkdir(path, OWNER_ONLY);
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return;
    if (errorCode(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolderOnPool(dirname(path));
    await mkdir(path, OWNER_ONLY);
  }
}

/** The names in it are durable when it resolves. */
export async function syncFolderOnPool(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** A file that is not there is no error. */
export function removeFile(path: string): void {
  unless('ENOENT', () => unlinkSync(path));
}

/** With everything in it; a folder that is not there is no error. */
export function removeFolder(path: string): void {
  unless('ENOENT', () => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const inside = join(path, entry.name);
      if (entry.isDirectory()) removeFolder(inside);
      else removeFile(inside);
    }
    rmdirSync(path);
  });
}

/** That error is none. */
function unless(code: string, change: () => void): void {
  try {
    change();
  } catch (error) {
    if (errorCode(error) !== code) throw error;
  }
}
