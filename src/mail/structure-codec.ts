/**
 * A message's structure in bytes, as it stands in the transaction log and in the database: made once by whoever accepts
 * the message, so that neither replay nor FETCH ever parses MIME. Offsets are differences, common words are one byte.
 *
 * The decoder trusts nothing: counts and depths have the parser's own limits, and ranges must lie inside one another.
 * It works with a stack of its own, for the tree may be as deep as a message's author liked.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { Problem } from '../base/problem.ts';
import type { EnvelopeAddress } from './address-list.ts';
import type { Envelope } from './envelope.ts';
import { MAX_ADDRESSES, MAX_LANGUAGES, MAX_PARAMETERS, MAX_PART_DEPTH, MAX_PARTS } from './limits.ts';
import type { MessageStructure, Part } from './mime.ts';
import type { Disposition, Parameter } from './parameters.ts';

const VERSION = 1;

/** Never reorder, only append: the index is what is stored. */
const WORDS = [
  '',
  'text',
  'plain',
  'html',
  'multipart',
  'mixed',
  'alternative',
  'related',
  'signed',
  'report',
  'digest',
  'message',
  'rfc822',
  'delivery-status',
  'application',
  'octet-stream',
  'pdf',
  'image',
  'jpeg',
  'png',
  'gif',
  'audio',
  'video',
  'calendar',
  '7bit',
  '8bit',
  'quoted-printable',
  'base64',
  'binary',
  'charset',
  'us-ascii',
  'utf-8',
  'iso-8859-1',
  'windows-1252',
  'UTF-8',
  'US-ASCII',
  'ISO-8859-1',
  'boundary',
  'name',
  'name*',
  'filename',
  'filename*',
  'format',
  'flowed',
  'delsp',
  'yes',
  'type',
  'protocol',
  'micalg',
  'inline',
  'attachment',
  'size',
  'pgp-signature',
  'pkcs7-signature',
  'application/pgp-signature',
] as const;

const WORD_INDEX = new Map<string, number>(WORDS.map((word, index) => [word, index]));
/** Nullable strings and words: 0 is null, then the words, then a string with its length. */
const NULL_CODE = 0;
const FIRST_WORD_CODE = 1;
const STRING_CODE = 127;

const EMPTY_LIST = 0;
const SAME_AS_FROM = 1;
const LIST = 2;

export function encodeStructure(structure: MessageStructure): Buffer {
  const writer = new ByteWriter(512);
  writer.u8(VERSION);
  writeEnvelope(writer, structure.envelope);
  // Parts in the order of their headers; each says how many follow inside it.
  const pending: { part: Part; origin: number }[] = [{ part: structure.root, origin: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { part, origin } = next;
    writePart(writer, part, origin);
    if (part.message !== null) {
      writeEnvelope(writer, part.message.envelope);
      pending.push({ part: part.message.root, origin: part.bodyStart });
    }
    for (let index = part.children.length - 1; index >= 0; index--) {
      const before = part.children[index - 1];
      pending.push({ part: part.children[index] as Part, origin: before?.bodyEnd ?? part.bodyStart });
    }
  }
  return writer.finish();
}

/** Problem('Malformed') when `bytes` are no structure. */
export function decodeStructure(bytes: Uint8Array): MessageStructure {
  const reader = new ByteReader(bytes);
  const envelope = readHead(reader);
  const root = readTree(reader);
  reader.end();
  return { envelope, root };
}

/** Of the structure's beginning alone: what a list of messages needs of each. Problem('Malformed') */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  return readHead(new ByteReader(bytes));
}

function readHead(reader: ByteReader): Envelope {
  const version = reader.u8();
  if (version !== VERSION) throw malformed(`version ${version} is not known`);
  return readEnvelope(reader);
}

