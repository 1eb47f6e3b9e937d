/**
 * \Recent, by the simplest lawful rule (RFC 3501 2.3.2): a message is recent for the first session that has its folder
 * selected for writing and is told of it. "First" is known within one process only; mail that was there when the
 * process first met the folder is taken as told, so that a failover does not make a whole mailbox recent again.
 * IMAP4rev2 has given the flag up, and nothing of ours is built on it: it is never stored.
 */
export class RecentRegistry {
  /** By folder: the first UID that nobody has been told of. Bounded by the number of folders. */
  readonly #untold = new Map<number, number>();

  /** To be called when a folder is opened, with its UIDNEXT. */
  meet(folderId: number, uidNext: number): void {
    if (!this.#untold.has(folderId)) this.#untold.set(folderId, uidNext);
  }

  /** Of `uids` (ascending), those that are the caller's: from now on nobody else's. */
  claim(folderId: number, uids: ArrayLike<number>): readonly number[] {
    const untold = this.#untold.get(folderId) ?? 0;
    const last = uids[uids.length - 1] ?? 0;
    if (last < untold) return [];
    this.#untold.set(folderId, last + 1);
    const claimed: number[] = [];
    for (let index = firstFrom(uids, untold); index < uids.length; index++) claimed.push(uids[index] ?? 0);
    return claimed;
  }

  /** Whether there is nothing to count, for a folder with this UIDNEXT. */
  isAllTold(folderId: number, uidNext: number): boolean {
    return (this.#untold.get(folderId) ?? uidNext) >= uidNext;
  }

  /** How many of `uids` nobody has been told of, without taking them: for EXAMINE and STATUS. */
  count(folderId: number, uids: ArrayLike<number>): number {
    return uids.length - firstFrom(uids, this.#untold.get(folderId) ?? Number.POSITIVE_INFINITY);
  }
}

/** Index of the first of `uids` (ascending) that is `uid` or above; looked for from the end. */
function firstFrom(uids: ArrayLike<number>, uid: number): number {
  let start = uids.length;
  while (start > 0 && (uids[start - 1] ?? 0) >= uid) start--;
  return start;
}
