/**
 * One mailbox of a restored copy, merged into the one that serves: what the backup has and the mailbox does not is
 * brought to the active copy in small batches. A batch whose answer does not come may have been taken in; so after a
 * failover everything is compared anew, and nothing comes twice.
 */
import { isProblem, Problem } from '../../base/problem.ts';
import { contentsAnswerSchema, copyMethods, decodeBody, encodeBody } from '../../directory/copy-protocol.ts';
import { directoryLimits } from '../../directory/limits.ts';
import { encodeImport } from '../../directory/mailbox-merge.ts';
import { canonicalAddress } from '../../mail/address.ts';
import { MAX_UID } from '../../mail/limits.ts';
import type { Mailbox } from '../../store/mail-store.ts';
import type { Packs } from '../../store/packs.ts';
import type { Queries } from '../../store/queries.ts';
import { folderOf, type HeldMessage, missingMessages } from './merge-plan.ts';

/** Asks the active copy's mail service. Problem: as it says, `temporary` when it may help to ask again. */
export type AskCopy = (method: string, body: Uint8Array) => Promise<Buffer>;

export interface MailboxMerge {
  /** The mailbox as the backup calls it, and the one to bring it to. */
  readonly source: string;
  readonly address: string;
  /** Null: every message into the folder that it was in. */
  readonly targetFolder: string | null;
}

export interface MergeResult {
  readonly restored: number;
  readonly alreadyThere: number;
  readonly inBackup: number;
}

interface BackedUp extends HeldMessage {
  readonly bodyId: number;
  readonly flags: number;
  readonly keywords: readonly string[];
}

const ROWS_AT_ONCE = 1_000;
const BATCH_BYTES = 1024 * 1024;
const MAX_ATTEMPTS = 30;

export class MailboxMerger {
  readonly #queries: Queries;
  readonly #packs: Packs;
  readonly #merge: MailboxMerge;
  readonly #ask: AskCopy;
  readonly #rest: () => Promise<void>;

  constructor(
    copy: { readonly queries: Queries; readonly packs: Packs },
    merge: MailboxMerge,
    port: { readonly ask: AskCopy; readonly rest: () => Promise<void> },
  ) {
    this.#queries = copy.queries;
    this.#packs = copy.packs;
    this.#merge = merge;
    this.#ask = port.ask;
    this.#rest = port.rest;
  }

  /** Problem('MailboxNotFound' | 'MailboxFull' | …): what was brought until then stays, and is not brought again. */
  async run(onProgress: (line: string) => void): Promise<MergeResult> {
    const backup = this.#backedUp();
    const inBackup = backup.length;
    let restored: number | undefined;
    for (let attempt = 1; ; attempt++) {
      try {
        const missing = missingMessages(backup, await this.#held(), this.#merge.targetFolder);
        onProgress(`${missing.length} of ${inBackup} messages are missing`);
        restored ??= missing.length;
        await this.#bring(missing, onProgress);
        await this.#subscribe();
        return { restored, alreadyThere: inBackup - restored, inBackup };
      } catch (error) {
        if (!isProblem(error) || attempt >= MAX_ATTEMPTS || !mayHelp(error)) throw error;
        onProgress(`${error.message}; comparing anew`);
        await this.#rest();
      }
    }
  }

  #source(): Mailbox {
    const { source } = this.#merge;
    const mailbox = this.#queries.mailboxByKey(canonicalAddress(source));
    if (mailbox !== undefined) return mailbox;
    throw new Problem('MailboxNotFound', `Cannot restore ${source}: the backup has no such mailbox.`);
  }

  #backedUp(): readonly BackedUp[] {
    return this.#queries.folders(this.#source().id).flatMap(({ id, name }) => this.#messagesOf(id, name));
  }

  #messagesOf(folderId: number, folderName: string): readonly BackedUp[] {
    const found: BackedUp[] = [];
    for (let first = 1; ; ) {
      const rows = this.#queries.messages(folderId, first, MAX_UID, ROWS_AT_ONCE);
      for (const { bodyId, flags, keywords, sizeBytes, internalDateMs } of rows) {
        const crc32 = this.#queries.bodyPlace(bodyId)?.crc32 ?? 0;
        found.push({ folderName, bodyId, flags, keywords, sizeBytes, internalDateMs, crc32 });
      }
      const last = rows.at(-1);
      if (last === undefined) return found;
      first = last.uid + 1;
    }
  }

  async #held(): Promise<readonly HeldMessage[]> {
    const held: HeldMessage[] = [];
    let from = { afterFolderId: 0, afterUid: 0 };
    for (;;) {
      const question = encodeBody({ address: this.#merge.address, ...from });
      const { messages, isEnd } = decodeBody(contentsAnswerSchema, await this.#ask(copyMethods.contents, question));
      for (const message of messages) held.push(message);
      const last = messages.at(-1);
      if (isEnd || last === undefined) return held;
      from = { afterFolderId: last.folderId, afterUid: last.uid };
    }
  }

  async #bring(missing: readonly BackedUp[], onProgress: (line: string) => void): Promise<void> {
    let brought = 0;
    for (const batch of batchesOf(missing)) {
      const folderName = folderOf(batch[0] as BackedUp, this.#merge.targetFolder);
      const messages = batch.map((message) => ({
        ...message,
        bytes: this.#bytes(message),
        source: this.#queries.bodySource(message.bodyId) ?? { sender: null, trace: null },
      }));
      await this.#ask(copyMethods.importMessages, encodeImport({ address: this.#merge.address, folderName, messages }));
      brought += batch.length;
      onProgress(`${brought} messages restored`);
    }
  }

  /** What the mailbox is subscribed to beside stays. */
  async #subscribe(): Promise<void> {
    const { address, targetFolder } = this.#merge;
    const names = this.#queries.subscriptions(this.#source().id);
    const folderNames = names.map((folderName) => folderOf({ folderName }, targetFolder));
    for (let first = 0; first < folderNames.length; first += directoryLimits.maxSubscriptionsPerQuestion) {
      const some = folderNames.slice(first, first + directoryLimits.maxSubscriptionsPerQuestion);
      await this.#ask(copyMethods.subscribe, encodeBody({ address, folderNames: some }));
    }
  }

  #bytes({ bodyId }: BackedUp): Buffer {
    const place = this.#queries.bodyPlace(bodyId);
    if (place === undefined) throw new Problem('BodyDamaged', `Cannot restore body ${bodyId}: the backup lacks it.`);
    return this.#packs.read(place);
  }
}

/** The copy has failed over, or is about to: its answer may be lost. */
function mayHelp(error: Problem): boolean {
  return error.temporary || ['TimedOut', 'ChannelClosed', 'Unreachable', 'NotActive'].includes(error.code);
}

/** Of one folder each, and not too large together. */
function* batchesOf(messages: readonly BackedUp[]): Generator<readonly BackedUp[]> {
  let batch: BackedUp[] = [];
  let sizeBytes = 0;
  for (const message of messages) {
    const isFull = sizeBytes + message.sizeBytes > BATCH_BYTES || batch.length >= directoryLimits.maxImportedMessages;
    if (batch.length > 0 && (isFull || batch[0]?.folderName !== message.folderName)) {
      yield batch;
      batch = [];
      sizeBytes = 0;
    }
    batch.push(message);
    sizeBytes += message.sizeBytes;
  }
  if (batch.length > 0) yield batch;
}
