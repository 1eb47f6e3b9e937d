/** Who wants to know what changes in which folder. A listener that fails harms neither the change nor the others. */
import type { Logger } from '../base/logger.ts';
import { messageOf } from '../base/problem.ts';
import type { FolderEvent } from './mail-store.ts';

export type FolderListener = (event: FolderEvent) => void;

export class Listeners {
  readonly #byFolder = new Map<number, Set<FolderListener>>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** The same function given twice is told twice. */
  add(folderId: number, listener: FolderListener): () => void {
    const entry: FolderListener = (event) => listener(event);
    const listeners = this.#byFolder.get(folderId) ?? new Set();
    this.#byFolder.set(folderId, listeners.add(entry));
    return () => {
      listeners.delete(entry);
      if (listeners.size === 0 && this.#byFolder.get(folderId) === listeners) this.#byFolder.delete(folderId);
    };
  }

  tell(events: readonly FolderEvent[]): void {
    for (const event of events) {
      for (const listener of this.#byFolder.get(event.folderId) ?? []) this.#tellOne(listener, event);
    }
  }

  #tellOne(listener: FolderListener, event: FolderEvent): void {
    try {
      listener(event);
    } catch (error) {
      this.#logger.error(
        { error: messageOf(error), folderId: event.folderId, lsn: event.lsn },
        'folder listener failed',
      );
    }
  }
}
