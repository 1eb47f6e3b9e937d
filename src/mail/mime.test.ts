import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_PART_DEPTH, MAX_PARTS } from './limits.ts';
import { type MessageStructure, type Part, parseMessage } from './mime.ts';
import { findSection, type SectionText, sectionRange } from './section.ts';
import { decodeStructure, encodeStructure } from './structure-codec.ts';
import { assertLinear } from './testing/linear.ts';

/** `type/subtype`, children in brackets, an embedded message after an arrow. */
function shape(part: Part): string {
  const name = `${part.type}/${part.subtype}`;
  if (part.message !== null) return `${name}>${shape(part.message.root)}`;
  return part.children.length === 0 ? name : `${name}[${part.children.map(shape).join(' ')}]`;
}

function parse(lines: readonly string[]): { text: string; structure: MessageStructure } {
  const text = lines.join('\r\n');
  return { text, structure: parseMessage(Buffer.from(text)) };
}

/** RFC 3501 6.4.5's example, made flesh. */
const EXAMPLE = [
  'Subject: all of it',
  'Content-Type: multipart/mixed; boundary=outer',
  '',
  'preamble',
  '--outer',
  '',
  'one',
  '--outer',
  'Content-Type: application/octet-stream',
  'Content-Transfer-Encoding: BASE64',
  'Content-Disposition: attachment; filename=x',
  '',
  'dHdv',
  '--outer',
  'Content-Type: message/rfc822',
  '',
  'Subject: inner',
  'From: a@x',
  'Content-Type: multipart/mixed; boundary="in ner"',
  '',
  '--in ner',
  'Content-Type: text/plain',
  '',
  'three one',
  '--in ner',
  'Content-Type: text/html',
  '',
  'three',
  'two',
  '--in ner--',
  'epilogue',
  '--outer',
  'Content-Type: multipart/digest; boundary=d',
  '',
  '--d',
  '',
  'Subject: digested',
  '',
  'four one',
  '--d--',
  '--outer--  ',
  'the end',
  '',
];

test('mime: the example of RFC 3501: its shape and every section', () => {
  const { text, structure } = parse(EXAMPLE);
  assert.equal(
    shape(structure.root),
    'multipart/mixed[text/plain application/octet-stream message/rfc822>multipart/mixed[text/plain text/html] multipart/digest[message/rfc822>text/plain]]',
  );
  const bytesOf = (path: number[], kind: SectionText) => {
    const range = sectionRange(structure, path, kind);
    return range && text.slice(range.start, range.end);
  };
  assert.equal(bytesOf([], 'body'), text);
  assert.equal(bytesOf([], 'header'), text.slice(0, text.indexOf('preamble')));
  assert.equal(bytesOf([], 'text'), text.slice(text.indexOf('preamble')));
  assert.equal(bytesOf([], 'mime'), undefined);
  assert.equal(bytesOf([1], 'body'), 'one');
  assert.equal(bytesOf([1], 'mime'), '\r\n');
  assert.equal(bytesOf([1], 'header'), undefined);
  assert.equal(bytesOf([1, 1], 'body'), undefined);
  assert.equal(bytesOf([2], 'body'), 'dHdv');
  assert.equal(bytesOf([3], 'mime'), 'Content-Type: message/rfc822\r\n\r\n');
  assert.equal(
    bytesOf([3], 'header'),
    'Subject: inner\r\nFrom: a@x\r\nContent-Type: multipart/mixed; boundary="in ner"\r\n\r\n',
  );
  assert.equal(bytesOf([3, 1], 'body'), 'three one');
  assert.equal(bytesOf([3, 2], 'body'), 'three\r\ntwo');
  assert.equal(bytesOf([3, 2], 'mime'), 'Content-Type: text/html\r\n\r\n');
  assert.equal(bytesOf([3, 3], 'body'), undefined);
  assert.ok(bytesOf([3], 'text')?.endsWith('epilogue'));
  assert.equal(bytesOf([4, 1, 1], 'body'), 'four one');
  assert.equal(bytesOf([5], 'body'), undefined);
  assert.equal(findSection(structure, [2])?.encoding, 'base64');
  assert.deepEqual(findSection(structure, [2])?.disposition, {
    type: 'attachment',
    parameters: [{ name: 'filename', value: 'x' }],
  });
  assert.equal(findSection(structure, [3])?.message?.envelope.from[0]?.host, 'x');
  assert.equal(findSection(structure, [3])?.message?.envelope.subject, 'inner');
  assert.equal(findSection(structure, [3, 2])?.lines, 1);
  assert.deepEqual(decodeStructure(encodeStructure(structure)), structure);
});

