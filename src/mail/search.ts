/**
 * SEARCH as data (RFC 3501 6.4.4, RFC 7162 for MODSEQ): what the parser makes, what JMAP's filters are turned into, and
 * what one message is held against. Texts compare as search-fold.ts folds them, on decoded text. Whatever needs the
 * message's bytes is asked for last, lazily, through `header` and `text`.
 */
import { unreachable } from '../base/assert.ts';
import type { DecodedField } from './decoded-text.ts';
import { FLAG_ANSWERED, FLAG_DELETED, FLAG_DRAFT, FLAG_FLAGGED, FLAG_SEEN, hasKeyword } from './flags.ts';
import { parseMessageDay, startOfDayMs } from './internal-date.ts';
import { MAX_SEARCH_DEPTH } from './limits.ts';
import { foldForSearch } from './search-fold.ts';
import type { UidSet } from './uid-set.ts';

/** What the flags alone tell. */
export type StateKey = 'all' | 'answered' | 'deleted' | 'draft' | 'flagged' | 'seen' | 'recent' | 'new' | 'old';

/** What an index of words may know. */
export type TextKey =
  | { readonly key: 'bcc' | 'cc' | 'from' | 'to' | 'subject' | 'body' | 'text'; readonly text: string }
  /** Any field called `name` (any case) that contains `text`; with '' the field need only be there. */
  | { readonly key: 'header'; readonly name: string; readonly text: string };

/** Dates are the start of the day in UTC. UN… keys are `not` of their opposites; NEW is `recent` and not seen. */
export type SearchKey =
  | TextKey
  | { readonly key: StateKey }
  | { readonly key: 'keyword'; readonly keyword: string }
  | { readonly key: 'before' | 'on' | 'since' | 'sentbefore' | 'senton' | 'sentsince'; readonly dayMs: number }
  | { readonly key: 'larger' | 'smaller'; readonly sizeBytes: number }
  /** `*` was resolved by whoever knows the folder. */
  | { readonly key: 'uid' | 'sequence'; readonly set: UidSet }
  /** Changed at or after. */
  | { readonly key: 'modseq'; readonly modseq: number }
  | { readonly key: 'not'; readonly child: SearchKey }
  | { readonly key: 'or' | 'and'; readonly children: readonly SearchKey[] };

export interface SearchableMessage {
  readonly uid: number;
  readonly sequence: number;
  /** Bits of flags.ts. */
  readonly flags: number;
  readonly keywords: readonly string[];
  readonly recent: boolean;
  readonly internalDateMs: number;
  readonly sizeBytes: number;
  readonly modseq: number;
  /** decodedHeader of decoded-text.ts. Called only when a key needs it; the message may keep the result. */
  header(): readonly DecodedField[];
  /** decodedText of decoded-text.ts. */
  text(): string;
  /** The first Subject field, decoded, or its beginning, where that is cheaper to have than the header. */
  subject?(): string;
  /** What an index says about this message and `key`; undefined: it does not know. */
  indexed?(key: TextKey): boolean | undefined;
}

/** Levels of `not`, `or` and `and` in `key`, counted without recursion: a parser refuses what is above its limit. */
export function searchDepth(key: SearchKey): number {
  let depth = 0;
  for (let level: SearchKey[] = [key]; level.length > 0; depth++) {
    level = level.flatMap((one) => ('child' in one ? [one.child] : 'children' in one ? [...one.children] : []));
    if (depth > MAX_SEARCH_DEPTH) return depth;
  }
  return depth;
}

/** Whether the key needs the bytes of messages, so that a caller can slice its work accordingly. */
export function needsContent(key: SearchKey): boolean {
  if ('child' in key) return needsContent(key.child);
  if ('children' in key) return key.children.some(needsContent);
  return 'text' in key || key.key.startsWith('sent');
}

