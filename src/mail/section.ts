/**
 * IMAP's section numbers (RFC 3501 6.4.5) on a message's structure: which part `1.2` is, and which bytes `1.2.HEADER`,
 * `1.2.MIME` and `TEXT` are.
 */
import type { MessageStructure, Part } from './mime.ts';

/** `body`: BODY[1.2] · `mime`: BODY[1.2.MIME] · `header`, `text`: of the message that the path names, or the outermost. */
export type SectionText = 'body' | 'mime' | 'header' | 'text';

export interface ByteRange {
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
}

/** The part at `path`, the message itself for []. A message that is no multipart is its own part 1. */
export function findSection(structure: MessageStructure, path: readonly number[]): Part | undefined {
  let part = structure.root;
  // The numbers count inside this: a multipart or the only part of a message.
  let scope: Part | undefined = structure.root;
  for (const number of path) {
    if (scope === undefined) return undefined;
    const next: Part | undefined =
      scope.type === 'multipart' ? scope.children[number - 1] : number === 1 ? scope : undefined;
    if (next === undefined) return undefined;
    part = next;
    scope = part.message?.root ?? (part.type === 'multipart' ? part : undefined);
  }
  return part;
}

/** The bytes of a section; undefined when there is no such section. */
export function sectionRange(
  structure: MessageStructure,
  path: readonly number[],
  text: SectionText,
): ByteRange | undefined {
  const part = findSection(structure, path);
  if (part === undefined) return undefined;
  if (path.length === 0) return wholeMessageRange(part, text);
  if (text === 'body') return { start: part.bodyStart, end: part.bodyEnd };
  if (text === 'mime') return { start: part.headerStart, end: part.headerEnd };
  const message = part.message?.root;
  if (message === undefined) return undefined;
  return text === 'header'
    ? { start: message.headerStart, end: message.headerEnd }
    : { start: message.bodyStart, end: message.bodyEnd };
}

function wholeMessageRange(root: Part, text: SectionText): ByteRange | undefined {
  if (text === 'body') return { start: root.headerStart, end: root.bodyEnd };
  if (text === 'header') return { start: root.headerStart, end: root.headerEnd };
  // MIME needs a part number (RFC 3501 9, section-text).
  return text === 'text' ? { start: root.bodyStart, end: root.bodyEnd } : undefined;
}
