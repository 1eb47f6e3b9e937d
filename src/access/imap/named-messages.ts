/**
 * Criteria of SEARCH that name messages: sets of UIDs and of sequence numbers, and ALL. Only the messages that they name
 * are looked at, and when there are no other criteria not even those.
 */
import type { SearchKey } from '../../mail/search.ts';
import { UidSet } from '../../mail/uid-set.ts';

export interface NamedMessages {
  /** Ascending. No others can match. */
  readonly uids: ArrayLike<number>;
  /** They all match. */
  readonly isAnswer: boolean;
}

/** `view`: the UIDs of the folder as the session knows it. Calls itself at most as deep as the key is. */
export function namedMessages(key: SearchKey, view: Uint32Array, among: ArrayLike<number> = view): NamedMessages {
  switch (key.key) {
    case 'all':
      return { uids: among, isAnswer: true };
    case 'uid':
      return { uids: key.set.select(among), isAnswer: true };
    case 'sequence':
      return { uids: uidsOf(key.set, view).select(among), isAnswer: true };
    case 'and':
      return key.children.reduce<NamedMessages>(
        ({ uids, isAnswer }, child) => {
          const named = namedMessages(child, view, uids);
          return { uids: named.uids, isAnswer: isAnswer && named.isAnswer };
        },
        { uids: among, isAnswer: true },
      );
    default:
      return { uids: among, isAnswer: false };
  }
}

function uidsOf(sequences: UidSet, view: Uint32Array): UidSet {
  const ranges = sequences.ranges().flatMap(({ first, last }) => {
    const firstUid = view[first - 1];
    const lastUid = view[Math.min(last, view.length) - 1];
    return firstUid === undefined || lastUid === undefined ? [] : [{ first: firstUid, last: lastUid }];
  });
  return UidSet.fromRanges(ranges);
}
