/**
 * A record's place in the history of a storage group: `epoch * 2^32 + n`, one safe integer, so that it is compared,
 * stored and shown to clients as MODSEQ like any number. `n` starts again at 1 in every epoch: what two nodes wrote
 * under different epochs can then never carry the same number. 0 stands before everything.
 */
import { assert } from '../base/assert.ts';

const NUMBERS_PER_EPOCH = 2 ** 32;

/** 2^53 / 2^32, less one: an activation a second would last 24 days, an honest cluster lasts for ever. */
export const MAX_EPOCH = 2 ** 21 - 1;

export function makeLsn(epoch: number, number: number): number {
  assert(Number.isInteger(epoch) && epoch >= 0 && epoch <= MAX_EPOCH, `Not an epoch: ${epoch}`);
  assert(Number.isInteger(number) && number >= 0 && number < NUMBERS_PER_EPOCH, `Not a record number: ${number}`);
  return epoch * NUMBERS_PER_EPOCH + number;
}

export function epochOf(lsn: number): number {
  return Math.floor(lsn / NUMBERS_PER_EPOCH);
}

export function numberOf(lsn: number): number {
  return lsn % NUMBERS_PER_EPOCH;
}

/** "epoch:n", for people. */
export function formatLsn(lsn: number): string {
  return `${epochOf(lsn)}:${numberOf(lsn)}`;
}
