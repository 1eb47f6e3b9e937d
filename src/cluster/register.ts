/**
 * The port through which the cluster decides: one document, changed by compare-and-set, linearizable. CASPaxos over
 * acceptors implements it (caspaxos-register.ts); any store with a compare-and-set can.
 */
import type { Ballot } from './acceptor.ts';
import type { RegisterDocument } from './register-document.ts';

/**
 * Gets the document as it is (undefined before the cluster is formed) and returns what it shall become, or undefined
 * to leave it. Pure but for closures that note what they saw: it is called once for every attempt, and at
 * most one of its answers takes effect, not always the last one: tell them apart if they differ in more than the version.
 */
export type Decide = (document: RegisterDocument | undefined) => RegisterDocument | undefined;

export type ChangeOutcome =
  /** The decided change is in the register. `document` contains it (and perhaps later changes of others). */
  | { readonly kind: 'changed'; readonly document: RegisterDocument }
  /** `decide` left it alone. `document` was the register's at some moment within the call, and every earlier change of
   *  this register whose outcome was unknown has by now either happened (and shows in it) or never will. */
  | { readonly kind: 'unchanged'; readonly document: RegisterDocument | undefined }
  /** It may have happened, or happen later, until a call ends as 'changed' or 'unchanged'. */
  | { readonly kind: 'unknown'; readonly reason: string }
  /** Nothing of this call was or will be changed. */
  | { readonly kind: 'unavailable'; readonly reason: string };

export interface PeekedDocument {
  readonly document: RegisterDocument;
  readonly ballot: Ballot;
}

export interface Register {
  /** Never rejects for the world's faults; a bug in `decide` rejects. */
  change(decide: Decide, options: { timeoutMs: number }): Promise<ChangeOutcome>;
  /**
   * What a majority has accepted, without a ballot, so that a watcher never duels with the renewals it watches. It may
   * show a change that was never chosen: good for watching and for status, never a ground to act on.
   * Undefined without a majority, or before the cluster is formed.
   */
  peek(options: { timeoutMs: number }): Promise<PeekedDocument | undefined>;
}
