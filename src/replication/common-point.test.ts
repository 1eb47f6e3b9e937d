import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeLsn } from '../log/lsn.ts';
import { lastCommonLsn } from './common-point.ts';

const end = (epoch: number, number: number) => ({ epoch, lastLsn: makeLsn(epoch, number) });

test('common point: the copy is a prefix of the active one: it goes on at its end', () => {
  assert.equal(lastCommonLsn([end(1, 50), end(2, 9)], [end(1, 50), end(2, 4)]), makeLsn(2, 4));
});

test('common point: the old active one has a tail that nobody else has: it goes back to where the next epoch began', () => {
  assert.equal(lastCommonLsn([end(3, 100), end(4, 7)], [end(3, 105)]), makeLsn(3, 100));
});

test('common point: the copy missed several epochs: it goes on in the one it knows', () => {
  assert.equal(lastCommonLsn([end(3, 100), end(4, 7), end(5, 1)], [end(2, 9), end(3, 80)]), makeLsn(3, 80));
});

test('common point: epochs of a loser that the active one never saw: they count for nothing', () => {
  assert.equal(lastCommonLsn([end(3, 100), end(5, 1)], [end(3, 100), end(4, 3)]), makeLsn(3, 100));
});

test('common point: no epoch in common: there is none', () => {
  assert.equal(lastCommonLsn([end(7, 1)], [end(3, 100)]), 0);
  assert.equal(lastCommonLsn([end(7, 1)], []), 0);
});
