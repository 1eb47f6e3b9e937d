/**
 * The parser against 6,046 real mails: its own invariants on all of them, another parser's opinion where the two can be
 * compared, and damage of every kind, replayable by its seed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import PostalMime from 'postal-mime';
import { isProblem } from '../base/problem.ts';
import { SeededRandom } from '../base/random.ts';
import { decodedHeader, decodedText } from './decoded-text.ts';
import { decodeEncodedWords } from './encoded-word.ts';
import { findHeaderEnd } from './header.ts';
import { MAX_PART_DEPTH, MAX_PARTS } from './limits.ts';
import { type MessageStructure, type Part, parseMessage } from './mime.ts';
import { decodeStructure, encodeStructure } from './structure-codec.ts';
import { corpusMails } from './testing/corpus.ts';
import { decodeTransferEncoding } from './transfer-encoding.ts';

function leavesOf(root: Part): Part[] {
  const leaves: Part[] = [];
  const pending = [root];
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    if (part.type !== 'multipart') leaves.push(part);
    pending.push(...part.children.toReversed());
  }
  return leaves;
}

/** What must hold for any bytes whatsoever. */
function checkInvariants(bytes: Buffer, structure: MessageStructure): void {
  assert.equal(structure.root.headerStart, 0);
  assert.equal(structure.root.bodyEnd, bytes.length);
  let count = 0;
  const pending: { part: Part; depth: number }[] = [{ part: structure.root, depth: 1 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { part, depth } = next;
    count += 1;
    assert.ok(depth <= MAX_PART_DEPTH);
    assert.ok(
      part.headerStart <= part.headerEnd && part.headerEnd === part.bodyStart && part.bodyStart <= part.bodyEnd,
    );
    assert.equal(part.sizeBytes, part.bodyEnd - part.bodyStart);
    assert.equal(part.lines, countLineFeeds(bytes, part.bodyStart, part.bodyEnd));
    assert.equal(part.children.length > 0, part.type === 'multipart');
    assert.equal(part.message !== null, part.type === 'message' && part.subtype === 'rfc822');
    let end = part.bodyStart;
    for (const child of part.message === null ? part.children : [part.message.root]) {
      assert.ok(child.headerStart >= end && child.bodyEnd <= part.bodyEnd, 'children lie in order inside their parent');
      end = child.bodyEnd;
      pending.push({ part: child, depth: depth + 1 });
    }
  }
  assert.ok(count <= MAX_PARTS);
  const encoded = encodeStructure(structure);
  assert.ok(encodeStructure(decodeStructure(encoded)).equals(encoded));
}

function countLineFeeds(bytes: Buffer, start: number, end: number): number {
  let count = 0;
  for (let index = start; index < end; index++) if (bytes[index] === 0x0a) count += 1;
  return count;
}

test('corpus: every mail: ranges fit into one another and the structure survives its codec', () => {
  let count = 0;
  for (const { bytes } of corpusMails()) {
    const structure = parseMessage(bytes);
    checkInvariants(bytes, structure);
    if (count % 5 === 0) assert.deepEqual(decodeStructure(encodeStructure(structure)), structure);
    assert.equal(structure.root.headerEnd, findHeaderEnd(bytes));
    count += 1;
  }
  assert.equal(count, 6_046);
});

/** postal-mime drops CRs of identity-encoded parts and may end a part one line end later. */
function comparable(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1').replaceAll('\r', '').trimEnd();
}

/** What both parsers hold for an attachment. They differ on purpose about text parts and embedded messages. */
function ourAttachments(bytes: Buffer, structure: MessageStructure): string[] {
  return leavesOf(structure.root)
    .filter((part) => part.type !== 'text' && part.type !== 'message')
    .map((part) => {
      const content = decodeTransferEncoding(bytes.subarray(part.bodyStart, part.bodyEnd), part.encoding);
      return `${part.type}/${part.subtype}:${comparable(content)}`;
    });
}

test('corpus: every sixth mail: attachments, subject and sender are those that postal-mime finds', async () => {
  let attachments = 0;
  let subjects = 0;
  for (const { name, bytes } of corpusMails(6)) {
    const structure = parseMessage(bytes);
    const other = await PostalMime.parse(bytes, { attachmentEncoding: 'arraybuffer' });
    const theirs = other.attachments
      .filter(({ mimeType }) => !mimeType.startsWith('text/') && !mimeType.startsWith('message/'))
      .map(({ mimeType, content }) => `${mimeType}:${comparable(new Uint8Array(content as ArrayBuffer))}`);
    if (leavesOf(structure.root).every((part) => part.message === null)) {
      assert.deepEqual(ourAttachments(bytes, structure), theirs, name);
      attachments += theirs.length;
    }
    // Subjects in an unstated 8-bit charset: they show U+FFFD, we guess.
    if (other.subject !== undefined && !other.subject.includes('\u{fffd}')) {
      assert.equal(decodeEncodedWords(structure.envelope.subject ?? ''), other.subject, name);
      subjects += 1;
    }
    const from = structure.envelope.from[0];
    if (other.from?.address && !other.from.address.includes('\u{fffd}'))
      assert.equal(`${from?.mailbox}@${from?.host}`, other.from.address, name);
  }
  assert.ok(attachments > 20 && subjects > 950, `${attachments} attachments, ${subjects} subjects compared`);
});

const TOKENS = [
  '\r\n',
  '\n',
  '\0',
  '--',
  '\r\n--',
  'Content-Type: multipart/mixed; boundary=b\r\n\r\n',
  '--b\r\n',
  '--b--\r\n',
  '"',
  '(',
  ':',
  ';',
  '<',
  '=?',
  '?=',
  '\\',
  'Content-Type: message/rfc822\r\n\r\n',
  '\xff\xfe',
];

function mutate(bytes: Buffer, random: SeededRandom): Buffer {
  let result = bytes.subarray(0, 20_000);
  for (let change = random.below(6); change >= 0; change--) {
    const at = random.below(result.length + 1);
    const to = Math.min(result.length, at + random.below(200));
    const token = Buffer.from(TOKENS[random.below(TOKENS.length)] as string, 'latin1');
    const kinds = [
      () => result.subarray(0, at),
      () => Buffer.concat([result.subarray(0, at), token, result.subarray(at)]),
      () => Buffer.concat([result.subarray(0, at), result.subarray(to)]),
      () => Buffer.concat([result.subarray(0, to), result.subarray(at)]),
      () => Buffer.concat([result.subarray(0, at), random.bytes(to - at), result.subarray(to)]),
    ];
    result = (kinds[random.below(kinds.length)] as () => Buffer)();
  }
  return result;
}

test('corpus: mails cut and mangled: nothing throws and the invariants still hold', () => {
  let seed = 1;
  for (const { name, bytes } of corpusMails(7)) {
    for (let round = 0; round < 3; round++, seed++) {
      const mangled = mutate(bytes, new SeededRandom(seed));
      try {
        const structure = parseMessage(mangled);
        checkInvariants(mangled, structure);
        decodedHeader(mangled, structure);
        decodedText(mangled, structure, 10_000);
      } catch (error) {
        throw new Error(`Seed ${seed} on ${name} failed`, { cause: error });
      }
    }
  }
});

test('structure codec: encodings cut and mangled: a structure or Malformed, never anything else', () => {
  const random = new SeededRandom(77);
  let refused = 0;
  for (const { bytes } of corpusMails(10)) {
    const encoded = encodeStructure(parseMessage(bytes));
    for (let round = 0; round < 20; round++) {
      const damaged = Buffer.from(round % 4 === 0 ? encoded.subarray(0, random.below(encoded.length)) : encoded);
      if (damaged.length > 0 && round % 4 !== 0) damaged[random.below(damaged.length)] = random.below(256);
      try {
        encodeStructure(decodeStructure(damaged));
      } catch (error) {
        if (!isProblem(error, 'Malformed')) throw error;
        refused += 1;
      }
    }
  }
  assert.ok(refused > 1_000);
});
