/**
 * Records that were once durable and are not there any more. Never cut away silently (S15): it is repaired
 * from another copy, or the copy is not mounted. So the error carries exactly what a repair needs.
 */
import { Problem } from '../base/problem.ts';
import { formatLsn } from './lsn.ts';

export interface Damage {
  /** Name of the file in the log's folder. */
  file: string;
  generation: number | undefined;
  fromByte: number;
  toByte: number;
  /** Everything up to here is whole. */
  lastGoodLsn: number;
  /** First and last LSN that are missing; `lastLsn` is `undefined` where nobody can tell. */
  firstLsn: number;
  lastLsn: number | undefined;
  /** What says that these bytes were once whole. */
  evidence: string;
}

export class LogDamaged extends Problem {
  readonly damage: Damage;

  constructor(action: string, damage: Damage) {
    const last = damage.lastLsn === undefined ? 'an unknown end' : formatLsn(damage.lastLsn);
    super(
      'LogDamaged',
      `Cannot ${action}: ${damage.file} is damaged from byte ${damage.fromByte} to ${damage.toByte}, ` +
        `records ${formatLsn(damage.firstLsn)} to ${last} (${damage.evidence}). Make this copy anew with Update-StorageGroupCopy.`,
    );
    this.damage = damage;
  }
}
