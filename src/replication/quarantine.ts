/**
 * What a copy does with the tail of its log that the active copy does not have (S20). The files stay for ever. Mail in
 * them goes back, once, to where it was sent or put, through the copy that is active now: deliveries with their own ids,
 * so that what came by another way (the transport dumpster, a second attempt of the sender) is not doubled, what
 * sessions added under an id that follows from its record (plan-return.ts). Everything else is listed for people to decide.
 *
 * Nothing notes how far it came. Whether a message is back is asked of this copy's own database, which follows the active
 * one: when it has them all, they are also in the log of this copy, and the folder is settled.
 */
import { present } from '../base/assert.ts';
import { type Clock, sleep } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { isProblem, messageOf, Problem } from '../base/problem.ts';
import { epochOf } from '../log/lsn.ts';
import {
  DivergentTail,
  type MailPlace,
  type TailChange,
  type TailMessage,
  type TailMessageState,
} from '../store/divergent-tail.ts';
import type { AppendedMessage, Fact, MergedMessage } from '../store/facts.ts';
import type { Delivery, DeliveryResult, ReturnedMessage } from '../store/mail-store.ts';
import { Queries } from '../store/queries.ts';
import type { CopyFiles, Store } from './copy-files.ts';
import type { CopyStorage } from './copy-storage.ts';
import { listTails, noteSettled, noteTail, readTail, type Tail, type TailCounts } from './divergent-tails.ts';
import { replicationLimits } from './limits.ts';

/** The mail service of the copy on one host, until it is closed. */
export interface MailReturn {
  /** Problems: nobody knows. */
  deliver(delivery: Delivery): Promise<readonly DeliveryResult[]>;
  /** To a folder. Problem('MailboxNotFound' | 'MailboxFull' | …) */
  put(place: MailPlace, message: Omit<ReturnedMessage, 'structure'>): Promise<void>;
  close(): void;
}

/** Problem('Unreachable') */
export type ReturnMail = (host: string) => Promise<MailReturn>;

export interface QuarantineOptions {
  readonly files: CopyFiles;
  readonly storage: Pick<CopyStorage, 'disk'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly returnMail: ReturnMail;
  /** Of the copy that takes mail now; undefined while this one knows of none. */
  readonly activeHost: () => string | undefined;
  /** Short work on the database. Problem('CopyNotOpen' | 'NotPassive' | …), all temporary */
  readonly inTurn: <T>(work: (store: Store) => T) => Promise<T>;
  readonly onFatal: (error: unknown) => void;
}

export interface QuarantineFacts extends TailCounts {
  /** Messages that are still to be brought back. */
  readonly waiting: number;
  /** Messages of tails that only an administrator's order brings back. */
  readonly aside: number;
}

const NOTHING: QuarantineFacts = { messages: 0, tooOld: 0, changes: 0, waiting: 0, aside: 0 };

/** A record of a tail, for people. */
export interface QuarantinedChange {
  readonly folder: string;
  readonly lsn: number;
  readonly type: string;
  readonly mailbox: string | null;
  readonly mailFolder: string | null;
  readonly what: string;
  readonly state: 'There' | 'Removed' | 'TooOld' | 'Waiting' | 'Aside' | 'Lost';
}

type Missing = TailMessage & Extract<TailMessageState, { state: 'missing' }>;

/** What this process knows of a tail that is not settled; one that begins anew finds it out again. */
interface Progress {
  /** Messages that were seen in the new history once: whoever removed one since then meant it. */
  readonly seen: Set<string>;
  /** Why the active copy did not take one. */
  readonly refusals: Map<string, string>;
  broughtBack: number;
  tooOld: number;
}

interface Part {
  readonly tail: Tail;
  readonly found: DivergentTail;
  readonly progress: Progress;
}

export class Quarantine {
  readonly #options: QuarantineOptions;
  #mayHaveWork = true;
  #nextMs = 0;
  /** How long the last pass read. */
  #readMs = 0;
  /** Of the pass that is under way. */
  #mail: MailReturn | undefined;
  #queries: { readonly database: Store['database']; readonly queries: Queries } | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;
  #facts = NOTHING;
  /** Why the last pass ended early; it is told once. */
  #failure = '';
  /** Of tails that do not return, by folder: they are read once. */
  readonly #asideCounts = new Map<string, Partial<QuarantineFacts>>();
  /** By folder, of tails that are not settled. */
  readonly #progress = new Map<string, Progress>();

