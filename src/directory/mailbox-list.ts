/** The addresses of one storage group as last heard from its active copy, by canonicalAddress. */
import { canonicalAddress } from '../mail/address.ts';
import type { CopyFinder } from './copy-finder.ts';
import { copyMethods, decodeBody, encodeBody, mailboxesAnswerSchema } from './copy-protocol.ts';
import { directoryLimits } from './limits.ts';

export class MailboxList {
  readonly finder: CopyFinder;
  #keys: Set<string> = new Set();
  #digest = '';
  #refreshing: Promise<boolean> | undefined;

  constructor(finder: CopyFinder) {
    this.finder = finder;
  }

  get size(): number {
    return this.#keys.size;
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /** An address that the active copy knows and that came after the last refresh. */
  add(key: string): void {
    this.#keys.add(key);
  }

  /** What was known before the restart; a refresh replaces it. */
  remember(addresses: readonly string[]): void {
    this.#keys = new Set(addresses.map(canonicalAddress));
  }

  addresses(): readonly string[] {
    return [...this.#keys];
  }

  /** Asks the active copy, if there is one; true when the list is another one than before. */
  refresh(): Promise<boolean> {
    this.#refreshing ??= this.#ask().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #ask(): Promise<boolean> {
    const copy = this.finder.active();
    if (copy === undefined) return false;
    const question = encodeBody({ digest: this.#digest });
    const body = await copy.rpc.ask(copyMethods.mailboxes, question, directoryLimits.askTimeoutMs);
    const { digest, addresses } = decodeBody(mailboxesAnswerSchema, body);
    this.#digest = digest;
    if (addresses === null) return false;
    const keys = new Set(addresses.map(canonicalAddress));
    const changed = keys.size !== this.#keys.size || keys.difference(this.#keys).size > 0;
    this.#keys = keys;
    return changed;
  }
}
