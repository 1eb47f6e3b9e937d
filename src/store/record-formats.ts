/**
 * Which kinds of records a version of the software knows, and since which format level of the cluster each may be written
 * (cluster/format-level.ts). A kind that is added after a release gets the next level here, and until the cluster is raised
 * to it the change that it records is refused: the other host may not know what to do with it.
 */
import { isKnownKind } from './facts.ts';

export interface RecordFormats {
  /** undefined: a kind that this version does not know. */
  levelOf(kind: number): number | undefined;
}

/** All kinds there are came with the first level. */
export const recordFormats: RecordFormats = { levelOf: (kind) => (isKnownKind(kind) ? 1 : undefined) };
