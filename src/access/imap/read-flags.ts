/** Flags as a client names them. \Recent and unknown names with a backslash cannot be set (RFC 3501 2.3.2). */
import { parseFlag } from '../../mail/flags.ts';
import { MAX_KEYWORDS } from '../../mail/limits.ts';
import type { ArgumentReader } from './wire/arguments.ts';
import { SyntaxFault } from './wire/token.ts';

export interface Flags {
  readonly flags: number;
  readonly keywords: readonly string[];
}

export function readFlagList(args: ArgumentReader): Flags {
  return combine(args.list(() => args.word()));
}

/** STORE also takes them without parentheses, up to its end. */
export function readFlags(args: ArgumentReader): Flags {
  if (args.peekKind() === 'open') return readFlagList(args);
  const words = [args.word()];
  while (!args.atEnd) words.push(args.word());
  return combine(words);
}

function combine(words: readonly string[]): Flags {
  let flags = 0;
  const keywords: string[] = [];
  for (const word of words) {
    const flag = parseFlag(word);
    if (flag === undefined) throw new SyntaxFault('Not a flag that can be set');
    if (flag.kind === 'system') flags |= flag.bit;
    else keywords.push(flag.keyword);
  }
  if (keywords.length > MAX_KEYWORDS) throw new SyntaxFault('Too many keywords');
  return { flags, keywords };
}
