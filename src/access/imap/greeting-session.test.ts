import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type GreetingEffect, type GreetingOptions, GreetingSession } from './greeting-session.ts';

const tls: GreetingOptions = { secure: true, startTls: false, allowPlaintext: false };
const plain: GreetingOptions = { secure: false, startTls: true, allowPlaintext: false };

function told(effects: readonly GreetingEffect[]): string {
  return effects
    .map((effect) => {
      if (effect.type === 'send') return effect.bytes.toString();
      if (effect.type === 'authenticate') return `<authenticate ${effect.tag} ${effect.user} ${effect.password}>`;
      return `<${effect.type}>`;
    })
    .join('');
}

function say(options: GreetingOptions, text: string): string {
  return told(new GreetingSession(options).feed(Buffer.from(text)));
}

test('greeting: without TLS: no login is announced and none is taken', () => {
  const greeting = told(new GreetingSession(plain).greet());
  assert.equal(greeting, '* OK [CAPABILITY IMAP4rev1 LITERAL+ ID STARTTLS LOGINDISABLED] Holdfast ready\r\n');
  for (const login of ['a LOGIN u p', 'a AUTHENTICATE PLAIN', 'a AUTHENTICATE PLAIN AHUAcA==']) {
    assert.equal(say(plain, `${login}\r\n`), 'a NO [PRIVACYREQUIRED] Passwords need TLS\r\n');
  }
  assert.equal(say({ ...plain, allowPlaintext: true }, 'a LOGIN u p\r\n'), '<authenticate a u p>');
});

test('greeting: CAPABILITY, NOOP, ID, LOGOUT: answered', () => {
  assert.equal(
    say(tls, 'a CAPABILITY\r\nb NOOP\r\nc ID ("name" "x" "version" NIL)\r\nd ID NIL\r\ne LOGOUT\r\nf NOOP\r\n'),
    '* CAPABILITY IMAP4rev1 LITERAL+ ID SASL-IR AUTH=PLAIN\r\na OK CAPABILITY completed\r\nb OK NOOP completed\r\n' +
      '* ID ("name" "Holdfast")\r\nc OK ID completed\r\n* ID ("name" "Holdfast")\r\nd OK ID completed\r\n' +
      '* BYE Logging out\r\ne OK LOGOUT completed\r\n<close>',
  );
});

test('greeting: AUTHENTICATE PLAIN: with initial response, with continuation, cancelled, garbage', () => {
  assert.equal(say(tls, 'a AUTHENTICATE PLAIN AHUAcA==\r\n'), '<authenticate a u p>');
  assert.equal(say(tls, 'a authenticate plain\r\nAHUAcA==\r\n'), '+ \r\n<authenticate a u p>');
  assert.equal(say(tls, 'a AUTHENTICATE PLAIN\r\n*\r\n'), '+ \r\na BAD Authentication was cancelled\r\n');
  assert.equal(
    say(tls, 'a AUTHENTICATE PLAIN eABVAHA=\r\n'),
    'a NO [AUTHORIZATIONFAILED] Nobody acts for another here\r\n',
  );
  assert.equal(say(tls, 'a AUTHENTICATE NTLM\r\n'), 'a NO [CANNOT] Unknown mechanism\r\n');
  for (const garbage of ['!', 'AHU', 'AHUAcA', 'AHUA', 'AAA=', '=', 'AHUAcABx', '//79', 'A'.repeat(3000)]) {
    assert.match(
      say(tls, `a AUTHENTICATE PLAIN ${garbage}\r\nb NOOP\r\n`),
      /^a BAD [^\r]*\r\nb OK/,
      garbage.slice(0, 10),
    );
  }
  assert.match(say(tls, `a AUTHENTICATE PLAIN\r\n${'A'.repeat(5000)}`), /\* BYE Line is too long\r\n<close>$/);
});

test('greeting: literals in a login: continued, or refused before the plus', () => {
  assert.equal(say(tls, 'a LOGIN {1}\r\nu {1+}\r\np\r\n'), '+ Go on\r\n<authenticate a u p>');
  assert.equal(say(tls, 'a LOGIN u {5000}\r\n'), 'a BAD [TOOBIG] Literal is too big\r\n');
});

