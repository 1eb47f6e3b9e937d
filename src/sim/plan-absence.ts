/**
 * In async mode a copy that is too far behind waits for the hour that an administrator has set. For that the policy must be
 * set, the owner be away for longer, and the other copy lack records that it knows of, while nobody disturbs the wait: by
 * chance that comes once in thousands of lives, so it comes in every long one of that mode.
 */
import { SeededRandom } from '../base/random.ts';
import { type NemesisPlan, withFaults } from './nemesis.ts';

const MINUTE_MS = 60_000;
const SHORTEST_MS = 65 * MINUTE_MS;
const LONGEST_MS = 90 * MINUTE_MS;

/** The plan with an absence in it; nothing else begins meanwhile. Its chances are of a seed of their own. */
export function withAbsence(plan: NemesisPlan, seed: number): NemesisPlan {
  const random = new SeededRandom(seed ^ 0xab5e);
  const lastsMs = SHORTEST_MS + random.below(LONGEST_MS - SHORTEST_MS);
  const durationMs = Math.max(plan.durationMs, 2 * lastsMs);
  const atMs = random.below(durationMs - lastsMs);
  const others = plan.faults.filter((fault) => fault.atMs < atMs || fault.atMs >= atMs + lastsMs);
  const during = { atMs, lastsMs, seed: random.below(0x1_0000_0000) };
  return withFaults({ ...plan, durationMs, faults: others }, [
    { kind: 'forced mount after an hour', ...during },
    { kind: 'active lost behind a cut', ...during },
  ]);
}