  constructor(options: QuarantineOptions) {
    this.#options = options;
  }

  get facts(): QuarantineFacts {
    return this.#facts;
  }

  /** Something was put aside just now, or may have been. */
  look(): void {
    this.#mayHaveWork = true;
    this.#nextMs = 0;
  }

  /** Begins what is to be done, if there is something and somebody to do it for. It goes on beside everything else. */
  step(): void {
    const { clock, activeHost, onFatal } = this.#options;
    const host = activeHost();
    const isDue = this.#mayHaveWork && clock.monotonicMs() >= this.#nextMs;
    if (!isDue || host === undefined || this.#running !== undefined || this.#isStopped) return;
    this.#mayHaveWork = false;
    this.#running = this.#run(host)
      .catch(onFatal)
      .finally(() => {
        this.#running = undefined;
      });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#mail?.close();
    await this.#running;
  }

  async #run(host: string): Promise<void> {
    const { clock, logger, storage } = this.#options;
    this.#readMs = 0;
    try {
      let facts = NOTHING;
      for (const tail of await listTails(storage.disk)) {
        if (this.#isStopped) return;
        const counts = tail.settled ?? (tail.returns ? await this.#settle(tail, host) : await this.#countAside(tail));
        facts = sumOf(facts, counts);
      }
      this.#facts = facts;
      this.#failure = '';
      if (facts.waiting === 0) return;
    } catch (error) {
      if (!isProblem(error)) throw error;
      const { code, message: reason } = error;
      if (reason !== this.#failure) logger.warn({ code, reason }, 'mail in quarantine could not be brought back');
      this.#failure = reason;
    }
    this.#mayHaveWork = true;
    const { returnRetryMs, returnRestFactor } = replicationLimits;
    this.#nextMs = clock.monotonicMs() + Math.max(returnRetryMs, this.#readMs * returnRestFactor);
  }

  async #countAside(tail: Tail): Promise<Partial<QuarantineFacts>> {
    const known = this.#asideCounts.get(tail.folder);
    if (known !== undefined) return known;
    const { messageCount: messages, changeCount: changes } = await this.#survey(tail);
    const counts = { messages, changes, aside: messages };
    this.#asideCounts.set(tail.folder, counts);
    return counts;
  }

  /** One part of its messages after the other: what nobody takes of the first must not keep the rest waiting. */
  async #settle(tail: Tail, host: string): Promise<Partial<QuarantineFacts>> {
    const { logger, storage } = this.#options;
    const { folder } = tail;
    const progress = this.#progressOf(folder);
    let waiting = 0;
    for (let first = 0; ; first += replicationLimits.returnWindowMessages) {
      const found = await this.#survey(tail, first, replicationLimits.returnWindowMessages);
      const part = { tail, found, progress };
      waiting += await this.#bringBack(part, host);
      const counts = { messages: found.messageCount, tooOld: progress.tooOld, changes: found.changeCount };
      if (this.#isStopped) return { ...counts, waiting };
      if (first + found.messages.length < found.messageCount) continue;
      if (waiting > 0) return { ...counts, waiting };
      await noteSettled(storage.disk, tail, counts);
      this.#progress.delete(folder);
      logger.warn({ folder, ...counts, broughtBack: progress.broughtBack }, 'the mail in quarantine is back');
      return counts;
    }
  }

  #progressOf(folder: string): Progress {
    const progress = this.#progress.get(folder) ?? { seen: new Set(), refusals: new Map(), broughtBack: 0, tooOld: 0 };
    this.#progress.set(folder, progress);
    return progress;
  }

  /** What the tail did, without the messages' bytes. What is in the new history all the same is left out. */
  async #survey(tail: Tail, first = 0, maxMessages = replicationLimits.listedChanges): Promise<DivergentTail> {
    const { files, clock, storage } = this.#options;
    const startMs = clock.monotonicMs();
    if (!files.isOpen) throw new Problem('CopyNotOpen', 'Cannot read its quarantine: this copy is not open.');
    const { listedChanges: maxChanges } = replicationLimits;
    const found = new DivergentTail({ first, maxMessages, maxChanges });
    const { epochEnds } = files.log;
    const ends = new Map(epochEnds.map(({ epoch, lastLsn }) => [epoch, lastLsn]));
    const oldest = epochEnds[0]?.epoch ?? 0;
    const isInHistory = (lsn: number): boolean => {
      const end = ends.get(epochOf(lsn));
      return end === undefined ? tail.isDamaged && epochOf(lsn) < oldest : lsn <= end;
    };
    for await (const record of readTail(storage.disk, tail)) {
      if (!isInHistory(record.lsn)) found.add(record);
    }
    this.#readMs += clock.monotonicMs() - startMs;
    return found;
  }

