import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ContentScanner, toCrlf } from './content.ts';
import { assertLinear } from './testing/linear.ts';

function scan(chunks: readonly (string | Buffer)[]): ContentScanner {
  const scanner = new ContentScanner();
  for (const chunk of chunks) scanner.add(Buffer.from(chunk));
  scanner.finish();
  return scanner;
}

/** bad-end sequences of SMTP smuggling; those made of CR LF only are harmless here. */
const SMUGGLED = [
  '\n.\n',
  '\n.\r\n',
  '\r.\r',
  '\r.\r\n',
  '\r\n.\n',
  '\r\n.\r',
  '\0\r\n.\r\n',
  '\r\n\0.\r\n',
  '\r\0\n.\r\n',
  '\r\n.\0\r\n',
  '\r\n.\r\0\n',
  '\r\n.\r\n\0',
  '\r.\n',
  '\n.\r',
  '\r\r\n.\r\n',
  '\r\n.\r\r\n',
  '\r\r\n.\r\r\n',
];

test('content: every smuggling sequence, cut at every byte: found', () => {
  for (const sequence of SMUGGLED) {
    const text = `A: b\r\n\r\nbody${sequence}MAIL FROM:<x@y>\r\n`;
    for (let cut = 0; cut <= text.length; cut++) {
      assert.notEqual(scan([text.slice(0, cut), text.slice(cut)]).defect, undefined, JSON.stringify([sequence, cut]));
    }
  }
});

test('content: clean text: no defect, size and longest line counted', () => {
  const scanner = scan(['A: b\r\n\r\nlonger line\r\n.\r\n']);
  assert.deepEqual([scanner.defect, scanner.sizeBytes, scanner.longestLineBytes], [undefined, 24, 13]);
  assert.equal(scan([]).defect, undefined);
  assert.equal(scan(['x']).defect, undefined);
  assert.equal(scan(['x\r']).defect, 'bare CR');
});

test('content: Received fields: those of the header only, in any case and cut anywhere', () => {
  const text =
    'Received: a\r\n received: folded\r\nRECEIVED:b\r\nReceived-SPF: c\r\nX-Received: d\r\n\r\nReceived: body\r\n';
  for (let cut = 0; cut <= text.length; cut++)
    assert.equal(scan([text.slice(0, cut), text.slice(cut)]).receivedCount, 2);
});

test('content: any bytes in any pieces: the same finding as in one piece', () => {
  const piece = fc.constantFrom('\r', '\n', '\r\n', '\0', 'a', 'Received:', '.', '\r\n\r\n');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const whole = scan([pieces.join('')]);
      const cut = scan(pieces);
      assert.deepEqual(
        [cut.defect, cut.receivedCount, cut.sizeBytes],
        [whole.defect, whole.receivedCount, whole.sizeBytes],
      );
      const bad = /\0|\r(?!\n)|(?<!\r)\n/.test(pieces.join(''));
      assert.equal(whole.defect !== undefined, bad);
    }),
    { seed: 51764, numRuns: 3_000 },
  );
});

test('content: line ends of every kind: CR LF', () => {
  assert.equal(toCrlf(Buffer.from('a\nb\r\nc\rd\n\r\r\n')).toString(), 'a\r\nb\r\nc\r\nd\r\n\r\n\r\n');
  const clean = Buffer.from('a\r\n');
  assert.equal(toCrlf(clean), clean);
  fc.assert(
    fc.property(fc.array(fc.constantFrom('\r', '\n', 'a'), { maxLength: 20 }), (pieces) => {
      const converted = toCrlf(Buffer.from(pieces.join('')));
      assert.equal(scan([converted]).defect, undefined);
      assert.ok(toCrlf(converted).equals(converted));
    }),
    { seed: 10 },
  );
});

test('content: long and many lines: time in proportion to length', () => {
  for (const unit of ['\r\n', '\r', 'a', 'Received: x\r\n']) {
    assertLinear(unit, (size) => {
      const bytes = Buffer.from(unit.repeat(size));
      return () => {
        scan([bytes]);
        toCrlf(bytes);
      };
    });
  }
});
