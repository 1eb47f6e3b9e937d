import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFact } from '../store/facts.ts';
import { type RecordFormats, recordFormats } from '../store/record-formats.ts';
import { checkIsKnown, checkMayWrite, checkReads, readsLevel } from './format-gate.ts';
import { emptyHello } from './testing/empty-hello.ts';

const KNOWN = encodeFact({ type: 'CredentialSet', mailboxId: 1, credential: null }).kind;
const LATER = 1_000;
const UNKNOWN = 1_001;

/** One kind came with the second level. */
const formats: RecordFormats = { levelOf: (kind) => (kind === LATER ? 2 : recordFormats.levelOf(kind)) };

test('format gate: the active copy: writes what the level allows, all of a change or nothing', () => {
  checkMayWrite([KNOWN], formats, 1);
  checkMayWrite([KNOWN, LATER], formats, 2);
  assert.throws(() => checkMayWrite([KNOWN, LATER], formats, 1), { code: 'FormatLevelTooLow', temporary: true });
  assert.throws(() => checkMayWrite([UNKNOWN], formats, 2), { code: 'FormatLevelTooLow' });
});

test('format gate: the passive copy: takes what it knows, whatever the level', () => {
  checkIsKnown(LATER, formats);
  assert.throws(() => checkIsKnown(UNKNOWN, formats), { code: 'UnknownRecordKind', message: /Update this host/ });
});

test('format gate: a copy that says nothing of what it reads: it reads the first level', () => {
  const hello = emptyHello(2);
  assert.equal(readsLevel(hello, 1), true);
  assert.equal(readsLevel(hello, 2), false);
  assert.equal(readsLevel({ ...hello, formats: { lowest: 1, highest: 2 } }, 2), true);
});

test('format gate: the level of the grant is not read: not activated', () => {
  checkReads({ lowest: 1, highest: 2 }, 2);
  assert.throws(() => checkReads({ lowest: 1, highest: 1 }, 2), { code: 'FormatLevelUnreadable' });
});
