import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeCharset } from './charset.ts';
import { decodeEncodedWords } from './encoded-word.ts';
import { decodedParameter, parseContentType, parseDisposition, parseLanguages } from './parameters.ts';
import { assertLinear } from './testing/linear.ts';
import { decodeBase64, decodeQuotedPrintable } from './transfer-encoding.ts';

function parametersOf(value: string): Record<string, string> {
  return Object.fromEntries((parseContentType(value)?.parameters ?? []).map(({ name, value: text }) => [name, text]));
}

test('content type: usual and sloppy forms: type, subtype, parameters', () => {
  assert.deepEqual(parseContentType('Text/HTML; Charset="UTF-8"; format=flowed'), {
    type: 'text',
    subtype: 'html',
    parameters: [
      { name: 'charset', value: 'UTF-8' },
      { name: 'format', value: 'flowed' },
    ],
  });
  assert.deepEqual(parametersOf('a/b (comment) ; name=My File.doc ;; x="a\\"b;c" ; y = z (why)'), {
    name: 'My File.doc',
    x: 'a"b;c',
    y: 'z',
  });
  assert.equal(parseContentType('text'), undefined);
  assert.equal(parseContentType('/plain'), undefined);
  assert.equal(parseContentType(''), undefined);
  assert.equal(parseContentType('text/plain charset=x')?.subtype, 'plain');
});

test('content type: a parameter twice: the first counts', () => {
  assert.deepEqual(parametersOf('multipart/mixed; boundary=a; boundary=b'), { boundary: 'a' });
});

test('parameters: RFC 2231 continuations: joined, charset kept for the client and decoded for a person', () => {
  const disposition = parseDisposition(
    'attachment; filename*0*=utf-8\'en\'%e2%82%ac; filename*2=" b%.txt"; filename*1*=%20a',
  );
  assert.ok(disposition);
  assert.deepEqual(disposition.parameters, [{ name: 'filename*', value: "utf-8'en'%e2%82%ac%20a%20b%25.txt" }]);
  assert.equal(decodedParameter(disposition.parameters, 'filename'), '€ a b%.txt');
  assert.deepEqual(parametersOf('a/b; n*0=x; n*1=y; n*3=lost'), { n: 'xy' });
  assert.equal(
    decodedParameter(parseContentType('a/b; name="=?iso-8859-1?q?k=E4se?="')?.parameters ?? [], 'name'),
    'käse',
  );
});

test('parameters: languages: the tags', () => {
  assert.deepEqual(parseLanguages('en, de-AT (Austrian)'), ['en', 'de-AT']);
});

test('encoded words: single, split, adjacent, broken: decoded or left alone', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['plain', 'plain'],
    ['=?utf-8?Q?a_b=3D?=', 'a b='],
    ['=?UTF-8?B?4oKs?= x', '€ x'],
    ['=?utf-8*en?q?x?= =?utf-8?q?y?=', 'xy'],
    ['=?utf-8?q?=E2=82?=  =?utf-8?q?=AC?=', '€'],
    ['=?iso-8859-1?q?=E4?= mid =?utf-8?q?=C3=A4?=', 'ä mid ä'],
    ['=?iso-2022-jp?B?GyRCJTkbKEI=?= =?iso-2022-jp?B?GyRCJVEbKEI=?=', 'スパ'],
    ['=?nowhere-1?q?k=C3=A4se?=', 'käse'],
    ['=?utf-8?x?a?=', '=?utf-8?x?a?='],
    ['=?utf-8?q?a', '=?utf-8?q?a'],
    ['=??q?a?=', '=??q?a?='],
    ['=?=?utf-8?q?a?=', '=?a'],
  ];
  for (const [text, expected] of cases) assert.equal(decodeEncodedWords(text), expected, text);
});

test('charset: names of TextDecoder, of iconv-lite, of nobody: text in every case', () => {
  assert.equal(decodeCharset(Buffer.from([0xe4]), 'ISO-8859-1'), 'ä');
  assert.equal(decodeCharset(Buffer.from([0x84]), 'cp437'), 'ä');
  assert.equal(decodeCharset(Buffer.from('+AOQ-'), 'utf-7'), 'ä');
  assert.equal(decodeCharset(Buffer.from([0xff]), 'utf-8'), '\u{fffd}');
  assert.equal(decodeCharset(Buffer.from('ä'), 'x-unknown'), 'ä');
  assert.equal(decodeCharset(Buffer.from([0xe4]), undefined), 'ä');
  assert.equal(decodeCharset(Buffer.from('abc'), 'base64'), 'abc');
  for (const name of ['__proto__', 'constructor', 'hz-gb-2312', 'iso-2022-kr', '\0', 'x'.repeat(1_000)]) {
    assert.equal(typeof decodeCharset(Buffer.from('abc'), name), 'string');
  }
});

test('transfer encodings: sloppy input: the bytes that can be had', () => {
  assert.equal(decodeBase64(Buffer.from('aGVs\r\nbG8=\r\n')).toString(), 'hello');
  assert.equal(decodeBase64(Buffer.from('aGU=bGxv')).toString(), 'hello');
  assert.equal(decodeBase64(Buffer.from('====')).length, 0);
  assert.equal(decodeBase64(Buffer.from('aA==\r\n!aGVs=\r\nbG8')).toString(), 'hhello');
  assert.equal(decodeQuotedPrintable(Buffer.from('a=\r\nb=3d=3D=zz=  \nc=')).toString(), 'ab===zzc');
});

test('transfer encodings: base64 of any bytes, joined or broken into lines: the bytes', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 5 }), (chunks) => {
      const joined = chunks.map((chunk) => Buffer.from(chunk).toString('base64')).join('\r\n');
      assert.deepEqual(decodeBase64(Buffer.from(joined)), Buffer.concat(chunks));
    }),
    { seed: 4648 },
  );
});

test('parameters, words, encodings: any text: nothing throws', () => {
  const piece = fc.constantFrom(
    'a',
    '=',
    '?',
    '*',
    '0',
    '1',
    "'",
    '%',
    'e2',
    '"',
    '\\',
    ';',
    '(',
    ')',
    '/',
    ' ',
    '_',
    'q',
    'b',
    'utf-8',
    '=?',
    '?=',
    'é',
    '\ud800',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 50 }), (pieces) => {
      const text = pieces.join('');
      decodeEncodedWords(text);
      const parameters = parseContentType(`a/b;${text}`)?.parameters ?? [];
      for (const { name } of parameters) decodedParameter(parameters, name.replace('*', ''));
      parseLanguages(text);
      assert.ok(decodeQuotedPrintable(Buffer.from(text)).length <= Buffer.byteLength(text));
    }),
    { seed: 2231, numRuns: 3_000 },
  );
});

test('parameters, words, encodings: hostile repetitions: time in proportion to length', () => {
  for (const unit of [
    ';',
    '(',
    '"',
    '\\',
    ';a=b',
    ';a*0=b',
    ';a=',
    '=',
    'a;',
    '=?',
    '=?a?q?',
    '=?a?q?b?=',
    '=?a?q?b?= ',
    '= ',
    '=\t',
    'aa==',
  ]) {
    assertLinear(unit, (size) => {
      const text = unit.repeat(size);
      const bytes = Buffer.from(text);
      return () => {
        parseContentType(`a/b${text}`);
        decodeEncodedWords(text);
        decodeQuotedPrintable(bytes);
        decodeBase64(bytes);
        parseLanguages(text);
      };
    });
  }
});