  async #missing({ found, progress }: Part, messages: readonly TailMessage[]): Promise<readonly Missing[]> {
    const missing: Missing[] = [];
    for (const message of messages) {
      if (this.#isStopped) return missing;
      if (progress.seen.has(keyOf(message))) continue;
      const state = await this.#stateOf(found, message);
      if (state.state === 'missing') {
        missing.push({ ...message, ...state });
        continue;
      }
      progress.seen.add(keyOf(message));
      if (state.state === 'too-old') progress.tooOld += 1;
    }
    return missing;
  }

  #stateOf(found: DivergentTail, message: TailMessage): Promise<TailMessageState> {
    return this.#ask((queries) => found.stateOf(message, queries));
  }

  #ask<T>(question: (queries: Queries) => T): Promise<T> {
    return this.#options.inTurn(({ database }) => {
      if (this.#queries?.database !== database) this.#queries = { database, queries: new Queries(database) };
      return question(this.#queries.queries);
    });
  }

  /** Resolves with how many are not in the database of this copy then. */
  async #bringBack(part: Part, host: string): Promise<number> {
    const { clock } = this.#options;
    const { found, progress } = part;
    const missing = await this.#missing(part, found.messages);
    if (missing.length === 0) return 0;
    await this.#send(part, missing, host);
    const untilMs = clock.monotonicMs() + replicationLimits.returnSeenMs;
    const isTaken = (message: TailMessage): boolean => !progress.refusals.has(keyOf(message));
    for (;;) {
      const left = await this.#missing(part, missing);
      if (!left.some(isTaken) || this.#isStopped || clock.monotonicMs() > untilMs) {
        progress.broughtBack += missing.length - left.length;
        return left.length;
      }
      await sleep(clock, replicationLimits.returnLookMs);
    }
  }

  async #send(part: Part, missing: readonly Missing[], host: string): Promise<void> {
    const wanted = new Map(missing.map((message) => [keyOf(message), message]));
    const mail = await this.#options.returnMail(host);
    this.#mail = mail;
    try {
      for await (const { lsn, fact } of readTail(this.#options.storage.disk, part.tail)) {
        for (const [index, bytes] of partsOf(fact).entries()) {
          const message = wanted.get(keyOf({ lsn, index }));
          if (message === undefined || this.#isStopped) continue;
          this.#noteRefusal(part, message, await sendOne(mail, message, bytes));
        }
      }
    } finally {
      mail.close();
    }
  }

  #noteRefusal({ tail, progress }: Part, message: TailMessage, refusal: string | undefined): void {
    const key = keyOf(message);
    if (refusal === undefined) return void progress.refusals.delete(key);
    if (!progress.refusals.has(key)) {
      const { lsn } = message;
      this.#options.logger.warn({ folder: tail.folder, lsn, refusal }, 'a message in quarantine is not taken');
    }
    progress.refusals.set(key, refusal);
  }

  /** By an administrator's order: mail in tails that a seed put aside goes back too. Resolves with how many tails. */
  async order(): Promise<number> {
    const { disk } = this.#options.storage;
    const tails = (await listTails(disk)).filter(({ returns }) => !returns);
    for (const tail of tails) await noteTail(disk, tail.folder, { ...tail, returns: true });
    this.look();
    return tails.length;
  }

  // ── for people ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** What is in all tails, by record; of each at most `replicationLimits.listedChanges`, and of all. Problem('CopyNotOpen' | …) */
  async changes(): Promise<readonly QuarantinedChange[]> {
    const rows: QuarantinedChange[] = [];
    for (const tail of await listTails(this.#options.storage.disk)) {
      const found = await this.#survey(tail);
      const messages: QuarantinedChange[] = [];
      for (const message of found.messages) messages.push(await this.#messageRow(tail, found, message));
      rows.push(...[...messages, ...(await this.#changeRows(tail, found))].sort((one, other) => one.lsn - other.lsn));
      if (rows.length >= replicationLimits.listedChanges) break;
    }
    return rows.slice(0, replicationLimits.listedChanges);
  }

  async #messageRow(tail: Tail, found: DivergentTail, message: TailMessage): Promise<QuarantinedChange> {
    const { lsn, sender, recipients, sizeBytes, folderId } = message;
    const progress = this.#progress.get(tail.folder);
    const isSeen = tail.settled !== undefined || progress?.seen.has(keyOf(message)) === true;
    return await this.#ask((queries) => {
      const { state } = found.stateOf(message, queries);
      const place = folderId === undefined ? undefined : found.placeOf(folderId, queries);
      const refusal = progress?.refusals.get(keyOf(message));
      const from = folderId === undefined ? `a message from <${sender}> was delivered` : 'a message was added';
      return {
        folder: tail.folder,
        lsn,
        type: folderId === undefined ? 'MessageDelivered' : 'MessagesAppended',
        mailbox: place?.address ?? recipients.join(', '),
        mailFolder: place?.folderName ?? null,
        what: `${from}, ${sizeBytes} bytes${refusal === undefined ? '' : `; not taken: ${refusal}`}`,
        state: state === 'missing' && !tail.returns ? 'Aside' : messageState(state, isSeen),
      };
    });
  }

  #changeRows({ folder }: Tail, found: DivergentTail): Promise<readonly QuarantinedChange[]> {
    return this.#ask((queries) => found.changes.map((change) => ({ folder, ...changeRow(found, change, queries) })));
  }
}

