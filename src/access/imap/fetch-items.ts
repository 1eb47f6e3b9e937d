/** What FETCH can be asked for (RFC 3501 6.4.5), read into values. */
import { MAX_PART_DEPTH } from '../../mail/limits.ts';
import type { SectionText } from '../../mail/section.ts';
import type { ArgumentReader } from './wire/arguments.ts';
import { astring, list } from './wire/print.ts';
import { SyntaxFault } from './wire/token.ts';

export type FetchItem =
  | { readonly kind: 'uid' | 'flags' | 'internalDate' | 'size' | 'envelope' | 'body' | 'bodyStructure' }
  | SectionItem;

export interface SectionItem {
  readonly kind: 'section';
  /** How the response calls it. */
  readonly label: string;
  readonly path: readonly number[];
  readonly text: SectionText;
  /** Only these fields of the header, or all but these. */
  readonly fields: HeaderFields | undefined;
  readonly partial: { readonly offset: number; readonly length: number } | undefined;
  /** Reading it does not set \Seen. */
  readonly peek: boolean;
}

export interface HeaderFields {
  readonly lowerNames: ReadonlySet<string>;
  readonly not: boolean;
}

const whole = { kind: 'section', path: [], fields: undefined, partial: undefined } as const;

const simpleItems = new Map<string, FetchItem>([
  ['UID', { kind: 'uid' }],
  ['FLAGS', { kind: 'flags' }],
  ['INTERNALDATE', { kind: 'internalDate' }],
  ['RFC822.SIZE', { kind: 'size' }],
  ['ENVELOPE', { kind: 'envelope' }],
  ['BODY', { kind: 'body' }],
  ['BODYSTRUCTURE', { kind: 'bodyStructure' }],
  ['RFC822', { ...whole, label: 'RFC822', text: 'body', peek: false }],
  ['RFC822.HEADER', { ...whole, label: 'RFC822.HEADER', text: 'header', peek: true }],
  ['RFC822.TEXT', { ...whole, label: 'RFC822.TEXT', text: 'text', peek: false }],
]);

const FAST = ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE'];
const macros = new Map<string, readonly string[]>([
  ['FAST', FAST],
  ['ALL', [...FAST, 'ENVELOPE']],
  ['FULL', [...FAST, 'ENVELOPE', 'BODY']],
]);

/** Parts nest in messages that nest in parts: two numbers a level at most. */
const MAX_PATH = 2 * MAX_PART_DEPTH;
const SECTION = /^BODY(\.PEEK)?\[([^\]]*)(\].*)?$/i;
const SECTION_END = /^\](?:<(\d{1,10})\.(\d{1,10})>)?$/;
const SECTION_TEXT = /^((?:[1-9]\d{0,9}(?:\.|$))*)(HEADER(?:\.FIELDS(?:\.NOT)?)?|TEXT|MIME)?$/i;

/** A macro, one item, or a list; each item once. */
export function readFetchItems(args: ArgumentReader, maxItems: number): readonly FetchItem[] {
  const macro = macros.get(args.peekAtom() ?? '');
  if (macro !== undefined) {
    args.word();
    return macro.flatMap((name) => simpleItems.get(name) ?? []);
  }
  const items = args.peekKind() === 'open' ? args.list(() => readItem(args)) : [readItem(args)];
  if (items.length === 0 || items.length > maxItems) throw new SyntaxFault('Wrong number of items');
  return [...new Map(items.map((item) => [item.kind === 'section' ? item.label : item.kind, item])).values()];
}

function readItem(args: ArgumentReader): FetchItem {
  const word = args.word();
  const simple = simpleItems.get(word.toUpperCase());
  if (simple !== undefined) return simple;
  const match = SECTION.exec(word);
  if (match === null) throw new SyntaxFault('Unknown item to fetch');
  const [, peek, spec = '', end] = match;
  return readSection(args, { peek: peek !== undefined, spec, end });
}

interface SectionParts {
  readonly peek: boolean;
  readonly spec: string;
  /** Undefined when a list of fields follows. */
  readonly end: string | undefined;
}

function readSection(args: ArgumentReader, { peek, spec, end }: SectionParts): SectionItem {
  const match = SECTION_TEXT.exec(spec);
  const name = match?.[2]?.toUpperCase() ?? '';
  const numbers = match?.[1] ?? '';
  const path = numbers.split('.').filter(Boolean).map(Number);
  // A dot stands between number and text, and nowhere else.
  const isDotted = numbers === '' || numbers.endsWith('.') === (name !== '');
  if (match === null || !isDotted || path.length > MAX_PATH) throw new SyntaxFault('Wrong section');
  if (name === 'MIME' && path.length === 0) throw new SyntaxFault('MIME needs a part');
  const hasFields = name.startsWith('HEADER.FIELDS');
  if (hasFields === (end !== undefined)) throw new SyntaxFault('Wrong section');
  const names = hasFields ? readFieldNames(args) : [];
  const partial = readPartial(end ?? args.attachedWord());
  const fields = hasFields
    ? { lowerNames: new Set(names.map((field) => field.toLowerCase())), not: name.endsWith('.NOT') }
    : undefined;
  const inside = hasFields ? `${spec.toUpperCase()} ${list(names.map(astring))}` : spec.toUpperCase();
  const label = `BODY[${inside}]${partial === undefined ? '' : `<${partial.offset}>`}`;
  return { kind: 'section', label, path, text: sectionText(name), fields, partial, peek };
}

function sectionText(name: string): SectionText {
  if (name === '') return 'body';
  if (name === 'TEXT') return 'text';
  return name === 'MIME' ? 'mime' : 'header';
}

function readFieldNames(args: ArgumentReader): string[] {
  const names = args.list(() => args.astring());
  // RFC 5322 3.6.8, which also keeps what we repeat to the client on one line.
  if (names.length === 0 || !names.every((name) => /^[\x21-\x39\x3b-\x7e]+$/.test(name))) {
    throw new SyntaxFault('Wrong names of fields');
  }
  return names;
}

function readPartial(end: string): { offset: number; length: number } | undefined {
  const match = SECTION_END.exec(end);
  if (match === null) throw new SyntaxFault('Wrong section');
  if (match[1] === undefined || match[2] === undefined) return undefined;
  const partial = { offset: Number(match[1]), length: Number(match[2]) };
  if (partial.length === 0) throw new SyntaxFault('An empty part');
  return partial;
}
