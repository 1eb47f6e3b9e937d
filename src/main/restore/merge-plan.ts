/**
 * What of a backup is missing in a mailbox. The same message is the same bytes, by length and checksum, with the same
 * internal date; flags may have changed since and stay as they are in the mailbox. A message that was moved since the
 * backup is not missing; of one that the backup has in two folders and the mailbox in one of them, the other one is.
 */
export interface HeldMessage {
  readonly folderName: string;
  readonly sizeBytes: number;
  readonly crc32: number;
  readonly internalDateMs: number;
}

/** Those of `backup` to take in, in its order. With `targetFolder` what lies elsewhere in the mailbox does not count. */
export function missingMessages<M extends HeldMessage>(
  backup: readonly M[],
  held: readonly HeldMessage[],
  targetFolder: string | null,
): readonly M[] {
  const inPlace = new Counter();
  const anywhere = new Counter();
  for (const message of held) {
    inPlace.add(placeOf(message.folderName, message), 1);
    anywhere.add(contentOf(message), 1);
  }
  const elsewhere = backup.filter((message) => {
    const isThere = inPlace.take(placeOf(folderOf(message, targetFolder), message));
    if (isThere) anywhere.take(contentOf(message));
    return !isThere;
  });
  return targetFolder === null ? elsewhere.filter((message) => !anywhere.take(contentOf(message))) : elsewhere;
}

/** The folder of the mailbox that a message of the backup belongs into. */
export function folderOf({ folderName }: Pick<HeldMessage, 'folderName'>, targetFolder: string | null): string {
  return targetFolder === null ? folderName : `${targetFolder}/${folderName}`;
}

function contentOf({ sizeBytes, crc32, internalDateMs }: HeldMessage): string {
  return `${sizeBytes}.${crc32}.${internalDateMs}`;
}

function placeOf(folderName: string, message: HeldMessage): string {
  return `${contentOf(message)}/${folderName}`;
}

class Counter {
  readonly #counts = new Map<string, number>();

  add(key: string, by: number): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + by);
  }

  /** False when there is none left. */
  take(key: string): boolean {
    const count = this.#counts.get(key) ?? 0;
    if (count > 0) this.#counts.set(key, count - 1);
    return count > 0;
  }
}