function changeRow(
  found: DivergentTail,
  { lsn, type, mailboxId, folderId, what }: TailChange,
  queries: Queries,
): Omit<QuarantinedChange, 'folder'> {
  const place = folderId === undefined ? undefined : found.placeOf(folderId, queries);
  const address = place?.address ?? (mailboxId === undefined ? undefined : found.addressOf(mailboxId, queries));
  return { lsn, type, mailbox: address ?? null, mailFolder: place?.folderName ?? null, what, state: 'Lost' };
}

function messageState(state: TailMessageState['state'], isSeen: boolean): QuarantinedChange['state'] {
  if (state === 'removed') return 'Removed';
  if (state === 'too-old') return 'TooOld';
  if (state === 'placeless') return 'Lost';
  return state === 'there' || isSeen ? 'There' : 'Waiting';
}

function keyOf({ lsn, index }: Pick<TailMessage, 'lsn' | 'index'>): string {
  return `${lsn}:${index}`;
}

type TailPart = Extract<Fact, { type: 'MessageDelivered' }> | AppendedMessage | MergedMessage;

/** The messages of a record, in the order that their index counts. */
function partsOf(fact: Fact | undefined): readonly TailPart[] {
  if (fact?.type === 'MessageDelivered') return [fact];
  return fact?.type === 'MessagesAppended' || fact?.type === 'MessagesMerged' ? fact.messages : [];
}

/** Undefined when it was taken; otherwise why not. Problem when nobody knows. */
async function sendOne(mail: MailReturn, message: Missing, part: TailPart): Promise<string | undefined> {
  if ('targets' in part) {
    const results = await mail.deliver({ ...part, recipients: message.recipients });
    const refused = results.find(({ outcome }) => outcome === 'refused');
    return refused?.outcome === 'refused' ? refused.message : undefined;
  }
  const place = present(message.place, 'What was added is asked for where its place is known');
  const source = 'sender' in part ? { sender: part.sender, trace: part.trace } : { sender: null, trace: null };
  try {
    await mail.put(place, { ...part, returnId: message.deliveryId, source });
    return undefined;
  } catch (error) {
    if (!isProblem(error) || isUnknown(error)) throw error;
    return messageOf(error);
  }
}

/** The copy may have taken it, or another one is active by now: the next attempt asks anew. */
function isUnknown(error: Problem): boolean {
  return ['NotActive', 'OutcomeUnknown', 'TimedOut', 'ChannelClosed', 'Unreachable'].includes(error.code);
}

function sumOf(sum: QuarantineFacts, counts: Partial<QuarantineFacts>): QuarantineFacts {
  const { messages, tooOld, changes, waiting, aside } = { ...NOTHING, ...counts };
  return {
    messages: sum.messages + messages,
    tooOld: sum.tooOld + tooOld,
    changes: sum.changes + changes,
    waiting: sum.waiting + waiting,
    aside: sum.aside + aside,
  };
}
