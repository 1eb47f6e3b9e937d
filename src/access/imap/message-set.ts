/** The messages that a command names, by sequence number or by UID, in the view that its session has. */
import { parseSequenceSet, resolve, type SequenceRange } from '../../mail/uid-set.ts';
import type { SelectedFolder } from './selected-folder.ts';
import type { ArgumentReader } from './wire/arguments.ts';
import { SyntaxFault } from './wire/token.ts';

export type Numbering = 'sequence' | 'uid';

export interface MessageSet {
  readonly numbering: Numbering;
  readonly ranges: readonly SequenceRange[];
}

export function readMessageSet(args: ArgumentReader, numbering: Numbering): MessageSet {
  const ranges = parseSequenceSet(args.word());
  if (ranges === undefined) throw new SyntaxFault('Not a set of messages');
  return { numbering, ranges };
}

/**
 * UIDs, ascending, of messages that the client knows. A UID that is not there means nothing; a sequence number that is
 * not there is a mistake (RFC 3501 9, seq-number), but `1:*` in an empty folder is too common to be one.
 */
export function resolveMessages(folder: SelectedFolder, set: MessageSet): readonly number[] {
  const { uids } = folder;
  if (set.numbering === 'uid') return resolve(set.ranges, uids.at(-1) ?? 0).select(uids);
  const asked = resolve(set.ranges, uids.length).ranges();
  if (uids.length > 0 && (asked.at(-1)?.last ?? 0) > uids.length) throw new SyntaxFault('No such message');
  return asked.flatMap(({ first, last }) => Array.from(uids.subarray(first - 1, last)));
}
