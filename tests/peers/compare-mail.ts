/** Whether what a client read back is what was sent: as sets with counts, for a client may give its files any order. */
import { sha256Of } from '../support/history.ts';
import { withLineEnds } from './sent-mail.ts';

/** What a client does to messages on their way to its own files. Nothing, if both are empty. */
export interface Habits {
  /** It stores lines with LF, as Maildir wants. */
  readonly storesLf: boolean;
  /** Header fields that it writes or rewrites for itself; lower case. */
  readonly ownFields: readonly string[];
}

export interface Comparison {
  readonly compared: number;
  /** Sent and not read, with the beginning of each; and read, but never sent like this. */
  readonly missing: readonly string[];
  readonly strange: readonly string[];
}

export function compareMail(sent: readonly Buffer[], read: readonly Buffer[], habits: Habits): Comparison {
  const left = new Map<string, string[]>();
  for (const message of sent) {
    const key = sha256Of(undo(message, habits));
    left.set(key, [...(left.get(key) ?? []), beginning(message)]);
  }
  const strange: string[] = [];
  for (const message of read) {
    if (left.get(sha256Of(undo(message, habits)))?.pop() === undefined) strange.push(beginning(message));
  }
  return { compared: read.length - strange.length, missing: [...left.values()].flat(), strange };
}

/** Both sides are treated alike, so a field that was sent and that the client replaced counts for neither. */
function undo(message: Buffer, { storesLf, ownFields }: Habits): Buffer {
  const lines = storesLf ? withLineEnds(message, '\n') : message;
  return ownFields.length === 0 ? lines : withoutFields(lines, ownFields);
}

/** `message` has LF line ends. */
function withoutFields(message: Buffer, names: readonly string[]): Buffer {
  const text = message.toString('latin1');
  const end = text.startsWith('\n') ? 0 : text.indexOf('\n\n') + 1;
  const header = end === 0 ? '' : text.slice(0, end);
  const fields = header.split(/(?<=\n)(?![ \t])/);
  const kept = fields.filter((field) => !names.includes(field.slice(0, field.indexOf(':')).toLowerCase()));
  return Buffer.from(`${kept.join('')}${text.slice(header.length)}`, 'latin1');
}

function beginning(message: Buffer): string {
  return JSON.stringify(message.toString('latin1', 0, 120));
}
