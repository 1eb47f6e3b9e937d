/**
 * SEARCH with the help of the content index. Of each text among the criteria the index says which messages contain it,
 * and for which it cannot tell; only the latter are read. So the answer is exactly the one that reading every message
 * would give (RFC 3501 6.4.4: a substring, wherever it stands), and a search for a word reads nothing.
 *
 *   one word, or a part of one     the index knows
 *   several words, punctuation     the index names few candidates, which are read
 *   only punctuation; a field of   the index knows little or nothing: messages are read as without it
 *   HEADER that is rare
 *   what came in a moment ago      is read
 */
import { type SearchKey, type TextKey, textKeys } from '../../mail/search.ts';
import type { FolderAnswer, TextAnswer, TextQuestion } from '../../store/content-index.ts';
import type { MailStore } from '../../store/mail-store.ts';

interface Known {
  readonly found: ReadonlySet<number>;
  readonly open: ReadonlySet<number>;
}

export class IndexedSearch {
  readonly #uidNext: number;
  readonly #known: ReadonlyMap<TextKey, Known>;

  private constructor(keys: readonly TextKey[], answer: FolderAnswer) {
    this.#uidNext = answer.uidNext;
    this.#known = new Map(keys.map((key, index) => [key, knownOf(answer.answers[index])]));
  }

  /** Undefined when there is nothing to ask, or nobody to answer. */
  static async ask(store: MailStore, folderId: number, key: SearchKey): Promise<IndexedSearch | undefined> {
    const keys = textKeys(key);
    if (keys.length === 0) return undefined;
    const answer = await store.searchTexts(folderId, keys.map(questionOf));
    return answer === undefined ? undefined : new IndexedSearch(keys, answer);
  }

  /** What is known about the message; undefined: it is to be read. */
  tell(key: TextKey, uid: number): boolean | undefined {
    const known = this.#known.get(key);
    if (known === undefined || uid >= this.#uidNext || known.open.has(uid)) return undefined;
    return known.found.has(uid);
  }

  /** Those of `uids` that may match: no others need be looked at, not even their rows. */
  candidates(key: SearchKey, uids: ArrayLike<number>): ArrayLike<number> {
    const possible = this.#possible(key);
    if (possible === undefined) return uids;
    return Array.from(uids).filter((uid) => uid >= this.#uidNext || possible.has(uid));
  }

  /** Undefined: all. As deep as the key, which mail/limits.ts bounds. */
  #possible(key: SearchKey): ReadonlySet<number> | undefined {
    if ('text' in key) {
      const known = this.#known.get(key);
      return known && (known.open.size === 0 ? known.found : known.found.union(known.open));
    }
    if (!('children' in key)) return undefined;
    const sets = key.children.map((child) => this.#possible(child));
    if (key.key === 'and') return sets.reduce(both, undefined);
    return sets.reduce<ReadonlySet<number> | undefined>((all, set) => set && all?.union(set), new Set());
  }
}

function both(
  one: ReadonlySet<number> | undefined,
  other: ReadonlySet<number> | undefined,
): ReadonlySet<number> | undefined {
  return one && other ? one.intersection(other) : (one ?? other);
}

/** Any field of HEADER may be meant, so the name's own field is left to be looked at. */
function questionOf(key: TextKey): TextQuestion {
  return { field: key.key, text: key.text };
}

function knownOf(answer: TextAnswer | undefined): Known {
  return { found: new Set(answer?.found), open: new Set(answer?.open) };
}
