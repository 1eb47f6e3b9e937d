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
  claim(folderId: number, uids: readonly number[]): readonly number[] {
    const untold = this.#untold.get(folderId) ?? 0;
    const last = uids.at(-1) ?? 0;
    if (last < untold) return [];
    this.#untold.set(folderId, last + 1);
    let start = uids.length;
    while (start > 0 && (uids[start - 1] ?? 0) >= untold) start--;
    return uids.slice(start);
  }

  /** How many of `uids` nobody has been told of, without taking them: for EXAMINE and STATUS. */
  count(folderId: number, uids: readonly number[]): number {
    const untold = this.#untold.get(folderId) ?? Number.POSITIVE_INFINITY;
    let start = uids.length;
    while (start > 0 && (uids[start - 1] ?? 0) >= untold) start--;
    return uids.length - start;
  }
}
