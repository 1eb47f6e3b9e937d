import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  compose,
  giveUp,
  growInSync,
  moveTo,
  publishHint,
  renewLease,
  shrinkInSync,
  startNode,
  takeOver,
} from './changes.ts';
import * as configuration from './configuration-changes.ts';
import { formatRange } from './format-level.ts';
import { leaseMarkOf } from './lease.ts';
import { parseRegisterDocument, type RegisterDocument } from './register-document.ts';
import { documentOf, GROUP } from './testing/documents.ts';

const FORMATS = { ...formatRange, software: 'this one' };

const owner = { storageGroup: GROUP, host: 'A', epoch: 5 };

function groupIn(document: RegisterDocument | undefined) {
  assert(document !== undefined);
  parseRegisterDocument(document);
  assert.equal(document.version, 13, 'one more');
  return document.storageGroups[GROUP]!;
}

function claim(document: RegisterDocument, lease = 8) {
  const expected = leaseMarkOf(document, GROUP)!;
  return { storageGroup: GROUP, host: 'B', incarnation: 2, lease, expected, epoch: 6, inSync: ['B'], lossy: null };
}

test('changes: a takeover: next epoch, and the taker holds a renewed lease', () => {
  const document = documentOf();
  const taken = takeOver(document, claim(document));
  assert.deepEqual([groupIn(taken).epoch, groupIn(taken).active, groupIn(taken).inSync], [6, 'B', ['B']]);
  assert.deepEqual(taken?.nodes['B'], { incarnation: 2, lease: 8 });
});

test('changes: a takeover when anything has moved since it was watched: refused', () => {
  const seen = documentOf();
  const renewed = renewLease(seen, { host: 'A', incarnation: 3, lease: 41 })!;
  assert.equal(takeOver(renewed, claim(seen)), undefined, 'the owner lives');
  assert.equal(takeOver(startNode(seen, 'A', FORMATS)!, claim(seen)), undefined, 'the owner has come back');
  assert.equal(takeOver(startNode(seen, 'B', FORMATS)!, claim(seen)), undefined, 'another run of the taker');
  assert.equal(takeOver(seen, claim(seen, 7)), undefined, 'a lease number is used once');
  assert.equal(takeOver(seen, { ...claim(seen), host: 'C' }), undefined);
  assert.equal(takeOver(seen, { ...claim(seen), epoch: 5 }), undefined, 'epochs rise');
});

test('changes: a lossy takeover is on record until the next one, and the hint goes back to what is kept', () => {
  const document = documentOf({ mode: 'async', inSync: ['A'] });
  const lastKept = { lsn: 900, generation: 8 };
  const hint = { lsn: 1_000, generation: 10 };
  const lossy = { from: 'A', to: 'B', missingGenerations: 2, lastKept, hint, cause: 'dial' as const };
  const taken = takeOver(document, { ...claim(document), lossy })!;
  assert.deepEqual(groupIn(taken).hint, lastKept);
  const again = takeOver(taken, { ...claim(taken, 9), epoch: 9 })!;
  assert.deepEqual(again.storageGroups[GROUP]?.lossy, { ...lossy, epoch: 6 });
});

test('changes: an owner of the past: every claim is refused', () => {
  const document = documentOf();
  for (const past of [
    { ...owner, epoch: 4 },
    { ...owner, host: 'B' },
  ]) {
    assert.equal(shrinkInSync(document, { ...past, inSync: [past.host] }), undefined);
    assert.equal(growInSync(documentOf({ inSync: ['A'] }), { ...past, joiner: 'B' }), undefined);
    assert.equal(publishHint(document, { ...past, hint: { lsn: 2_000, generation: 20 } }), undefined);
    assert.equal(giveUp(document, past), undefined);
    assert.equal(moveTo(document, { ...past, target: 'B', hint: { lsn: 1_000, generation: 10 } }), undefined);
  }
});

