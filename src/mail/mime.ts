/**
 * The MIME structure of a message as a tree of byte ranges. One scan from the first byte to the last: the parts that
 * are open stand on a stack, a line that starts with `--` is looked up among their boundaries, and whatever it ends is
 * closed. Nothing is copied or decoded, and no line is visited again, so a message costs time in proportion to its
 * length whatever its author intended.
 *
 * A delimiter is the whole line (RFC 2046 5.1.1 would accept any line that begins with it). So the boundaries b, bb
 * and bbb are never mistaken for one another and one map lookup decides; no known program writes anything but blanks
 * behind a boundary.
 */
import { present } from '../base/assert.ts';
import { type Envelope, readEnvelope } from './envelope.ts';
import { parseHeader } from './header.ts';
import { MAX_BOUNDARY_BYTES, MAX_PART_DEPTH, MAX_PARTS } from './limits.ts';
import { type ContentType, findParameter } from './parameters.ts';
import { EMBEDDED_MESSAGE, type PartFields, PLAIN_TEXT, readPartFields } from './part-fields.ts';

export interface MessageStructure {
  readonly envelope: Envelope;
  /** The message itself: its header is the message's header. */
  readonly root: Part;
}

/** Offsets count from the first byte of the outermost message. headerStart <= headerEnd = bodyStart <= bodyEnd. */
export interface Part extends PartFields {
  readonly headerStart: number;
  /** Behind the empty line, if there is one. */
  readonly headerEnd: number;
  readonly bodyStart: number;
  /** Before the line end that belongs to the delimiter behind the part. */
  readonly bodyEnd: number;
  /** Octets of the body, transfer encoding included. */
  readonly sizeBytes: number;
  /** Line ends in the body. */
  readonly lines: number;
  /** The parts of a multipart, at least one; otherwise empty. */
  readonly children: readonly Part[];
  /** The message in a message/rfc822, otherwise null. */
  readonly message: MessageStructure | null;
}

/** Never throws. Beyond 100 levels or 10,000 parts everything is application/octet-stream. */
export function parseMessage(bytes: Buffer): MessageStructure {
  return new StructureScanner(bytes).scan();
}

type PartDraft = { -readonly [Key in keyof Part]: Part[Key] } & { children: Part[] };

/** A part whose header was read and whose end was not. */
interface Frame {
  readonly part: PartDraft;
  /** While delimiters with it are looked for. */
  boundary: string | undefined;
  lineFeedsBeforeBody: number;
}

/** A part whose header is being read. */
interface Pending {
  readonly headerStart: number;
  /** The type of a part that states none. */
  readonly fallback: ContentType;
  /** Receives the part. */
  readonly attach: (part: Part, envelope: () => Envelope) => void;
}

interface Delimiter {
  readonly frame: Frame;
  readonly close: boolean;
  readonly lineStart: number;
  readonly lineEnd: number;
}

const LF = 0x0a;
const CR = 0x0d;
const DASH = 0x2d;

