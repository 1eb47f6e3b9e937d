/**
 * What sessions do to messages that are there: flag, move, expunge; and the folders that they make. Before the question
 * leaves, the history knows both ways it may end; the answer leaves one of them. A message whose change was not answered
 * is left alone from then on, so that what is expected of it stays exact.
 */
import type { Random } from '../base/random.ts';
import { INBOX } from '../mail/mailbox-name.ts';
import type { Fate, History } from './history.ts';
import { type SeenMessage, sessionMethods } from './session-service.ts';

/** `not-done`: certainly. */
export type SessionAnswer =
  | { readonly kind: 'answered'; readonly value: unknown }
  | { readonly kind: 'not-done' | 'unknown' };

export interface MessageChangesOptions {
  readonly history: History;
  readonly random: Random;
  readonly trueNowMs: () => number;
  /** Asks the active copy about the one mailbox. */
  readonly ask: (method: string, question: object) => Promise<SessionAnswer>;
}

const MAX_FOLDERS = 5;

export class MessageChanges {
  readonly #options: MessageChangesOptions;
  #foldersAsked = 0;

  constructor(options: MessageChangesOptions) {
    this.#options = options;
  }

  /** The inbox, or one that a session made. */
  anyFolder(): string {
    const { history, random } = this.#options;
    const names = [INBOX, INBOX, ...history.folders.map(({ name }) => name)];
    return names[random.below(names.length)] ?? INBOX;
  }

  /** One change by chance to a message that `folder` was seen to hold. */
  async any(folder: string, message: SeenMessage): Promise<void> {
    const { random } = this.#options;
    const what = random.below(8);
    if (what < 3) await this.flag(folder, message);
    else if (what < 5) await this.move(folder, message, this.anyFolder());
    else if (what < 7) await this.expunge(folder, message);
    else await this.createFolder();
  }

  flag(folder: string, message: SeenMessage): Promise<boolean> {
    return this.#change(sessionMethods.flag, folder, message, { maybe: {}, done: { isFlagged: true } });
  }

  move(folder: string, message: SeenMessage, target: string): Promise<boolean> {
    if (folder === target) return Promise.resolve(false);
    const ends = { maybe: { places: [folder, target], wasMoved: true }, done: { places: [target] } };
    return this.#change(sessionMethods.move, folder, message, ends, { target });
  }

  expunge(folder: string, message: SeenMessage): Promise<boolean> {
    const ends = { maybe: { expunged: 'maybe', wasExpunged: true }, done: { expunged: 'yes' } } as const;
    return this.#change(sessionMethods.expunge, folder, message, ends);
  }

  async createFolder(): Promise<string | undefined> {
    const { history, trueNowMs, ask } = this.#options;
    if (this.#foldersAsked >= MAX_FOLDERS) return undefined;
    this.#foldersAsked += 1;
    const name = `Folder ${this.#foldersAsked}`;
    const answer = await ask(sessionMethods.createFolder, { name });
    if (answer.kind !== 'answered') return undefined;
    history.folders.push({ name, atMs: trueNowMs() });
    return name;
  }

  /** True when it was answered. */
  async #change(
    method: string,
    folder: string,
    { uid, sha256 }: SeenMessage,
    ends: { readonly maybe: Partial<Fate>; readonly done: Partial<Fate> },
    more: object = {},
  ): Promise<boolean> {
    const { history, trueNowMs, ask } = this.#options;
    const fate = history.bySha256(sha256)?.fate;
    const isWhereSeen = fate?.places.length === 1 && fate.places[0] === folder && fate.expunged === 'no';
    if (fate === undefined || fate.isTaken || !isWhereSeen) return false;
    const before = { ...fate };
    Object.assign(fate, ends.maybe, { isTaken: true });
    const answer = await ask(method, { folder, uid, ...more });
    if (answer.kind === 'not-done') Object.assign(fate, before);
    const isDone = answer.kind === 'answered' && (answer.value as { count: number }).count === 1;
    if (isDone) Object.assign(fate, ends.done, { isTaken: false, changedMs: trueNowMs() });
    return isDone;
  }
}