test('changes: the set shrinks to a part that holds the owner, grows by a copy, not in async, not the suspended', () => {
  assert.deepEqual(groupIn(shrinkInSync(documentOf(), { ...owner, inSync: ['A'] })).inSync, ['A']);
  assert.equal(shrinkInSync(documentOf(), { ...owner, inSync: ['B'] }), undefined);
  assert.equal(shrinkInSync(documentOf(), { ...owner, inSync: ['A', 'C'] }), undefined);
  assert.equal(shrinkInSync(documentOf({ mode: 'sync-strict' }), { ...owner, inSync: ['A'] }), undefined);
  const alone = { inSync: ['A'] };
  assert.deepEqual(groupIn(growInSync(documentOf(alone), { ...owner, joiner: 'B' })).inSync, ['A', 'B']);
  assert.equal(growInSync(documentOf({ ...alone, mode: 'async' }), { ...owner, joiner: 'B' }), undefined);
  assert.equal(growInSync(documentOf({ ...alone, suspended: { B: '' } }), { ...owner, joiner: 'B' }), undefined);
});

test('changes: hints rise only; several changes at once are one version', () => {
  const document = documentOf();
  assert.equal(publishHint(document, { ...owner, hint: { lsn: 1_000, generation: 11 } }), undefined);
  const both = compose(document, [
    (current) => renewLease(current, { host: 'A', incarnation: 3, lease: 41 }),
    (current) => publishHint(current, { ...owner, hint: { lsn: 1_001, generation: 10 } }),
    () => undefined,
  ]);
  assert.equal(groupIn(both).hint.lsn, 1_001);
  assert.equal(compose(document, [() => undefined]), undefined);
});

test('changes: a move: sync only to a member of the set, which stays; async leaves the target alone', () => {
  const hint = { lsn: 1_100, generation: 11 };
  const moved = groupIn(moveTo(documentOf(), { ...owner, target: 'B', hint }));
  assert.deepEqual([moved.epoch, moved.active, moved.inSync, moved.hint], [6, 'B', ['A', 'B'], hint]);
  assert.equal(moveTo(documentOf({ inSync: ['A'] }), { ...owner, target: 'B', hint }), undefined);
  const async = documentOf({ inSync: ['A'], mode: 'async' });
  assert.deepEqual(groupIn(moveTo(async, { ...owner, target: 'B', hint })).inSync, ['B']);
});

test('configuration: suspend, resume, stop, start, mode, copies: valid documents or refused', () => {
  const document = documentOf();
  assert.deepEqual(groupIn(configuration.suspendCopy(document, GROUP, 'B', 'disks')).suspended, { B: 'disks' });
  assert.equal(configuration.suspendCopy(document, GROUP, 'A', 'the active'), undefined);
  assert.equal(configuration.resumeCopy(document, GROUP, 'B'), undefined);
  assert.deepEqual(groupIn(configuration.setMode(document, GROUP, 'async')).inSync, ['A']);
  assert.equal(
    configuration.setMode(documentOf({ active: null }), GROUP, 'async'),
    undefined,
    'who would hold everything?',
  );
  assert.deepEqual(groupIn(configuration.addCopy(document, GROUP, 'C')).copies, ['A', 'B', 'C']);
  assert.deepEqual(groupIn(configuration.addCopy(document, GROUP, 'C', 'to be seeded')).suspended, {
    C: 'to be seeded',
  });
  const { epoch } = owner;
  assert.deepEqual(groupIn(configuration.removeCopy(document, GROUP, 'B', epoch)).inSync, ['A']);
  assert.equal(configuration.removeCopy(document, GROUP, 'B', epoch - 1), undefined, 'another activation');
  assert.equal(configuration.removeCopy(document, GROUP, 'B', undefined), undefined, 'in sync, and nobody serves');
  assert.equal(configuration.removeCopy(document, GROUP, 'A', epoch), undefined, 'the active one');
  const lastGood = documentOf({ inSync: ['B'], active: null });
  assert.equal(configuration.removeCopy(lastGood, GROUP, 'B', epoch), undefined, 'the last one that holds everything');
  assert.deepEqual(groupIn(configuration.removeCopy(documentOf({ inSync: ['A'] }), GROUP, 'B', undefined)).copies, [
    'A',
  ]);
  assert.equal(configuration.removeStorageGroup(document, GROUP), undefined, 'mounted');
  const removed = configuration.removeStorageGroup(documentOf({ mounted: false }), GROUP);
  assert.deepEqual(removed?.clusteredMailboxServers['mbx01']?.storageGroups, []);
  assert.equal(configuration.startServer(document, 'mbx01'), undefined);
  assert.equal(configuration.assignStorageGroup(document, 'mbx01', GROUP), undefined, 'it has a server');
});