/** The texts in `key`, wherever they stand. */
export function textKeys(key: SearchKey): TextKey[] {
  if ('child' in key) return textKeys(key.child);
  if ('children' in key) return key.children.flatMap(textKeys);
  return 'text' in key ? [key] : [];
}

/** `key` is at most MAX_SEARCH_DEPTH deep. */
export function matches(key: SearchKey, message: SearchableMessage): boolean {
  return ('text' in key ? message.indexed?.(key) : undefined) ?? holds(key, message);
}

function holds(key: SearchKey, message: SearchableMessage): boolean {
  switch (key.key) {
    case 'not':
      return !matches(key.child, message);
    case 'and':
      return cheapestFirst(key.children).every((child) => matches(child, message));
    case 'or':
      return cheapestFirst(key.children).some((child) => matches(child, message));
    case 'keyword':
      return hasKeyword(message.keywords, key.keyword);
    case 'larger':
      return message.sizeBytes > key.sizeBytes;
    case 'smaller':
      return message.sizeBytes < key.sizeBytes;
    case 'uid':
      return key.set.has(message.uid);
    case 'sequence':
      return key.set.has(message.sequence);
    case 'modseq':
      return message.modseq >= key.modseq;
    case 'header':
      return fieldContains(message, key.name.toLowerCase(), key.text);
    case 'bcc':
    case 'cc':
    case 'from':
    case 'to':
      return fieldContains(message, key.key, key.text);
    case 'subject':
      return contains(message.subject?.() ?? '', key.text) || fieldContains(message, key.key, key.text);
    case 'body':
      return contains(message.text(), key.text);
    case 'text':
      return (
        message.header().some((field) => contains(`${field.lowerName}: ${field.value}`, key.text)) ||
        contains(message.text(), key.text)
      );
    case 'before':
    case 'on':
    case 'since':
      return compareDay(key.key, startOfDayMs(message.internalDateMs), key.dayMs);
    case 'sentbefore':
    case 'senton':
    case 'sentsince':
      return compareDay(key.key.slice('sent'.length), sentDayMs(message), key.dayMs);
    default:
      return matchesState(key.key, message);
  }
}

function matchesState(key: StateKey, message: SearchableMessage): boolean {
  const has = (bit: number) => (message.flags & bit) !== 0;
  switch (key) {
    case 'all':
      return true;
    case 'answered':
      return has(FLAG_ANSWERED);
    case 'deleted':
      return has(FLAG_DELETED);
    case 'draft':
      return has(FLAG_DRAFT);
    case 'flagged':
      return has(FLAG_FLAGGED);
    case 'seen':
      return has(FLAG_SEEN);
    case 'recent':
      return message.recent;
    case 'new':
      return message.recent && !has(FLAG_SEEN);
    case 'old':
      return !message.recent;
    default:
      return unreachable(key);
  }
}

/** What can be told from the row alone comes before what needs the message. */
function cheapestFirst(keys: readonly SearchKey[]): readonly SearchKey[] {
  const content = keys.filter(needsContent);
  return content.length === 0 || content.length === keys.length
    ? keys
    : [...keys.filter((key) => !needsContent(key)), ...content];
}

function compareDay(relation: string, dayMs: number | undefined, wantedMs: number): boolean {
  if (dayMs === undefined) return false;
  if (relation === 'before') return dayMs < wantedMs;
  return relation === 'on' ? dayMs === wantedMs : dayMs >= wantedMs;
}

/** A message without a readable Date field was sent when it came in, as far as anybody knows. */
function sentDayMs(message: SearchableMessage): number {
  const date = message.header().find((field) => field.lowerName === 'date');
  return (date && parseMessageDay(date.value)) ?? startOfDayMs(message.internalDateMs);
}

function fieldContains(message: SearchableMessage, lowerName: string, text: string): boolean {
  return message.header().some((field) => field.lowerName === lowerName && contains(field.value, text));
}

function contains(text: string, wanted: string): boolean {
  return foldForSearch(text).includes(foldForSearch(wanted));
}
