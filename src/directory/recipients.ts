/**
 * Whose mail do we take? Asked at every RCPT, and it must be answered while no copy is active too, or a failover would
 * refuse mail. So the list of all addresses is remembered, in memory and in a small file, and a recipient on it is
 * accepted without asking. One that is not on it may be new: then only the active copy can say no. An address is never
 * refused for good on the word of a list that may be old (RFC 5321 3.3: 550 makes the sender give up).
 */
import type { Cancel, Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { isProblem, messageOf } from '../base/problem.ts';
import { canonicalAddress, parseAddress } from '../mail/address.ts';
import { decodeDirectory, encodeDirectory } from './cached-directory.ts';
import type { CopyFinder } from './copy-finder.ts';
import { copyMethods, decodeBody, encodeBody, resolveAnswerSchema } from './copy-protocol.ts';
import { directoryLimits } from './limits.ts';
import { MailboxList } from './mailbox-list.ts';

/** Where the list outlives a restart. `save` replaces the whole atomically; what it is, is no business of the port. */
export interface DirectoryCache {
  load(): Promise<Buffer | undefined>;
  save(bytes: Buffer): Promise<void>;
}

export type RecipientAnswer =
  | { readonly outcome: 'known'; readonly address: string; readonly storageGroup: string }
  /** `unknown`: refused for good · `not-local`: another domain · `undecided`: nobody can say at the moment. */
  | { readonly outcome: 'unknown' | 'not-local' | 'undecided' };

export interface RecipientDirectoryOptions {
  readonly acceptedDomains: readonly string[];
  /** One for each storage group. */
  readonly finders: readonly CopyFinder[];
  readonly cache: DirectoryCache;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class RecipientDirectory {
  readonly #options: RecipientDirectoryOptions;
  readonly #domains: ReadonlySet<string>;
  readonly #lists: readonly MailboxList[];
  readonly #undo: (() => void)[] = [];
  #openLookups = 0;
  #cancelRefresh: Cancel | undefined;
  #saving: Promise<void> | undefined;
  #unsaved = false;
  #closed = false;

  constructor(options: RecipientDirectoryOptions) {
    this.#options = options;
    this.#domains = new Set(options.acceptedDomains.map((domain) => canonicalAddress(domain)));
    this.#lists = options.finders.map((finder) => new MailboxList(finder));
  }

  /** Reads the remembered list; from then on the list follows the active copies. */
  async start(): Promise<void> {
    await this.#load();
    for (const list of this.#lists) {
      this.#undo.push(list.finder.onChange((active) => active !== undefined && this.#refresh(list)));
      this.#refresh(list);
    }
    this.#refreshLater();
  }

  /** Stops following, and waits until what is known has been saved. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRefresh?.();
    for (const undo of this.#undo) undo();
    await this.#saving;
  }

  get mailboxCount(): number {
    return this.#lists.reduce((count, list) => count + list.size, 0);
  }

  /** For an envelope recipient as given; `postmaster` without a domain is ours too (RFC 5321 4.5.1). */
  async resolve(recipient: string): Promise<RecipientAnswer> {
    const address = this.#withDomain(recipient);
    const parsed = parseAddress(address);
    if (parsed === undefined) return { outcome: 'unknown' };
    if (!this.#domains.has(canonicalAddress(parsed.domain))) return { outcome: 'not-local' };
    const key = canonicalAddress(parsed);
    const list = this.#lists.find((candidate) => candidate.has(key));
    if (list !== undefined) return { outcome: 'known', address, storageGroup: list.finder.storageGroup };
    return this.#lookUp(address, key);
  }

  #withDomain(recipient: string): string {
    const [domain] = this.#options.acceptedDomains;
    return recipient.toLowerCase() === 'postmaster' && domain !== undefined ? `${recipient}@${domain}` : recipient;
  }

  async #lookUp(address: string, key: string): Promise<RecipientAnswer> {
    if (this.#openLookups >= directoryLimits.maxOpenLookups) return { outcome: 'undecided' };
    this.#openLookups += 1;
    try {
      const answers = await Promise.all(this.#lists.map((list) => this.#ask(list.finder, address)));
      const list = this.#lists[answers.indexOf('known')];
      if (list === undefined) return { outcome: answers.includes('undecided') ? 'undecided' : 'unknown' };
      list.add(key);
      this.#save();
      return { outcome: 'known', address, storageGroup: list.finder.storageGroup };
    } finally {
      this.#openLookups -= 1;
    }
  }

  async #ask(finder: CopyFinder, address: string): Promise<'known' | 'unknown' | 'undecided'> {
    const copy = await finder.whenActive(directoryLimits.lookupWaitMs);
    if (copy === undefined) return 'undecided';
    try {
      const question = encodeBody({ addresses: [address] });
      const body = await copy.rpc.ask(copyMethods.resolve, question, directoryLimits.askTimeoutMs);
      return decodeBody(resolveAnswerSchema, body).known[0] === true ? 'known' : 'unknown';
    } catch (error) {
      if (!isProblem(error)) throw error;
      return 'undecided';
    }
  }

  #refreshLater(): void {
    this.#cancelRefresh = this.#options.clock.after(directoryLimits.refreshIntervalMs, () => {
      for (const list of this.#lists) this.#refresh(list);
      this.#refreshLater();
    });
  }

  #refresh(list: MailboxList): void {
    list.refresh().then(
      (changed) => changed && this.#save(),
      (error) => {
        const { storageGroup } = list.finder;
        if (!isProblem(error))
          this.#options.logger.error({ storageGroup, error: messageOf(error) }, 'directory: internal error');
      },
    );
  }

  async #load(): Promise<void> {
    try {
      const bytes = await this.#options.cache.load();
      if (bytes === undefined) return;
      const remembered = decodeDirectory(bytes);
      for (const list of this.#lists) list.remember(remembered.get(list.finder.storageGroup) ?? []);
    } catch (error) {
      // The list is a convenience: without it, mail for unknown recipients is put off until a copy answers.
      this.#options.logger.warn({ error: messageOf(error) }, 'directory: the remembered list is of no use');
    }
  }

  /** One save at a time; what changes meanwhile is saved by the next. */
  #save(): void {
    this.#unsaved = true;
    if (this.#saving !== undefined || this.#closed) return;
    this.#saving = this.#saveAll().finally(() => {
      this.#saving = undefined;
    });
  }

  async #saveAll(): Promise<void> {
    while (this.#unsaved) {
      this.#unsaved = false;
      const lists = new Map(this.#lists.map((list) => [list.finder.storageGroup, list.addresses()]));
      try {
        await this.#options.cache.save(encodeDirectory(lists));
      } catch (error) {
        this.#options.logger.warn({ error: messageOf(error) }, 'directory: the list cannot be saved');
        return;
      }
    }
  }
}
