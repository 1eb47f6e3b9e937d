import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideFailback, type FailbackFacts, InSyncWatch } from './failback.ts';
import type { ClusteredMailboxServerRecord, FailbackPolicy, StorageGroupRecord } from './register-document.ts';
import { parseRegisterDocument } from './register-document.ts';
import { documentOf, GROUP } from './testing/documents.ts';

const policy = { failbackAfterMs: 600_000 };
const immediate: FailbackPolicy = { policy: 'immediate' };

/** A is preferred, B leads, both have been in sync for an hour. */
function decide(
  group: Partial<StorageGroupRecord>,
  server: Partial<ClusteredMailboxServerRecord>,
  facts: Partial<FailbackFacts> = {},
): string {
  const document = documentOf({ active: 'B', ...group }, server);
  const common = { document, storageGroup: GROUP, host: 'B', inSyncForMs: () => 3_600_000, wallMs: 0 };
  const decision = decideFailback({ ...common, ...facts }, policy);
  return decision.kind === 'move' ? `move to ${decision.target}` : decision.reason;
}

test('failback: nothing was set: it stays where it is', () => {
  assert.equal(decide({}, {}), 'failback is prevented');
});

test('failback: immediate: back to the preferred copy once it has been in sync for long enough', () => {
  assert.equal(decide({}, { failback: immediate }), 'move to A');
  const waits = decide({}, { failback: immediate }, { inSyncForMs: () => 599_999 });
  assert.equal(waits, 'A has been in sync for 599 s only');
});

test('failback: the preferred copy is not in sync, or suspended, or it is where it belongs: it stays', () => {
  const none = 'no copy that is preferred is in sync';
  assert.equal(decide({ inSync: ['B'] }, { failback: immediate }), none);
  assert.equal(decide({ suspended: { A: 'new disk' } }, { failback: immediate }), none);
  assert.equal(decide({ copies: ['B', 'A'] }, { failback: immediate }), none);
  assert.equal(decide({ mode: 'async', inSync: ['B'] }, { failback: immediate }), none);
});

test('failback: an administrator moved it here: it stays; a move that was undone by a failover does not hold it', () => {
  const move = { from: 'A', to: 'B', comment: 'patch day', atMs: 0 };
  assert.equal(decide({}, { failback: immediate, lastMove: move }), 'an administrator moved it here');
  assert.equal(decide({}, { failback: immediate, lastMove: { ...move, from: 'B', to: 'A' } }), 'move to A');
});

test('failback: dismounted, stopped, or active elsewhere: nothing', () => {
  assert.equal(decide({ mounted: false }, { failback: immediate }), 'it is not meant to be served');
  assert.equal(decide({}, { failback: immediate, stopped: { reason: 'x' } }), 'it is not meant to be served');
  assert.equal(decide({ active: 'A' }, { failback: immediate }), 'it is not active here');
});

test('failback: between hours: only then, over midnight too', () => {
  const at = (hour: number, fromHour: number, toHour: number) =>
    decide({}, { failback: { policy: 'window', fromHour, toHour } }, { wallMs: hour * 3_600_000 }) === 'move to A';
  assert.deepEqual([at(0, 1, 4), at(1, 1, 4), at(3, 1, 4), at(4, 1, 4)], [false, true, true, false]);
  assert.deepEqual([at(21, 22, 4), at(22, 22, 4), at(3, 22, 4), at(4, 22, 4)], [false, true, true, false]);
});

test('failback: three copies: the first in the order that is in sync', () => {
  const three = { copies: ['C', 'A', 'B'], inSync: ['A', 'B'] };
  assert.equal(decide(three, { failback: immediate }), 'move to A');
  assert.equal(decide({ ...three, inSync: ['C', 'A', 'B'] }, { failback: immediate }), 'move to C');
});

test('failback: a copy that left the set for a moment: its time begins anew', () => {
  const watch = new InSyncWatch();
  watch.observe(['A', 'B'], 1_000);
  watch.observe(['A', 'B'], 9_000);
  assert.equal(watch.forMs('A', 10_000), 9_000);
  watch.observe(['B'], 10_000);
  assert.equal(watch.forMs('A', 11_000), 0);
  watch.observe(['A', 'B'], 12_000);
  assert.equal(watch.forMs('A', 13_000), 1_000);
});

test('failback: in the register: only policies and hours that exist', () => {
  const holds = (failback: unknown) => documentOf({}, { failback } as Partial<ClusteredMailboxServerRecord>);
  parseRegisterDocument(holds({ policy: 'window', fromHour: 22, toHour: 4 }));
  parseRegisterDocument(holds({ policy: 'prevent' }));
  for (const wrong of [
    { policy: 'always' },
    { policy: 'window', fromHour: 24, toHour: 4 },
    { policy: 'window' },
    'x',
  ]) {
    assert.throws(() => parseRegisterDocument(holds(wrong)), { code: 'RegisterDocumentInvalid' });
  }
});