test('mime: bare line feeds: the same tree', () => {
  const { structure } = parse(EXAMPLE);
  assert.equal(shape(parseMessage(Buffer.from(EXAMPLE.join('\n'))).root), shape(structure.root));
});

test('mime: a plain message: it is its own part 1', () => {
  const { structure } = parse(['From: a@x', 'Reply-To: b@x', '', 'hello', '']);
  const { root, envelope } = structure;
  assert.equal(findSection(structure, [1]), root);
  assert.equal(findSection(structure, [2]), undefined);
  assert.equal(findSection(structure, [0]), undefined);
  assert.deepEqual(root.parameters, [{ name: 'charset', value: 'us-ascii' }]);
  assert.deepEqual([root.sizeBytes, root.lines, root.encoding], [7, 1, '7bit']);
  assert.equal(envelope.sender, envelope.from);
  assert.equal(envelope.replyTo[0]?.mailbox, 'b');
});

test('mime: nothing, only a header, only an empty line: one empty text', () => {
  for (const text of ['', 'Subject: x', 'Subject: x\r\n', '\r\n', '\n', '\r']) {
    const { root } = parseMessage(Buffer.from(text));
    assert.equal(shape(root), 'text/plain');
    assert.deepEqual([root.bodyEnd, root.bodyStart], [text.length, text.length]);
  }
});

test('mime: a broken Content-Type: plain text, as RFC 2045 5.2 says', () => {
  assert.equal(shape(parse(['Content-Type: nonsense', '', 'x']).structure.root), 'text/plain');
});

test('mime: a multipart in which nothing is delimited: its body is one text', () => {
  for (const type of [
    'multipart/mixed',
    'multipart/mixed; boundary=""',
    'multipart/digest; boundary=b',
    `multipart/mixed; boundary=${'b'.repeat(1_001)}`,
  ]) {
    const { structure, text } = parse([`Content-Type: ${type}`, '', 'just', 'text']);
    assert.match(shape(structure.root), /^multipart\/\w+\[text\/plain\]$/);
    const range = sectionRange(structure, [1], 'body');
    assert.equal(text.slice(range?.start, range?.end), 'just\r\ntext');
  }
});

test('mime: parts cut off by a delimiter or by the end: empty, and in place', () => {
  const head = ['Content-Type: multipart/mixed; boundary=b', ''];
  assert.equal(
    shape(parse([...head, '--b', '--b', 'Content-Type: text/html', '--b--']).structure.root),
    'multipart/mixed[text/plain text/html]',
  );
  assert.equal(shape(parse([...head, '--b', 'Content-Type: text/ht']).structure.root), 'multipart/mixed[text/ht]');
  assert.equal(
    shape(parse([...head, '--b', 'Content-Type: message/rfc822']).structure.root),
    'multipart/mixed[message/rfc822>text/plain]',
  );
  assert.equal(shape(parse([...head, '--b']).structure.root), 'multipart/mixed[text/plain]');
  const { structure, text } = parse([...head, '--b', '', '--b', '', '', '--b--']);
  assert.deepEqual(
    structure.root.children.map((part) => text.slice(part.bodyStart, part.bodyEnd)),
    ['', ''],
  );
});

test('mime: boundaries that begin alike, or end in dashes: not mistaken for one another', () => {
  const { structure, text } = parse([
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: multipart/mixed; boundary=bb',
    '',
    '--bb',
    'Content-Type: multipart/mixed; boundary=b--',
    '',
    '--b--',
    '',
    'deep',
    '--b----',
    '--bbb',
    '--bb--',
    '--b',
    '',
    'last',
    '--b--',
  ]);
  assert.equal(shape(structure.root), 'multipart/mixed[multipart/mixed[multipart/mixed[text/plain]] text/plain]');
  const range = sectionRange(structure, [2], 'body');
  assert.equal(text.slice(range?.start, range?.end), 'last');
});