function writePart(writer: ByteWriter, part: Part, origin: number): void {
  writer.varint(part.headerStart - origin);
  writer.varint(part.headerEnd - part.headerStart);
  writer.varint(part.sizeBytes);
  writer.varint(part.lines);
  writer.varint(part.children.length * 2 + (part.message === null ? 0 : 1));
  writeText(writer, part.type);
  writeText(writer, part.subtype);
  writeParameters(writer, part.parameters);
  writeText(writer, part.encoding);
  writeText(writer, part.id);
  writeText(writer, part.description);
  writeText(writer, part.disposition?.type ?? null);
  if (part.disposition !== null) writeParameters(writer, part.disposition.parameters);
  writer.varint(part.languages.length);
  for (const language of part.languages) writeText(writer, language);
  writeText(writer, part.location);
  writeText(writer, part.md5);
}

type PartDraft = { -readonly [Key in keyof Part]: Part[Key] } & { children: Part[] };

interface OpenPart {
  readonly part: PartDraft;
  /** Of the message inside, when the part is a message/rfc822. */
  readonly envelope: Envelope | null;
  /** Parts that are still to come inside it. */
  missing: number;
  /** Where the next one may begin. */
  origin: number;
}

function readTree(reader: ByteReader): Part {
  const open: OpenPart[] = [];
  let root: Part | undefined;
  let count = 0;
  do {
    count += 1;
    if (count > MAX_PARTS) throw malformed(`more than ${MAX_PARTS} parts`);
    const parent = open.at(-1);
    const { part, inside, isMessage } = readPart(reader, parent);
    root ??= part;
    if (parent !== undefined) attach(parent, part);
    if (inside > 0) {
      if (open.length === MAX_PART_DEPTH) throw malformed(`more than ${MAX_PART_DEPTH} levels`);
      const envelope = isMessage ? readEnvelope(reader) : null;
      open.push({ part, envelope, missing: inside, origin: part.bodyStart });
    }
    while (open.at(-1)?.missing === 0) open.pop();
  } while (open.length > 0);
  return root;
}

function attach(parent: OpenPart, part: Part): void {
  parent.missing -= 1;
  parent.origin = part.bodyEnd;
  if (parent.envelope === null) parent.part.children.push(part);
  else parent.part.message = { envelope: parent.envelope, root: part };
}

function readPart(
  reader: ByteReader,
  parent: OpenPart | undefined,
): { part: PartDraft; inside: number; isMessage: boolean } {
  const headerStart = (parent?.origin ?? 0) + reader.varint();
  const headerEnd = headerStart + reader.varint();
  const sizeBytes = reader.varint();
  const bodyEnd = headerEnd + sizeBytes;
  if (bodyEnd > (parent?.part.bodyEnd ?? Number.MAX_SAFE_INTEGER)) throw malformed('a part ends behind its parent');
  const lines = reader.varint();
  const insides = reader.varint();
  const isMessage = insides === 1;
  if (insides % 2 === 1 && !isMessage) throw malformed('a part is both a multipart and a message');
  const part: PartDraft = {
    type: readWord(reader),
    subtype: readWord(reader),
    parameters: readParameters(reader),
    encoding: readWord(reader),
    id: readText(reader),
    description: readText(reader),
    disposition: readDisposition(reader),
    languages: readLanguages(reader),
    location: readText(reader),
    md5: readText(reader),
    headerStart,
    headerEnd,
    bodyStart: headerEnd,
    bodyEnd,
    sizeBytes,
    lines,
    children: [],
    message: null,
  };
  return { part, inside: isMessage ? 1 : insides / 2, isMessage };
}

function writeParameters(writer: ByteWriter, parameters: readonly Parameter[]): void {
  writer.varint(parameters.length);
  for (const { name, value } of parameters) {
    writeText(writer, name);
    writeText(writer, value);
  }
}

