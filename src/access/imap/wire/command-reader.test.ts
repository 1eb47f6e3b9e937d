import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CommandLimits, commandLimitsAfterLogin, commandLimitsBeforeLogin } from '../../limits.ts';
import { CommandReader, type ReaderEvent } from './command-reader.ts';

/** What the client would see and we would do; a continuation is accepted at once. */
function readAll(pieces: readonly Buffer[], limits: CommandLimits = commandLimitsAfterLogin): string[] {
  const reader = new CommandReader(limits);
  const seen: string[] = [];
  for (const piece of pieces) {
    reader.push(piece);
    for (let event = reader.next(); event !== undefined; event = reader.next()) {
      seen.push(describe(event));
      if (event.type === 'continuation') reader.acceptLiteral();
    }
  }
  return seen;
}

function describe(event: ReaderEvent): string {
  if (event.type === 'continuation') return `+ ${event.sizeBytes}`;
  if (event.type === 'refused') {
    return `${event.tag ?? '*'} ${event.status} ${event.code ?? '-'} ${event.text}${event.fatal ? ' (fatal)' : ''}`;
  }
  const parts = event.command.arguments.map((token) => {
    const space = token.spaced ? ' ' : '';
    if (token.kind === 'atom') return space + token.text;
    if (token.kind === 'string') return `${space}<${token.form}:${token.bytes.toString('latin1')}>`;
    return space + (token.kind === 'open' ? '(' : ')');
  });
  return `${event.command.tag} ${event.command.name}${parts.join('')}`;
}

function read(text: string, limits?: CommandLimits): string[] {
  return readAll([Buffer.from(text, 'latin1')], limits);
}

test('command reader: atoms, strings, lists and literals: become tokens', () => {
  assert.deepEqual(read('a1 noop\r\nA2 LOGIN "jo \\"x\\" \\\\" {3+}\r\npw!\r\n'), [
    'a1 NOOP',
    'A2 LOGIN <quoted:jo "x" \\> <literal:pw!>',
  ]);
  assert.deepEqual(read('a FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (To "Cc")]<0.10>)\r\n'), [
    'a FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (To <quoted:Cc>)]<0.10>)',
  ]);
  assert.deepEqual(read('a APPEND x (\\Seen) {2}\r\nhi\r\nb X ~{2+}\r\n\0\0\r\n'), [
    '+ 2',
    'a APPEND x (\\Seen) <literal:hi>',
    'b X <literal8:\0\0>',
  ]);
  assert.deepEqual(read('a X {0+}\r\n {0+}\r\n\r\n'), ['a X <literal:> <literal:>']);
});

const conversation = Buffer.from(
  'a LOGIN "u\\"" {3}\r\np\r\n\r\nb FOO ( {2+}\r\n)(\r\nc UID FETCH 1 (BODY[HEADER.FIELDS ({2+}\r\nTo)]) \r\n' +
    'd APPEND x {13+}\r\nb LOGOUT\r\n..{\r\n\r\ne X "no end {4+}\r\nx\r\n\r\n\r\nf NOOP\r\n',
  'latin1',
);

test('command reader: the same bytes cut anywhere: the same events', () => {
  const whole = readAll([conversation]);
  assert.ok(whole.length > 7);
  assert.deepEqual(readAll([...conversation].map((byte) => Buffer.from([byte]))), whole);
  const cuts = fc.array(fc.integer({ min: 0, max: conversation.length }), { maxLength: 8 });
  fc.assert(
    fc.property(cuts, (places) => {
      assert.deepEqual(readAll(cut(conversation, places)), whole);
    }),
  );
});

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...places.toSorted((a, b) => a - b), bytes.length];
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));
}

test('command reader: any bytes at all, cut anywhere: the same events and no exception', () => {
  const word = fc.constantFrom(
    'a ',
    '(',
    ')',
    '"',
    '\\',
    '{3+}\r\n',
    '{3}\r\n',
    '~{2+}\r\n',
    '\r\n',
    '\r',
    '\n',
    '\0',
    'é',
    ' ',
  );
  const text = fc.array(word, { maxLength: 40 }).map((words) => Buffer.from(words.join(''), 'latin1'));
  fc.assert(
    fc.property(text, fc.array(fc.nat(60), { maxLength: 6 }), (bytes, places) => {
      const inside = places.map((place) => Math.min(place, bytes.length));
      assert.deepEqual(readAll(cut(bytes, inside)), readAll([bytes]));
    }),
    { numRuns: 500 },
  );
});

test('command reader: a wrong command with a literal under way: its bytes are never read as commands', () => {
  const smuggled = 'x LOGOUT\r\n';
  for (const start of ['a X )( {10+}', 'a X "open {10+}', '* {10+}', 'a X\0 {10+}', 'a  X {10+}', '{10+}']) {
    const seen = read(`${start}\r\n${smuggled}\r\nb NOOP\r\n`);
    assert.equal(seen.length, 2, start);
    assert.match(seen[0] ?? '', / BAD /, start);
    assert.equal(seen[1], 'b NOOP', start);
  }
  assert.deepEqual(read(`a X (((( {10+}\r\n${smuggled} {10+}\r\n${smuggled}\r\nb NOOP\r\n`, commandLimitsBeforeLogin), [
    'a BAD - Missing )',
    'b NOOP',
  ]);
  assert.equal(read(`a X {10+}\n${smuggled}\r\nb NOOP\r\n`).at(-1), 'b NOOP');
});