test('mime: an inner multipart with the boundary of the outer one: the inner one is meant', () => {
  const type = 'Content-Type: multipart/mixed; boundary=b';
  const { structure } = parse([type, '', '--b', type, '', '--b', '', 'x', '--b--', '--b', '', 'y', '--b--']);
  assert.equal(shape(structure.root), 'multipart/mixed[multipart/mixed[text/plain] text/plain]');
});

test('mime: an outer delimiter inside an unclosed part: closes all within', () => {
  const { structure } = parse([
    'Content-Type: multipart/mixed; boundary=o',
    '',
    '--o',
    'Content-Type: multipart/mixed; boundary=i',
    '',
    '--i',
    '',
    'x',
    '--o',
    '',
    'y',
    '--i',
    '--o--',
  ]);
  assert.equal(shape(structure.root), 'multipart/mixed[multipart/mixed[text/plain] text/plain]');
});

function depthOf(structure: MessageStructure): number {
  let depth = 0;
  for (let part: Part | undefined = structure.root; part; part = part.message?.root ?? part.children[0]) depth += 1;
  return depth;
}

test('mime: multiparts and messages nested a hundred thousand deep: a hundred levels, the rest opaque', () => {
  const multiparts = Array.from(
    { length: 100_000 },
    (_, n) => `Content-Type: multipart/mixed; boundary=${n}\r\n\r\n--${n}\r\n`,
  ).join('');
  const messages = 'Content-Type: message/rfc822\r\n\r\n'.repeat(100_000);
  for (const text of [multiparts, messages]) {
    const structure = parseMessage(Buffer.from(text));
    assert.equal(depthOf(structure), MAX_PART_DEPTH);
    assert.equal(depthOf(decodeStructure(encodeStructure(structure))), MAX_PART_DEPTH);
  }
});

test('mime: a million empty parts: ten thousand, the last one holding the rest', () => {
  for (const inner of [
    '',
    'Content-Type: message/rfc822\r\n\r\n',
    'Content-Type: multipart/mixed; boundary=x\r\n\r\n',
  ]) {
    const bytes = Buffer.from(
      `Content-Type: multipart/digest; boundary=b\r\n\r\n${`--b\r\n${inner}`.repeat(1_000_000)}`,
    );
    const structure = parseMessage(bytes);
    assert.equal(countParts(structure), MAX_PARTS);
    const last = structure.root.children.at(-1);
    assert.ok(last);
    assert.equal(shape(last), 'application/octet-stream');
    assert.equal(last.bodyEnd, bytes.length);
    assert.deepEqual(decodeStructure(encodeStructure(structure)), structure);
  }
});

function countParts(structure: MessageStructure): number {
  let count = 0;
  const pending = [structure.root];
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    count += 1;
    if (part.message !== null) pending.push(part.message.root);
    pending.push(...part.children);
  }
  return count;
}

test('mime: hostile repetitions: time in proportion to length', () => {
  const nested = Array.from(
    { length: 90 },
    (_, n) => `Content-Type: multipart/mixed; boundary=${'b'.repeat(n + 1)}\r\n\r\n--${'b'.repeat(n + 1)}\r\n`,
  ).join('');
  const units = [
    '--b\r\n',
    '--bb\r\n\r\n',
    '--',
    '--\r\n',
    '\r\n',
    'a',
    `--${'b'.repeat(95)}\r\n`,
    `--${'b'.repeat(90)}\r\n`,
    '--b--\r\n',
    '--b\r\nContent-Type: message/rfc822\r\n\r\n',
  ];
  for (const unit of units) {
    assertLinear(unit, (size) => {
      const bytes = Buffer.from(nested + unit.repeat(size));
      return () => parseMessage(bytes);
    });
  }
});

test('mime: a hundred thousand address fields: a thousand addresses, in time', () => {
  assertLinear('to fields', (size) => {
    const bytes = Buffer.from('To: a@x\r\n'.repeat(size));
    return () => assert.ok(parseMessage(bytes).envelope.to.length <= 1_000);
  });
});