test('greeting: bytes behind STARTTLS: refused, in the same segment and in the next', () => {
  assert.match(say(plain, 'a STARTTLS\r\nb NOOP\r\n'), /^a BAD [^\r]*\r\n\* BYE [^\r]*\r\n<close>$/);
  assert.doesNotMatch(say(plain, 'a STARTTLS\r\nb'), /startTls/);
  const session = new GreetingSession(plain);
  assert.equal(told(session.feed(Buffer.from('a STARTTLS\r\n'))), 'a OK Begin TLS now\r\n<startTls>');
  assert.equal(told(session.feed(Buffer.from('b LOGIN u p\r\n'))), '<close>');
  assert.equal(told(session.feed(Buffer.from('b LOGIN u p\r\n'))), '');
});

test('greeting: after STARTTLS: logins are taken, a second STARTTLS is not', () => {
  const session = new GreetingSession(plain);
  session.feed(Buffer.from('a STARTTLS\r\n'));
  session.tlsStarted();
  assert.match(told(session.feed(Buffer.from('b CAPABILITY\r\n'))), /SASL-IR AUTH=PLAIN\r\n/);
  assert.match(told(session.feed(Buffer.from('c STARTTLS\r\n'))), /^c BAD/);
  assert.equal(told(session.feed(Buffer.from('d LOGIN u p\r\n'))), '<authenticate d u p>');
});

test('greeting: a login under way: later commands wait, and go along or are answered afterwards', () => {
  const session = new GreetingSession(tls);
  assert.equal(told(session.feed(Buffer.from('a LOGIN u p\r\nb NOOP\r\n'))), '<authenticate a u p>');
  assert.equal(told(session.feed(Buffer.from('c NOOP\r\n'))), '');
  assert.equal(
    told(session.refused('temporary')),
    'a NO [UNAVAILABLE] Try again later\r\nb OK NOOP completed\r\nc OK NOOP completed\r\n',
  );
  session.feed(Buffer.from('d LOGIN u q\r\ne SELECT INBOX\r\nf NO'));
  assert.deepEqual(session.handOver(), { tag: 'd', rest: Buffer.from('e SELECT INBOX\r\nf NO') });
});

test('greeting: a flood behind a login under way: closes', () => {
  const session = new GreetingSession(tls);
  session.feed(Buffer.from('a LOGIN u p\r\n'));
  assert.equal(told(session.feed(Buffer.alloc(70_000, 'x'))), '<close>');
});

test('greeting: wrong passwords and bad commands: end the connection', () => {
  const session = new GreetingSession(tls);
  for (const last of [false, false, true]) {
    session.feed(Buffer.from('a LOGIN u p\r\n'));
    const answer = told(session.refused('wrong'));
    assert.match(answer, /^a NO \[AUTHENTICATIONFAILED\] Wrong user or password\r\n/);
    assert.equal(answer.endsWith('<close>'), last);
  }
  const bad = say(tls, 'x FOO\r\n'.repeat(100));
  assert.equal(bad.split('x BAD').length - 1, 5);
  assert.ok(bad.endsWith('* BYE Too many bad commands\r\n<close>'));
});

test('greeting: a browser: is cut off without an echo', () => {
  assert.equal(say(tls, 'POST /x HTTP/1.1\r\nHost: evil\r\n\r\na LOGIN u p\r\n'), '<close>');
});

test('greeting: hostile bytes cut anywhere: no exception, the same words', () => {
  const word = fc.constantFrom(
    'a ',
    'LOGIN',
    ' u',
    ' "p"',
    '{1+}\r\n',
    'AUTHENTICATE PLAIN',
    '\r\n',
    '*',
    '(',
    '\0',
    'ID',
    ' NIL',
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), fc.nat(50), (words, place) => {
      const bytes = Buffer.from(words.join(''));
      const session = new GreetingSession(tls);
      const cut = told(session.feed(bytes.subarray(0, place))) + told(session.feed(bytes.subarray(place)));
      assert.equal(cut, say(tls, words.join('')));
    }),
  );
});