function readParameters(reader: ByteReader): Parameter[] {
  const count = reader.varint();
  if (count > MAX_PARAMETERS) throw malformed(`more than ${MAX_PARAMETERS} parameters`);
  const parameters: Parameter[] = [];
  for (let index = 0; index < count; index++) parameters.push({ name: readWord(reader), value: readWord(reader) });
  return parameters;
}

function readDisposition(reader: ByteReader): Disposition | null {
  const type = readText(reader);
  return type === null ? null : { type, parameters: readParameters(reader) };
}

function readLanguages(reader: ByteReader): string[] {
  const count = reader.varint();
  if (count > MAX_LANGUAGES) throw malformed(`more than ${MAX_LANGUAGES} languages`);
  const languages: string[] = [];
  for (let index = 0; index < count; index++) languages.push(readWord(reader));
  return languages;
}

function writeEnvelope(writer: ByteWriter, envelope: Envelope): void {
  writeText(writer, envelope.date);
  writeText(writer, envelope.subject);
  writeText(writer, envelope.inReplyTo);
  writeText(writer, envelope.messageId);
  writeAddresses(writer, envelope.from, []);
  writeAddresses(writer, envelope.sender, envelope.from);
  writeAddresses(writer, envelope.replyTo, envelope.from);
  writeAddresses(writer, envelope.to, []);
  writeAddresses(writer, envelope.cc, []);
  writeAddresses(writer, envelope.bcc, []);
}

function readEnvelope(reader: ByteReader): Envelope {
  const date = readText(reader);
  const subject = readText(reader);
  const inReplyTo = readText(reader);
  const messageId = readText(reader);
  const from = readAddresses(reader, []);
  const sender = readAddresses(reader, from);
  const replyTo = readAddresses(reader, from);
  const to = readAddresses(reader, []);
  const cc = readAddresses(reader, []);
  const bcc = readAddresses(reader, []);
  return { date, subject, from, sender, replyTo, to, cc, bcc, inReplyTo, messageId };
}

function writeAddresses(writer: ByteWriter, list: readonly EnvelopeAddress[], from: readonly EnvelopeAddress[]): void {
  if (list.length === 0) writer.u8(EMPTY_LIST);
  else if (list === from) writer.u8(SAME_AS_FROM);
  else {
    writer.varint(LIST + list.length);
    for (const { name, route, mailbox, host } of list) {
      writeText(writer, name);
      writeText(writer, route);
      writeText(writer, mailbox);
      writeText(writer, host);
    }
  }
}

function readAddresses(reader: ByteReader, from: readonly EnvelopeAddress[]): readonly EnvelopeAddress[] {
  const code = reader.varint();
  if (code === EMPTY_LIST) return [];
  if (code === SAME_AS_FROM) return from;
  const count = code - LIST;
  if (count > MAX_ADDRESSES) throw malformed(`more than ${MAX_ADDRESSES} addresses`);
  const list: EnvelopeAddress[] = [];
  for (let index = 0; index < count; index++) {
    list.push({ name: readText(reader), route: readText(reader), mailbox: readText(reader), host: readText(reader) });
  }
  return list;
}

function writeText(writer: ByteWriter, text: string | null): void {
  if (text === null) {
    writer.u8(NULL_CODE);
    return;
  }
  const word = WORD_INDEX.get(text);
  if (word !== undefined) writer.u8(FIRST_WORD_CODE + word);
  else writer.u8(STRING_CODE).string(text);
}

function readText(reader: ByteReader): string | null {
  const code = reader.u8();
  if (code === NULL_CODE) return null;
  if (code === STRING_CODE) return reader.string();
  const word = WORDS[code - FIRST_WORD_CODE];
  if (word === undefined) throw malformed(`word ${code} is not known`);
  return word;
}

function readWord(reader: ByteReader): string {
  const text = readText(reader);
  if (text === null) throw malformed('a text is missing');
  return text;
}

function malformed(state: string): Problem {
  return new Problem('Malformed', `Cannot read a message structure: ${state}`);
}
