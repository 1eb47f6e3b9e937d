/**
 * Two versions of the software, for runs in which hosts are updated one after the other (N19). The present one is what
 * stands in this tree; the one before it is the same without one kind of record, the one for messages that were moved,
 * which came with the second format level. So a move is what a cluster learns by being raised.
 */
import type { SoftwareFormats } from '../cluster/format-level.ts';
import { type RecordFormats, recordFormats } from '../store/record-formats.ts';

export type SimulatedSoftware = SoftwareFormats & RecordFormats;

/** MessagesMoved. */
const NEWEST_KIND = 12;

export const earlierSoftware: SimulatedSoftware = {
  software: 'earlier',
  lowest: 1,
  highest: 1,
  levelOf: (kind) => (kind === NEWEST_KIND ? undefined : recordFormats.levelOf(kind)),
};

export const presentSoftware: SimulatedSoftware = {
  software: 'present',
  lowest: 1,
  highest: 2,
  levelOf: (kind) => (kind === NEWEST_KIND ? 2 : recordFormats.levelOf(kind)),
};
