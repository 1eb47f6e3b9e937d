/** Quoted strings of header fields (RFC 5322 section 3.2.4), as real mail has them: some never end. */

export interface QuotedString {
  readonly value: string;
  /** Behind the closing quote, or the text's end where there is none. */
  readonly end: number;
}

/** Reads the quoted string whose opening quote is at `start`, in time linear in its length. */
export function readQuotedString(text: string, start: number): QuotedString {
  let value = '';
  let runStart = start + 1;
  for (let index = runStart; ; index++) {
    const character = text.charAt(index);
    if (character !== '' && character !== '"' && character !== '\\') continue;
    value += text.slice(runStart, index);
    if (character !== '\\') return { value, end: Math.min(index + 1, text.length) };
    // The escaped character starts the next run; a backslash at the very end escapes nothing.
    index += 1;
    runStart = index;
  }
}
