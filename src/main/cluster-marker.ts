/**
 * cluster.json: the mark that a folder is ours. It is written first, as not yet formed, and last, as formed; so a folder
 * in which forming was interrupted is known to hold nothing of value, and a folder without it is never touched.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { messageOf, Problem } from '../base/problem.ts';
import { clusterFiles } from './cluster-files.ts';

const markerSchema = z.strictObject({
  format: z.literal(1),
  what: z.literal('holdfast cluster'),
  clusterId: z.string().regex(/^[0-9a-f]{32}$/),
  clusterName: z.string(),
  formed: z.boolean(),
  mode: z.enum(['sync', 'sync-strict', 'async']),
  /** Clusters formed before there was a choice have a share. */
  witness: z.enum(['share', 'process', 'none', 'disk']).default('share'),
  basePort: z.int().min(0).max(65_535),
  hosts: z
    .array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/))
    .min(1)
    .max(16),
});

export type ClusterMarker = z.infer<typeof markerSchema>;

/** Undefined where there is none. Problem('MarkerInvalid' | 'MarkerUnreadable') */
export function readMarker(folder: string): ClusterMarker | undefined {
  const path = clusterFiles.marker(folder);
  if (!existsSync(path)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Problem(
      'MarkerUnreadable',
      `Cannot use the data folder ${folder}: ${path} cannot be read (${messageOf(error)}). Restore it, or use another folder with --data.`,
      { cause: error },
    );
  }
  const result = markerSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new Problem(
    'MarkerInvalid',
    `Cannot use the data folder ${folder}: ${path} is not of this version of Holdfast (${issue?.path.join('.')}: ${issue?.message}). Use another folder with --data.`,
  );
}

export function writeMarker(folder: string, marker: ClusterMarker): void {
  replaceFile(clusterFiles.marker(folder), `${JSON.stringify(marker, null, 2)}\n`);
}

/** Whole or not at all, also after a power loss: written beside, synced, renamed, and the folder synced. */
export function replaceFile(path: string, text: string | Uint8Array, mode = 0o600): void {
  const beside = `${path}.new`;
  const file = openSync(beside, 'w', mode);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(beside, path);
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
