/**
 * Every register value that the search has met, as a small number, with the value it was made from. The text that an
 * acceptor keeps is that number: acceptors do not look into it, and states stay small. Each value has been through the
 * production encoding and its gateway once.
 *
 * The parent is what "one history" means: two chosen values must lie on one line of descent.
 */
import { assert, present } from '../../base/assert.ts';
import { member, type RegisterDocument, type StorageGroupRecord } from '../../cluster/register-document.ts';
import { encodeRegisterValue, parseRegisterValue, type RegisterValue } from '../../cluster/register-value.ts';

export const GROUP = 'mbx01\\First Storage Group';
/** Parent of the first value. */
const NO_PARENT = -1;

export class ValueTree {
  readonly #values: RegisterValue[] = [];
  readonly #parents: number[] = [];
  readonly #ids = new Map<string, number>();

  get size(): number {
    return this.#values.length;
  }

  add(value: RegisterValue, parent = NO_PARENT): number {
    const text = encodeRegisterValue(value);
    const key = `${parent} ${text}`;
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#values.length;
    this.#values.push(parseRegisterValue(text));
    this.#parents.push(parent);
    this.#ids.set(key, id);
    return id;
  }

  value(id: number): RegisterValue {
    return present(this.#values[id], 'A value that was met has a number');
  }

  document(id: number): RegisterDocument {
    return this.value(id).document;
  }

  group(id: number): StorageGroupRecord {
    return groupOf(this.document(id));
  }

  /** Is `descendant` the value `ancestor`, or made from it? */
  descendsFrom(descendant: number, ancestor: number): boolean {
    for (let id = descendant; id !== NO_PARENT; id = this.#parents[id] ?? NO_PARENT) if (id === ancestor) return true;
    return false;
  }
}

export function groupOf(document: RegisterDocument): StorageGroupRecord {
  const group = member(document.storageGroups, GROUP);
  assert(group !== undefined, 'The storage group stays in the register');
  return group;
}
