/**
 * How log files come to their names while records are written to them. A new file is used under the name that it stood
 * ready with: its header says what it is, and a recovery finds it by that (folder.ts). Its final name, or `E00.log`, it
 * gets beside the writing, and one sync of the folder makes the names of all files durable that were begun meanwhile.
 * That sync takes as long as one of a MiB of records; when each new file waited for it, it was half of what they cost.
 *
 * No rename here ever replaces a file, whatever part of the renames a loss of power keeps: each goes to a name that no file
 * has, and a name is used for another file only when the one before is durably gone from it.
 */
import { type Deferred, deferred } from '../base/deferred.ts';
import { type Disk, joinName, type LogDevice } from './disk.ts';
import type { PreparedFile } from './file-supply.ts';
import { MAX_UNNAMED_FILES } from './limits.ts';
import { closedName, type LogFile, OPEN_NAME } from './log-file.ts';
import type { LogFiles } from './log-files.ts';

export interface FileNamesOptions {
  disk: Pick<Disk, 'syncFolder'>;
  device: LogDevice;
  folder: string;
  files: LogFiles;
  /** The name that the file stood ready with may be used again. */
  release: (prepared: PreparedFile) => void;
  onFailure: (error: unknown) => void;
}

export interface NamedFile {
  readonly file: LogFile;
  /** What the device calls it when it comes to the next operation that it is given. */
  name: string;
  prepared: PreparedFile | undefined;
  /** Its header is durable. */
  isStarted: boolean;
  /** It is durably called `E00.log`, or by its number. */
  isSettled: boolean;
}

interface Renaming {
  readonly named: NamedFile;
  readonly to: string;
}

export class FileNames {
  readonly #options: FileNamesOptions;
  /** Oldest first; the last one is written to. */
  readonly #named: NamedFile[] = [];
  #settling: Promise<void> | undefined;
  #news: Deferred<void> = deferred();
  #hasFailed = false;

  constructor(options: FileNamesOptions) {
    this.#options = options;
  }

  /** The file that is written to from now on. `prepared`: it has the name that it stood ready with. */
  add(file: LogFile, name: string, prepared: PreparedFile | undefined): NamedFile {
    const isSettled = name === OPEN_NAME;
    const named = { file, name, prepared, isStarted: false, isSettled };
    this.#named.push(named);
    return named;
  }

  /** Its header is durable, and so is everything before it. */
  started(named: NamedFile): void {
    named.isStarted = true;
    named.file.name = named.name;
    this.#settle();
  }

  /** A recovery finds it without any file before it. */
  isSettled(file: LogFile): boolean {
    return this.#named.find((named) => named.file === file)?.isSettled ?? true;
  }

  /** Resolves when one more file may be begun. */
  async room(): Promise<void> {
    while (this.#named.length > MAX_UNNAMED_FILES && !this.#hasFailed) await this.#news.promise;
  }

  /** Resolves when all names are durable, or never will be. */
  async settled(): Promise<void> {
    while (this.#settling !== undefined) await this.#settling;
  }

  #settle(): void {
    if (this.#hasFailed) return;
    this.#settling ??= this.#run()
      .catch((error: unknown) => {
        this.#hasFailed = true;
        this.#options.onFailure(error);
      })
      .then(() => {
        this.#settling = undefined;
        this.#tell();
      });
  }

  async #run(): Promise<void> {
    for (let due = this.#due(); due.length > 0; due = this.#due()) {
      await this.#options.files.whileRenaming(() => this.#rename(due));
      await this.#options.disk.syncFolder(this.#options.folder);
      for (const { named, to } of due) this.#onDurable(named, to);
      this.#tell();
    }
  }

  /** Files that another one follows get their numbers; only when there are none, the last one becomes `E00.log`. */
  #due(): readonly Renaming[] {
    const closing = this.#named.filter((_, index) => this.#named[index + 1]?.isStarted === true);
    if (closing.length > 0) return closing.map((named) => ({ named, to: closedName(named.file.header.generation) }));
    const open = this.#named.at(-1);
    return open?.isStarted === true && !open.isSettled ? [{ named: open, to: OPEN_NAME }] : [];
  }

  async #rename(due: readonly Renaming[]): Promise<void> {
    const { device, folder } = this.#options;
    const renames = due.map(({ named, to }) => {
      const from = named.name;
      named.name = to;
      return device.rename(joinName(folder, from), joinName(folder, to), { lazy: true });
    });
    await Promise.all(renames);
    for (const { named, to } of due) named.file.name = to;
  }

  #onDurable(named: NamedFile, name: string): void {
    named.isSettled = true;
    if (named.prepared !== undefined) this.#options.release(named.prepared);
    named.prepared = undefined;
    if (name !== OPEN_NAME) this.#named.splice(this.#named.indexOf(named), 1);
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = deferred();
  }
}
