import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { commandLimitsAfterLogin } from '../../limits.ts';
import { ArgumentReader } from './arguments.ts';
import { CommandReader } from './command-reader.ts';
import { astring, line, list, nstring, string, untagged } from './print.ts';

test('print: strings: quoted where allowed, else a literal', () => {
  assert.equal(string('a "b" \\'), '"a \\"b\\" \\\\"');
  assert.equal(string('a\r\nb'), '{4}\r\na\r\nb');
  assert.equal(string('é'), '{2}\r\né');
  assert.equal(string('a\0b\n'), '{3}\r\nab\n');
  assert.equal(nstring(null), 'NIL');
  assert.equal(astring('INBOX'), 'INBOX');
  assert.equal(astring('a b'), '"a b"');
  assert.equal(astring(''), '""');
  assert.equal(astring('nil'), '"nil"');
  assert.equal(list(['a', 'b']), '(a b)');
  assert.equal(untagged('OK', 'x', 'UIDNEXT 4'), '* OK [UIDNEXT 4] x\r\n');
});

test('print: a line break in a response line: our mistake', () => {
  assert.throws(() => line('a\r\nb'));
});

test('print: any text as a string: read back by our own reader', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const clean = text.replaceAll('\0', '');
      const reader = new CommandReader(commandLimitsAfterLogin);
      reader.push(Buffer.from(`a X ${string(text)} ${astring(text)}\r\n`));
      let event = reader.next();
      for (; event?.type === 'continuation'; event = reader.next()) reader.acceptLiteral();
      assert.equal(event?.type, 'command');
      const args = new ArgumentReader(event.command.arguments);
      assert.deepEqual([args.text(), args.astring()], [clean, clean]);
    }),
  );
});
