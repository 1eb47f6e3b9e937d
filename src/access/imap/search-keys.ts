/**
 * SEARCH's criteria (RFC 3501 6.4.4) into mail/search.ts's terms. `*` and sequence numbers mean something only in the
 * folder that is selected when the command runs, so what is read here is a function of that folder.
 *
 * The reader calls itself for NOT, OR and parentheses, at most as deep as mail/limits.ts allows.
 */
import { isKeyword } from '../../mail/flags.ts';
import { parseSearchDate } from '../../mail/internal-date.ts';
import { MAX_SEARCH_DEPTH } from '../../mail/limits.ts';
import type { SearchKey, StateKey } from '../../mail/search.ts';
import { parseSequenceSet, resolve } from '../../mail/uid-set.ts';
import type { SelectedFolder } from './selected-folder.ts';
import type { ArgumentReader } from './wire/arguments.ts';
import { SyntaxFault } from './wire/token.ts';

export type PendingKey = (folder: SelectedFolder) => SearchKey;

/** All criteria up to the end of the command; all must hold. */
export function readSearchKeys(args: ArgumentReader): PendingKey {
  const keys: PendingKey[] = [];
  do keys.push(readKey(args, 1));
  while (!args.atEnd);
  return all(keys);
}

function all(keys: readonly PendingKey[]): PendingKey {
  const [only] = keys;
  if (only !== undefined && keys.length === 1) return only;
  return (folder) => ({ key: 'and', children: keys.map((key) => key(folder)) });
}

function not(key: PendingKey): PendingKey {
  return (folder) => ({ key: 'not', child: key(folder) });
}

function state(key: StateKey): PendingKey {
  return () => ({ key });
}

function readKey(args: ArgumentReader, depth: number): PendingKey {
  // Each level here is one of the key's; the `and` of the whole and a NOT of an UN... key need two more.
  if (depth > MAX_SEARCH_DEPTH - 2) throw new SyntaxFault('Too deeply nested');
  if (args.peekKind() === 'open') return readGroup(args, depth);
  const word = args.word();
  const reader = readers.get(word.toUpperCase());
  if (reader !== undefined) return reader(args, depth);
  const ranges = parseSequenceSet(word);
  if (ranges === undefined) throw new SyntaxFault('Unknown search key');
  return ({ uids }) => ({ key: 'sequence', set: resolve(ranges, uids.length) });
}

function readGroup(args: ArgumentReader, depth: number): PendingKey {
  const keys = args.list(() => readKey(args, depth + 1));
  if (keys.length === 0) throw new SyntaxFault('An empty group');
  return all(keys);
}

type KeyReader = (args: ArgumentReader, depth: number) => PendingKey;

const states: readonly StateKey[] = ['all', 'answered', 'deleted', 'draft', 'flagged', 'seen', 'recent', 'new', 'old'];
const negatable: readonly StateKey[] = ['answered', 'deleted', 'draft', 'flagged', 'seen'];
const texts = ['bcc', 'body', 'cc', 'from', 'subject', 'text', 'to'] as const;
const dates = ['before', 'on', 'since', 'sentbefore', 'senton', 'sentsince'] as const;
const sizes = ['larger', 'smaller'] as const;

const readers = new Map<string, KeyReader>([
  ...states.map((key): [string, KeyReader] => [key.toUpperCase(), () => state(key)]),
  ...negatable.map((key): [string, KeyReader] => [`UN${key.toUpperCase()}`, () => not(state(key))]),
  ...texts.map((key): [string, KeyReader] => [key.toUpperCase(), readText(key)]),
  ...dates.map((key): [string, KeyReader] => [key.toUpperCase(), readDate(key)]),
  ...sizes.map((key): [string, KeyReader] => [key.toUpperCase(), readSize(key)]),
  ['KEYWORD', readKeyword],
  ['UNKEYWORD', (args) => not(readKeyword(args))],
  ['HEADER', readHeader],
  ['UID', readUids],
  ['NOT', (args, depth) => not(readKey(args, depth + 1))],
  ['OR', readOr],
]);

function readText(key: (typeof texts)[number]): KeyReader {
  return (args) => {
    const text = args.astring();
    return () => ({ key, text });
  };
}

function readDate(key: (typeof dates)[number]): KeyReader {
  return (args) => {
    const dayMs = parseSearchDate(args.astring());
    if (dayMs === undefined) throw new SyntaxFault('Not a date');
    return () => ({ key, dayMs });
  };
}

function readSize(key: (typeof sizes)[number]): KeyReader {
  return (args) => {
    const sizeBytes = args.number();
    return () => ({ key, sizeBytes });
  };
}

function readKeyword(args: ArgumentReader): PendingKey {
  const keyword = args.word();
  if (!isKeyword(keyword)) throw new SyntaxFault('Not a keyword');
  return () => ({ key: 'keyword', keyword });
}

function readHeader(args: ArgumentReader): PendingKey {
  const name = args.astring();
  const text = args.astring();
  return () => ({ key: 'header', name, text });
}

function readUids(args: ArgumentReader): PendingKey {
  const ranges = parseSequenceSet(args.word());
  if (ranges === undefined) throw new SyntaxFault('Not a set of messages');
  return ({ uids }) => ({ key: 'uid', set: resolve(ranges, uids.at(-1) ?? 0) });
}

function readOr(args: ArgumentReader, depth: number): PendingKey {
  const one = readKey(args, depth + 1);
  const other = readKey(args, depth + 1);
  return (folder) => ({ key: 'or', children: [one(folder), other(folder)] });
}
