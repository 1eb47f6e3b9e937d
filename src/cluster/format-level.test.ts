import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renewLease, startNode } from './changes.ts';
import {
  formatLevelOf,
  highestCommonLevel,
  raiseFormatLevel,
  type SoftwareFormats,
  unreadableLevel,
  whoDoesNotRead,
} from './format-level.ts';
import { parseRegisterDocument, type RegisterDocument } from './register-document.ts';
import { documentOf } from './testing/documents.ts';

const earlier: SoftwareFormats = { lowest: 1, highest: 1, software: '1.0.0' };
const present: SoftwareFormats = { lowest: 1, highest: 2, software: '1.1.0' };
const later: SoftwareFormats = { lowest: 2, highest: 3, software: '2.0.0' };

function joined(document: RegisterDocument | undefined, host: string, formats: SoftwareFormats): RegisterDocument {
  const changed = document && startNode(document, host, formats);
  assert(changed !== undefined, `${host} joins`);
  return parseRegisterDocument(changed);
}

test('format level: a register that says nothing: the first level, and hosts that read no other', () => {
  const document = documentOf();
  assert.equal(formatLevelOf(document), 1);
  assert.deepEqual(whoDoesNotRead(document, 1), []);
  assert.deepEqual(whoDoesNotRead(document, 2), ['A', 'B']);
  assert.equal(highestCommonLevel(document), 1);
});

test('format level: raised when every host with a copy has announced that it reads it, and not before', () => {
  const one = joined(documentOf(), 'A', present);
  assert.equal(raiseFormatLevel(one, 2), undefined, 'B was never heard of');
  const both = joined(one, 'B', present);
  assert.equal(highestCommonLevel(both), 2);
  assert.equal(raiseFormatLevel(both, 3), undefined);
  const raised = raiseFormatLevel(both, 2);
  assert.equal(raised?.formatLevel, 2);
  assert.equal(raised?.version, both.version + 1);
  assert.equal(raiseFormatLevel(raised ?? both, 1), undefined, 'it never falls');
  const back = joined(both, 'B', earlier);
  assert.equal(raiseFormatLevel(back, 2), undefined, 'B went back in time');
});

test('format level: what a host announced outlives the renewals of its lease', () => {
  const document = joined(documentOf(), 'A', present);
  const renewed = renewLease(document, { host: 'A', incarnation: 4, lease: 1 });
  assert.deepEqual(renewed?.nodes['A'], { incarnation: 4, lease: 1, formats: present });
});

test('format level: a host that does not read it does not join, whether it is too old or too new, and says what to do', () => {
  const both = joined(joined(documentOf(), 'A', present), 'B', present);
  const raised = raiseFormatLevel(both, 2) ?? both;
  assert.equal(startNode(raised, 'B', earlier), undefined);
  assert.equal(unreadableLevel(raised, 'B', earlier)?.code, 'FormatLevelUnreadable');
  assert.match(
    unreadableLevel(raised, 'B', earlier)?.message ?? '',
    /as B: it writes at format level 2.* reads 1 to 1\. /,
  );
  assert.equal(unreadableLevel(raised, 'B', later), undefined);
  assert.equal(startNode(both, 'B', later), undefined, 'what it dropped is still written');
});

test('format level: damaged announcements: the register is refused', () => {
  const nodes = { A: { incarnation: 1, lease: 1, formats: { lowest: 1, highest: 'two', software: '1' } } };
  assert.throws(() => parseRegisterDocument({ ...documentOf(), nodes }), { code: 'RegisterDocumentInvalid' });
  assert.throws(() => parseRegisterDocument({ ...documentOf(), formatLevel: -1 }), { code: 'RegisterDocumentInvalid' });
});
