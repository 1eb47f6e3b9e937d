import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodedHeader, decodedText } from './decoded-text.ts';
import { FLAG_FLAGGED, FLAG_SEEN } from './flags.ts';
import { parseMessage } from './mime.ts';
import { matches, needsContent, type SearchableMessage, type SearchKey, searchDepth } from './search.ts';
import { UidSet } from './uid-set.ts';

const MAIL = Buffer.from(
  [
    'Date: Thu, 22 Aug 2002 23:30:00 -0700',
    'From: =?iso-8859-1?q?J=F6rg?= <joerg@example.com>',
    'To: Ann <ann@example.org>',
    'Subject: The =?utf-8?b?UsOpc3Vtw6k=?=',
    'X-Empty:',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain; charset=iso-8859-1',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    'Gr=FC=DFe aus K=',
    '=F6ln',
    '--b',
    'Content-Type: text/html; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.from('<b>Straße</b>').toString('base64'),
    '--b',
    'Content-Type: application/octet-stream',
    '',
    'invisible',
    '--b',
    'Content-Type: message/rfc822',
    '',
    'Subject: nested subject',
    '',
    'nested body',
    '--b--',
    '',
  ].join('\r\n'),
);

function message(overrides: Partial<SearchableMessage> = {}): SearchableMessage {
  const structure = parseMessage(MAIL);
  return {
    uid: 7,
    sequence: 2,
    flags: FLAG_SEEN | FLAG_FLAGGED,
    keywords: ['$Work'],
    recent: false,
    internalDateMs: Date.UTC(2002, 7, 24, 15),
    sizeBytes: 1_000,
    modseq: 40,
    header: () => decodedHeader(MAIL, structure),
    text: () => decodedText(MAIL, structure),
    ...overrides,
  };
}

function not(child: SearchKey): SearchKey {
  return { key: 'not', child };
}

const TRUE: readonly SearchKey[] = [
  { key: 'all' },
  { key: 'seen' },
  { key: 'flagged' },
  { key: 'old' },
  not({ key: 'deleted' }),
  not({ key: 'draft' }),
  not({ key: 'answered' }),
  not({ key: 'recent' }),
  not({ key: 'new' }),
  { key: 'keyword', keyword: '$WORK' },
  { key: 'from', text: 'jörg' },
  { key: 'from', text: 'JOERG@' },
  { key: 'to', text: 'ann' },
  { key: 'subject', text: 'the résumé' },
  { key: 'subject', text: 're\u0301sume\u0301' },
  { key: 'header', name: 'X-EMPTY', text: '' },
  not({ key: 'header', name: 'X-Other', text: '' }),
  { key: 'body', text: 'grüße aus köln' },
  { key: 'body', text: 'STRASSE'.replace('SS', 'ß') },
  { key: 'body', text: 'nested BODY' },
  not({ key: 'body', text: 'invisible' }),
  not({ key: 'body', text: 'ann@example.org' }),
  { key: 'text', text: 'ann@example.org' },
  { key: 'text', text: 'nested subject' },
  { key: 'text', text: 'köln' },
  { key: 'larger', sizeBytes: 999 },
  not({ key: 'larger', sizeBytes: 1_000 }),
  not({ key: 'smaller', sizeBytes: 1_000 }),
  { key: 'on', dayMs: Date.UTC(2002, 7, 24) },
  { key: 'since', dayMs: Date.UTC(2002, 7, 24) },
  not({ key: 'before', dayMs: Date.UTC(2002, 7, 24) }),
  { key: 'senton', dayMs: Date.UTC(2002, 7, 22) },
  { key: 'sentbefore', dayMs: Date.UTC(2002, 7, 23) },
  not({ key: 'sentsince', dayMs: Date.UTC(2002, 7, 23) }),
  { key: 'uid', set: UidSet.of([7]) },
  { key: 'sequence', set: UidSet.of([2]) },
  not({ key: 'uid', set: UidSet.of([2]) }),
  { key: 'modseq', modseq: 40 },
  not({ key: 'modseq', modseq: 41 }),
  { key: 'or', children: [{ key: 'deleted' }, { key: 'seen' }] },
  not({ key: 'or', children: [] }),
  { key: 'and', children: [] },
  not({ key: 'and', children: [{ key: 'seen' }, { key: 'draft' }] }),
];

test('search: every key of RFC 3501 on one message: decoded, without regard to case', () => {
  for (const key of TRUE) {
    assert.ok(matches(key, message()), JSON.stringify(key));
    assert.ok(!matches(not(key), message()), JSON.stringify(key));
  }
});

test('search: new is recent and unseen', () => {
  assert.ok(matches({ key: 'new' }, message({ recent: true, flags: 0 })));
  assert.ok(!matches({ key: 'new' }, message({ recent: true })));
});

test('search: flags that decide: the message is not read', () => {
  const unread = message({
    header: () => assert.fail('The header was read'),
    text: () => assert.fail('The text was read'),
  });
  const content: SearchKey = { key: 'text', text: 'x' };
  assert.ok(!matches({ key: 'and', children: [content, { key: 'draft' }] }, unread));
  assert.ok(matches({ key: 'or', children: [content, { key: 'seen' }] }, unread));
  assert.ok(needsContent({ key: 'and', children: [{ key: 'all' }, not({ key: 'senton', dayMs: 0 })] }));
  assert.ok(!needsContent({ key: 'and', children: [{ key: 'all' }, { key: 'on', dayMs: 0 }] }));
});

test('search: depth of nesting: counted, and the count ends', () => {
  assert.equal(searchDepth({ key: 'all' }), 1);
  assert.equal(searchDepth(not({ key: 'or', children: [{ key: 'all' }, not({ key: 'all' })] })), 4);
  let deep: SearchKey = { key: 'all' };
  for (let level = 0; level < 100_000; level++) deep = not(deep);
  assert.ok(searchDepth(deep) > 32);
});

test('decoded text: a limit: kept, over all parts together', () => {
  assert.equal(decodedText(MAIL, parseMessage(MAIL), 8), 'Grüße au');
  assert.ok(decodedText(MAIL, parseMessage(MAIL), 25).length <= 25 + 4);
});

test('search: subject: the first field is looked at where it is cheap to have, the others in the header', () => {
  const bytes = Buffer.from('Subject: one\r\nSubject: two\r\n\r\n');
  const structure = parseMessage(bytes);
  let headers = 0;
  const header = () => {
    headers += 1;
    return decodedHeader(bytes, structure);
  };
  const twice = message({ header, subject: () => structure.envelope.subject ?? '' });
  assert.ok(matches({ key: 'subject', text: 'ONE' }, twice));
  assert.equal(headers, 0);
  assert.ok(matches({ key: 'subject', text: 'two' }, twice));
  assert.ok(!matches({ key: 'subject', text: 'three' }, twice));
});