test('command reader: literals too big: refused before the plus, swallowed or fatal behind it', () => {
  const before = commandLimitsBeforeLogin;
  assert.deepEqual(read('a LOGIN {5000}\r\nb NOOP\r\n', before), ['a BAD TOOBIG Literal is too big', 'b NOOP']);
  const swallowed = `a LOGIN {5000+}\r\n${'x\r\n'.repeat(1000).padEnd(5000)}\r\nb NOOP\r\n`;
  assert.deepEqual(read(swallowed, before), ['a BAD TOOBIG Literal is too big', 'b NOOP']);
  for (const size of ['2147483647', '4294967296', '99999999999999999999999999']) {
    assert.deepEqual(read(`a LOGIN {${size}+}\r\nb NOOP\r\n`, before), ['a BAD TOOBIG Literal is too big (fatal)']);
    assert.deepEqual(read(`a LOGIN {${size}}\r\nb NOOP\r\n`, before), ['a BAD TOOBIG Literal is too big', 'b NOOP']);
  }
  assert.deepEqual(read('a APPEND x {52428801}\r\n'), ['a NO TOOBIG Message is too big']);
  assert.deepEqual(read('a APPEND {70000}\r\n'), ['a BAD TOOBIG Literal is too big']);
});

test('command reader: the sum of literals: is bounded, however small each is', () => {
  const many = `a X${' {1+}\r\nx'.repeat(20_000)}\r\n`;
  assert.match(read(many)[0] ?? '', /^a BAD/);
  const sum = `a X${` {4000+}\r\n${'x'.repeat(4000)}`.repeat(3)}\r\nb NOOP\r\n`;
  assert.deepEqual(read(sum, commandLimitsBeforeLogin), ['a BAD TOOBIG Literal is too big', 'b NOOP']);
});

test('command reader: an announced literal that does not come: holds what came, not what was announced', () => {
  const before = process.memoryUsage().arrayBuffers;
  const readers = Array.from({ length: 1_000 }, () => {
    const reader = new CommandReader(commandLimitsAfterLogin);
    reader.push(Buffer.from('a APPEND x {50000000+}\r\nhalf'));
    assert.equal(reader.next(), undefined);
    return reader;
  });
  assert.ok(process.memoryUsage().arrayBuffers - before < 8_000_000);
  assert.equal(readers.length, 1_000);
});

test('command reader: bombs of parentheses and endless lines: end at a bound', () => {
  assert.deepEqual(read(`a X ${'('.repeat(100)}\r\n`), ['a BAD - Too deeply nested']);
  assert.deepEqual(read('('.repeat(1_000_000)), ['* BAD - Command is too long (fatal)']);
  assert.deepEqual(read(`a X ${'() '.repeat(20_000)}\r\n`), ['a BAD - Too many arguments']);
  assert.deepEqual(read('x'.repeat(9_000), commandLimitsBeforeLogin), ['* BAD - Command is too long (fatal)']);
});

test('command reader: NUL at each position of a command: BAD', () => {
  const good = 'a LOGIN "user" {2+}\r\npw (x)\r\n';
  for (let at = 0; at <= good.length; at++) {
    const seen = read(`${good.slice(0, at)}\0${good.slice(at)}b NOOP\r\n`);
    assert.doesNotMatch(seen.join('\n'), /^a LOGIN.*\0/, `NUL at ${at}`);
  }
  assert.match(read('a LOGIN u {1+}\r\n\0\r\n')[0] ?? '', /^a BAD - NUL/);
});

test('command reader: wrong line ends, tags and spaces: BAD', () => {
  for (const text of [
    'a NOOP\n',
    'a NO\rOP\r\n',
    'a  NOOP\r\n',
    '\r\n',
    ' a NOOP\r\n',
    '+ NOOP\r\n',
    'a\r\n',
    'a )\r\n',
    'é NOOP\r\n',
  ]) {
    const seen = read(text);
    assert.equal(seen.length, 1, JSON.stringify(text));
    assert.match(seen[0] ?? '', / BAD /, JSON.stringify(text));
  }
});

test('command reader: raw lines and the rest: nothing is lost between readers', () => {
  const reader = new CommandReader(commandLimitsAfterLogin);
  reader.push(Buffer.from('a IDLE\r\nDONE\r\nb NO'));
  assert.equal(reader.next()?.type, 'command');
  assert.equal(reader.nextRawLine(100)?.toString(), 'DONE');
  assert.equal(reader.next(), undefined);
  assert.equal(reader.drain().toString(), 'b NO');
});
