/**
 * LIST's wildcards (RFC 3501 6.3.8): `*` stands for anything, `%` for anything within one level. The pattern comes from a
 * client and meets every folder, so there is no backtracking at all: all positions that the pattern may stand at are
 * one set of bits, and each character of the name moves the whole set (Baeza-Yates and Gonnet's Shift-And, with loops
 * for the wildcards). A name costs its length times a 32nd of the pattern's length, whatever the two are.
 */
import { MAX_MAILBOX_NAME_BYTES } from './limits.ts';
import { HIERARCHY_SEPARATOR, INBOX } from './mailbox-name.ts';

/** Whether LIST with `pattern` (reference and pattern already joined) shows `name`. */
export function matchesListPattern(name: string, pattern: string): boolean {
  return compileListPattern(pattern)(name);
}

/** The same for many names. */
export function compileListPattern(pattern: string): (name: string) => boolean {
  const { literals, wildcards } = splitPattern(pattern);
  // Each literal needs a character of the name, and no name is that long.
  if (literals.length > MAX_MAILBOX_NAME_BYTES) return () => false;
  const machine = new PatternMachine(literals, wildcards);
  return (name) => machine.matches(name);
}

type Wildcard = '' | '%' | '*';

/** `wildcards[i]` stands before `literals[i]`, the last one at the end. Of several in a row the strongest counts. */
function splitPattern(pattern: string): { literals: string[]; wildcards: Wildcard[] } {
  const literals: string[] = [];
  const wildcards: Wildcard[] = [''];
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern.charAt(index);
    if (character === '*') wildcards[literals.length] = '*';
    else if (character === '%') wildcards[literals.length] ||= '%';
    else {
      literals.push(character);
      wildcards.push('');
    }
  }
  return { literals, wildcards };
}

class PatternMachine {
  readonly #words: number;
  /** By character: the positions that it is the literal of. */
  readonly #literals = new Map<string, Uint32Array>();
  /** Positions with `*`, which any character may stay at. */
  readonly #anything: Uint32Array;
  /** Positions with `*` or `%`, which any character but the separator may stay at. */
  readonly #withinLevel: Uint32Array;
  readonly #end: number;

  constructor(literals: readonly string[], wildcards: readonly Wildcard[]) {
    this.#end = literals.length;
    this.#words = (literals.length >>> 5) + 1;
    this.#anything = new Uint32Array(this.#words);
    this.#withinLevel = new Uint32Array(this.#words);
    for (const [index, character] of literals.entries()) {
      const positions = this.#literals.get(character) ?? new Uint32Array(this.#words);
      setBit(positions, index);
      this.#literals.set(character, positions);
    }
    for (const [index, wildcard] of wildcards.entries()) {
      if (wildcard === '*') setBit(this.#anything, index);
      if (wildcard !== '') setBit(this.#withinLevel, index);
    }
  }

  matches(name: string): boolean {
    const states = new Uint32Array(this.#words);
    states[0] = 1;
    const inboxEnd = name === INBOX || name.startsWith(`${INBOX}${HIERARCHY_SEPARATOR}`) ? INBOX.length : 0;
    for (let index = 0; index < name.length; index++) {
      const character = name.charAt(index);
      const stay = character === HIERARCHY_SEPARATOR ? this.#anything : this.#withinLevel;
      const otherCase = index < inboxEnd ? this.#literals.get(character.toLowerCase()) : undefined;
      advance(states, stay, this.#literals.get(character), otherCase);
    }
    return ((states[this.#end >>> 5] as number) & (1 << (this.#end & 31))) !== 0;
  }
}

function advance(states: Uint32Array, stay: Uint32Array, literal?: Uint32Array, otherCase?: Uint32Array): void {
  let carry = 0;
  for (let word = 0; word < states.length; word++) {
    const state = states[word] as number;
    const moving = state & ((literal?.[word] ?? 0) | (otherCase?.[word] ?? 0));
    states[word] = (moving << 1) | carry | (state & (stay[word] as number));
    carry = moving >>> 31;
  }
}

function setBit(bits: Uint32Array, index: number): void {
  bits[index >>> 5] = (bits[index >>> 5] as number) | (1 << (index & 31));
}
