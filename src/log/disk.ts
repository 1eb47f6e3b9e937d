/**
 * The two ports through which the log touches storage. They are apart because their users are: a `LogDevice` is the
 * one strict sequence of writes that answers to clients depend on, kept off every thread pool; a `Disk` is all other
 * work on files (recovery, reading, truncation, packs, seeding), which may run beside it.
 *
 * Names are relative paths with '/', inside one root folder that the implementation was given.
 */
export interface Disk {
  /** Names (not paths) of the files and folders directly in `folder`, in no order; none if there is no such folder. */
  list(folder: string): Promise<string[]>;
  /** Length in bytes; `undefined` if there is no such file. */
  size(name: string): Promise<number | undefined>;
  /** Bytes from `position`; fewer than `length` only at the end of the file. Problem `FileMissing` if there is none. */
  read(name: string, position: number, length: number): Promise<Buffer>;
  /** The file has exactly these bytes, durably, or is as it was: temporary file, fsync, rename, fsync of the folder. */
  writeAtomically(name: string, bytes: Uint8Array): Promise<void>;
  /** Replaces `to`. Durable only after `syncFolder`. */
  rename(from: string, to: string): Promise<void>;
  /** A name that is not there is no error. Durable only after `syncFolder`. */
  remove(name: string): Promise<void>;
  /** Names made, moved or removed in `folder` before are durable after. */
  syncFolder(folder: string): Promise<void>;
  /** Makes `folder` and its parents, durably. */
  makeFolder(folder: string): Promise<void>;
  /** Cuts or extends (with zeros) to `lengthBytes`, durably. */
  truncate(name: string, lengthBytes: number): Promise<void>;
  /** Puts `bytes` at `position` of a file, which is made if it is not there. Durable only after `sync`, a new name only after `syncFolder`. */
  write(name: string, position: number, bytes: Uint8Array): Promise<void>;
  /** What was written to the file before is durable after. */
  sync(name: string): Promise<void>;
}

/**
 * The log's writer. Appends and renames are carried out one after the other in the order they were made; `prepare` runs
 * beside them. The first error of any of them is final: that call and every later one reject with the same error, because
 * after a failed fsync nobody knows what is on the disk and a second fsync would lie. Only `prepare`
 * may fail with Problem `DiskFull` and leave the device well: it touches no byte that anybody depends on.
 */
export interface LogDevice {
  /**
   * Makes `name` a file of exactly `sizeBytes` zeros, replacing what was there; durable, with its name, when it resolves.
   * Until then no other call may name it.
   */
  prepare(name: string, sizeBytes: number): Promise<void>;
  /** Writes `chunks` one behind the other from `position`, then fdatasync; resolves when durable. No chunks: only the sync. */
  append(name: string, position: number, chunks: Uint8Array[]): Promise<void>;
  /** Replaces `to`; durable, with its folder, when it resolves; `lazy`: with the next one there that is not, or `syncFolder`. */
  rename(from: string, to: string, options?: { readonly lazy: boolean }): Promise<void>;
  /** Waits for the calls made before, then lets go of all files. */
  close(): Promise<void>;
}

/** `folder` and `name` as one name; an empty folder is the root. */
export function joinName(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/** The folder that the file `name` is in; the root is an empty name. */
export function folderOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('/')));
}

/** All of a file, as long as it is at that moment. Problem as of `read`. */
export async function readFile(disk: Pick<Disk, 'read' | 'size'>, name: string): Promise<Buffer> {
  return disk.read(name, 0, (await disk.size(name)) ?? 0);
}
