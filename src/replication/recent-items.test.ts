import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../base/assert.ts';
import type { LogItem } from '../log/transaction-log.ts';
import { RecentItems } from './recent-items.ts';

const record = (lsn: number, bytes = 100): LogItem => ({ type: 'record', lsn, frame: Buffer.alloc(bytes) });
const file = (generation: number): LogItem => ({ type: 'file', generation, header: Buffer.alloc(100) });
const lsns = (items: LogItem[] | undefined): (number | string)[] =>
  present(items, 'they are here').map((item) => (item.type === 'record' ? item.lsn : `file ${item.generation}`));

test('recent items: a copy that is caught up: gets what is new, in order', () => {
  const recent = new RecentItems({ limitBytes: 10_000, endLsn: 5 });
  for (const lsn of [6, 7, 8]) recent.push(record(lsn), 8);
  assert.deepEqual(lsns(recent.following(6, 1, 10_000)), [7, 8]);
  assert.deepEqual(lsns(recent.following(8, 1, 10_000)), []);
});

test('recent items: a new file: its header comes once, before its first record', () => {
  const recent = new RecentItems({ limitBytes: 10_000, endLsn: 5 });
  recent.push(record(6), 6);
  recent.push(file(2), 6);
  assert.deepEqual(lsns(recent.following(6, 1, 10_000)), ['file 2']);
  assert.deepEqual(lsns(recent.following(6, 2, 10_000)), []);
  recent.push(record(7), 7);
  assert.deepEqual(lsns(recent.following(5, 1, 10_000)), [6, 'file 2', 7]);
  assert.deepEqual(lsns(recent.following(6, 2, 10_000)), [7]);
});

test('recent items: a copy that is behind: must read the files', () => {
  const recent = new RecentItems({ limitBytes: 250, endLsn: 0 });
  for (let lsn = 1; lsn <= 5; lsn++) recent.push(record(lsn), 5);
  assert.equal(recent.following(1, 1, 10_000), undefined);
  assert.deepEqual(lsns(recent.following(3, 1, 10_000)), [4, 5]);
});

test('recent items: not durable yet: kept, however much it is', () => {
  const recent = new RecentItems({ limitBytes: 250, endLsn: 0 });
  for (let lsn = 1; lsn <= 9; lsn++) recent.push(record(lsn), 2);
  assert.deepEqual(lsns(recent.following(2, 1, 300)), [3, 4, 5]);
});