class StructureScanner {
  readonly #bytes: Buffer;
  #position = 0;
  /** Line ends before `#position`. */
  #lineFeeds = 0;
  #partCount = 0;
  readonly #frames: Frame[] = [];
  #pending: Pending | undefined;
  /** Open multiparts by boundary; of equal boundaries the innermost, which stands last, is meant. */
  readonly #boundaries = new Map<string, Frame[]>();
  #longestBoundary = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  scan(): MessageStructure {
    let structure: MessageStructure | undefined;
    this.#openMessage((message) => {
      structure = message;
    });
    for (;;) {
      const found = this.#scanLines();
      if (found === 'end') break;
      if (found === 'empty line') this.#finishHeader(this.#position);
      else this.#takeDelimiter(found);
    }
    this.#finishPending(this.#bytes.length);
    while (this.#frames.length > 0) this.#closePart(this.#bytes.length, this.#bytes.length);
    return present(structure, 'The scan ends with the root part attached');
  }

  /**
   * Moves to the next line that means something: a delimiter, or the empty line behind a header. Stops behind an empty
   * line and before a delimiter.
   */
  #scanLines(): Delimiter | 'empty line' | 'end' {
    const bytes = this.#bytes;
    const length = bytes.length;
    const inHeader = this.#pending !== undefined;
    const inMultipart = this.#boundaries.size > 0;
    let index = this.#position;
    while (index < length) {
      const first = bytes[index];
      if (inHeader && (first === LF || (first === CR && bytes[index + 1] === LF))) {
        this.#position = index + (first === LF ? 1 : 2);
        this.#lineFeeds += 1;
        return 'empty line';
      }
      if (inMultipart && first === DASH && bytes[index + 1] === DASH) {
        const delimiter = this.#delimiterAt(index);
        if (delimiter !== undefined) return delimiter;
      }
      while (index < length && bytes[index] !== LF) index += 1;
      if (index < length) this.#lineFeeds += 1;
      index += 1;
    }
    this.#position = length;
    return 'end';
  }

  #delimiterAt(lineStart: number): Delimiter | undefined {
    const bytes = this.#bytes;
    const lineFeed = bytes.indexOf(LF, lineStart);
    const lineEnd = lineFeed === -1 ? bytes.length : lineFeed + 1;
    let textEnd = lineEnd;
    while (textEnd > lineStart && (bytes[textEnd - 1] as number) <= 0x20) textEnd -= 1;
    const textStart = lineStart + 2;
    if (textEnd - textStart > this.#longestBoundary + 2) return undefined;
    const text = bytes.toString('latin1', textStart, textEnd);
    const open = this.#boundaries.get(text)?.at(-1);
    if (open !== undefined) return { frame: open, close: false, lineStart, lineEnd };
    if (!text.endsWith('--')) return undefined;
    const closed = this.#boundaries.get(text.slice(0, -2))?.at(-1);
    return closed && { frame: closed, close: true, lineStart, lineEnd };
  }

  #takeDelimiter(delimiter: Delimiter): void {
    const { frame, close, lineStart, lineEnd } = delimiter;
    this.#finishPending(lineStart);
    let contentEnd = lineStart;
    // The line end before a delimiter belongs to it. A delimiter at the very start of a message has none.
    if (contentEnd > 0) contentEnd -= this.#bytes[lineStart - 2] === CR ? 2 : 1;
    while (this.#frames.at(-1) !== frame) this.#closePart(contentEnd, lineStart);
    this.#position = lineEnd;
    if (this.#bytes[lineEnd - 1] === LF) this.#lineFeeds += 1;
    if (close) this.#forgetBoundary(frame);
    else this.#openChild(frame, lineEnd);
  }

  #openMessage(attach: (structure: MessageStructure) => void): void {
    this.#partCount += 1;
    this.#pending = {
      headerStart: this.#position,
      fallback: PLAIN_TEXT,
      attach: (root, envelope) => attach({ envelope: envelope(), root }),
    };
  }

  #openChild(frame: Frame, headerStart: number): void {
    const { children, subtype } = frame.part;
    // The first one was counted with its multipart.
    if (children.length > 0) this.#partCount += 1;
    // The last part that may be takes all that follows, so that every byte of the message is in the tree.
    if (this.#partCount === MAX_PARTS) this.#boundaries.clear();
    this.#pending = {
      headerStart,
      fallback: subtype === 'digest' ? EMBEDDED_MESSAGE : PLAIN_TEXT,
      attach: (part) => children.push(part),
    };
  }

  /** Ends a header that has no empty line behind it: a delimiter or the end of the message came first. */
  #finishPending(headerEnd: number): void {
    while (this.#pending !== undefined) this.#finishHeader(headerEnd);
  }

  #finishHeader(headerEnd: number): void {
    const { headerStart, fallback, attach } = present(this.#pending, 'A header is being read');
    this.#pending = undefined;
    const fields = parseHeader(this.#bytes, headerStart, headerEnd);
    const part = newPart(readPartFields(this.#bytes, fields, fallback), headerStart, headerEnd);
    const frame: Frame = { part, boundary: undefined, lineFeedsBeforeBody: this.#lineFeeds };
    this.#frames.push(frame);
    attach(part, () => readEnvelope(this.#bytes, fields));
    if (this.#partCount === MAX_PARTS) makeOpaque(part);
    else if (isContainer(part)) this.#enterContainer(frame);
  }

  #enterContainer(frame: Frame): void {
    const { part } = frame;
    // Two are needed: the part inside, and one for the rest of the message if that is the last.
    if (this.#frames.length >= MAX_PART_DEPTH || this.#partCount + 2 > MAX_PARTS) makeOpaque(part);
    else if (part.type === 'multipart') {
      this.#partCount += 1;
      this.#rememberBoundary(frame);
    } else {
      this.#openMessage((message) => {
        part.message = message;
      });
    }
  }

  #rememberBoundary(frame: Frame): void {
    // Compared with bytes of the message, each of which is one character there.
    const boundary = Buffer.from((findParameter(frame.part.parameters, 'boundary') ?? '').trimEnd()).toString('latin1');
    if (boundary.length === 0 || boundary.length > MAX_BOUNDARY_BYTES) return;
    frame.boundary = boundary;
    this.#longestBoundary = Math.max(this.#longestBoundary, boundary.length);
    const frames = this.#boundaries.get(boundary);
    if (frames === undefined) this.#boundaries.set(boundary, [frame]);
    else frames.push(frame);
  }

  /** Frames end from the top of the stack, so of equal boundaries the last one is this frame's. */
  #forgetBoundary(frame: Frame): void {
    if (frame.boundary === undefined) return;
    const frames = this.#boundaries.get(frame.boundary);
    frames?.pop();
    if (frames?.length === 0) this.#boundaries.delete(frame.boundary);
    frame.boundary = undefined;
  }

  /** Closes the innermost part. `lineStart`: of the line that ended it; `contentEnd`: the same without the line end. */
  #closePart(contentEnd: number, lineStart: number): void {
    const frame = present(this.#frames.pop(), 'A part is open');
    const { part } = frame;
    this.#forgetBoundary(frame);
    const innermost = part.message?.root ?? part.children.at(-1);
    // An empty line right before the delimiter belongs to the header; then nothing is left to take away.
    part.bodyEnd = Math.max(part.bodyStart, contentEnd, innermost?.bodyEnd ?? 0);
    part.sizeBytes = part.bodyEnd - part.bodyStart;
    part.lines = this.#lineFeeds - frame.lineFeedsBeforeBody - (part.bodyEnd < lineStart ? 1 : 0);
    if (part.type === 'multipart' && part.children.length === 0) part.children.push(impliedChild(part));
  }
}

function isContainer(part: Part): boolean {
  return part.type === 'multipart' || (part.type === 'message' && part.subtype === 'rfc822');
}

function makeOpaque(part: PartDraft): void {
  part.type = 'application';
  part.subtype = 'octet-stream';
  part.parameters = [];
}

function newPart(fields: PartFields, headerStart: number, headerEnd: number): PartDraft {
  return {
    type: fields.type,
    subtype: fields.subtype,
    parameters: fields.parameters,
    id: fields.id,
    description: fields.description,
    encoding: fields.encoding,
    disposition: fields.disposition,
    languages: fields.languages,
    location: fields.location,
    md5: fields.md5,
    headerStart,
    headerEnd,
    bodyStart: headerEnd,
    bodyEnd: headerEnd,
    sizeBytes: 0,
    lines: 0,
    children: [],
    message: null,
  };
}

/**
 * A multipart in which no delimiter was found holds its whole body as one text: IMAP's grammar knows no multipart
 * without parts, and a reader sees what the sender wrote.
 */
function impliedChild(multipart: Part): Part {
  const { bodyStart, bodyEnd, sizeBytes, lines } = multipart;
  const child = newPart({ ...NO_FIELDS, ...PLAIN_TEXT }, bodyStart, bodyStart);
  return { ...child, bodyEnd, sizeBytes, lines };
}

const NO_FIELDS = {
  id: null,
  description: null,
  encoding: '7bit',
  disposition: null,
  languages: [],
  location: null,
  md5: null,
};
