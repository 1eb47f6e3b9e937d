/**
 * The words that a command line is cut into. They are flat: a list is its two parentheses, so no depth of nesting can
 * make anything recursive.
 *
 * An atom here is wider than RFC 3501's: it takes in every printable character that cannot start something else
 * (`\Seen`, `1:*`, `%`, `BODY[1.2]<0.10>`). Who reads the arguments knows which of these a place allows.
 */
export type Token =
  | { readonly kind: 'atom'; readonly text: string; readonly spaced: boolean }
  | { readonly kind: 'string'; readonly form: StringForm; readonly bytes: Buffer; readonly spaced: boolean }
  | { readonly kind: 'open'; readonly spaced: boolean }
  | { readonly kind: 'close'; readonly spaced: boolean };

export type StringForm = 'quoted' | 'literal' | 'literal8';

/** A literal as it is announced at the end of a line (RFC 3501 4.3, RFC 7888, RFC 3516). */
export interface LiteralAnnouncement {
  readonly sizeBytes: number;
  /** The client waits for our `+`. */
  readonly synchronising: boolean;
  readonly form: 'literal' | 'literal8';
  readonly spaced: boolean;
}

export interface Command {
  readonly tag: string;
  /** Upper case. */
  readonly name: string;
  readonly arguments: readonly Token[];
}

/** What the client said is not IMAP; becomes `BAD`. The text never holds the client's own bytes. */
export class SyntaxFault extends Error {
  override name = 'SyntaxFault';
}
