/** The response code COPYUID (RFC 4315 3): which copy belongs to which original, in order. */
import type { CopyResult } from '../../store/mail-store.ts';

/** Nothing when nothing was copied. */
export function copyUid(result: CopyResult): { code?: string } {
  if (result.sourceUids.length === 0) return {};
  return { code: `COPYUID ${result.uidValidity} ${printUids(result.sourceUids)} ${printUids(result.targetUids)}` };
}

/** A uid-set in the order given: pairs would fall apart if it were sorted. */
export function printUids(uids: readonly number[]): string {
  const parts: string[] = [];
  for (let start = 0; start < uids.length; ) {
    const first = uids[start] ?? 0;
    let length = 1;
    while (uids[start + length] === first + length) length++;
    parts.push(length === 1 ? String(first) : `${first}:${first + length - 1}`);
    start += length;
  }
  return parts.join(',');
}
