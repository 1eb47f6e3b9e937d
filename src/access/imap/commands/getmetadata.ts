/** GETMETADATA (RFC 5464 4.2), with MAXSIZE and DEPTH. Entries that are not there are not told. */
import type { Annotation } from '../../../store/mailbox-keeping.ts';
import type { SessionLimits } from '../../limits.ts';
import { type Completion, defineCommand, type SessionContext } from '../command.ts';
import { printFolderName, readFolderName } from '../folder-name.ts';
import { annotationsAt, placeOf, readEntry } from '../metadata-entries.ts';
import type { Output } from '../output.ts';
import type { ArgumentReader } from '../wire/arguments.ts';
import { astring, string } from '../wire/print.ts';
import { SyntaxFault } from '../wire/token.ts';

interface MetadataQuestion {
  readonly name: string;
  readonly entries: readonly string[];
  readonly maxSizeBytes: number;
  readonly depth: number;
}

const depths = new Map([
  ['0', 0],
  ['1', 1],
  ['INFINITY', Number.POSITIVE_INFINITY],
]);

const PRINTABLE = /^[\x20-\x7e]*$/;

/** RFC 5464 has the options first, and its own example behind the name: both are understood. */
function parse(args: ArgumentReader, limits: SessionLimits): MetadataQuestion {
  const before = args.peekKind() === 'open' ? readOptions(args) : {};
  const name = readFolderName(args);
  const isList = args.peekKind() === 'open';
  const entries = isList ? args.list(() => readEntry(args, limits)) : [readEntry(args, limits)];
  if (entries.length === 0 || entries.length > limits.metadataEntries) throw new SyntaxFault('Wrong entries');
  return { name, entries, maxSizeBytes: Number.POSITIVE_INFINITY, depth: 0, ...before };
}

function readOptions(args: ArgumentReader): Partial<MetadataQuestion> {
  let options: Partial<MetadataQuestion> = {};
  args.list(() => {
    const option = args.keyword();
    if (option === 'MAXSIZE') options = { ...options, maxSizeBytes: args.number() };
    else if (option === 'DEPTH') options = { ...options, depth: readDepth(args) };
    else throw new SyntaxFault('Unknown option');
  });
  return options;
}

function readDepth(args: ArgumentReader): number {
  const depth = depths.get(args.keyword());
  if (depth === undefined) throw new SyntaxFault('DEPTH is 0, 1 or infinity');
  return depth;
}

function run(session: SessionContext, question: MetadataQuestion): Completion {
  const { name, entries, maxSizeBytes } = question;
  placeOf(session, name, 'shared'); // so that a folder that is not there is refused, whatever is asked
  const asked = annotationsAt(session, name, entries).filter((annotation) => isAsked(annotation.name, question));
  const told = asked.filter(({ value }) => value.length <= maxSizeBytes);
  if (told.length > 0) print(session.out, name, told);
  const longest = Math.max(
    0,
    ...asked.filter(({ value }) => value.length > maxSizeBytes).map(({ value }) => value.length),
  );
  return longest > 0 ? { code: `METADATA LONGENTRIES ${longest}` } : {};
}

function isAsked(name: string, { entries, depth }: MetadataQuestion): boolean {
  return entries.some((entry) => {
    if (name === entry) return true;
    if (!name.startsWith(`${entry}/`)) return false;
    return name.slice(entry.length + 1).split('/').length <= depth;
  });
}

function print(out: Output, name: string, annotations: readonly Annotation[]): void {
  out.text(`* METADATA ${name === '' ? '""' : printFolderName(name)} (`);
  for (const [index, { name: entry, value }] of annotations.entries()) {
    out.text(`${index === 0 ? '' : ' '}${astring(entry)} `);
    printValue(out, value);
  }
  out.text(')\r\n');
}

/** Bytes as they were given: only literal8 may hold NUL. */
function printValue(out: Output, value: Buffer): void {
  const text = value.toString('latin1');
  if (PRINTABLE.test(text)) {
    out.text(string(text));
    return;
  }
  out.text(`${value.includes(0) ? '~' : ''}{${value.length}}\r\n`);
  out.bytes(value);
}

export const getMetadata = defineCommand({ name: 'GETMETADATA', parse, run });
