/**
 * A failing seed with fewer faults. Each fault has a seed of its own, so leaving one out changes nothing of the others'
 * chances; what still breaks the same promise is the shorter story. Halves first, then single ones (Zeller, "delta
 * debugging"), until no fault can be spared or the budget of runs is used up.
 */
import type { PlantedBug } from './planted-bugs/planted-bug.ts';
import { runSeed, type SeedResult } from './run-seed.ts';

/** Runs that may be spent on one seed. */
const MAX_RUNS = 60;

/** The shortest failing run that was found: at the worst, `failed` itself. */
export async function shrinkSeed(failed: SeedResult, options: { bug?: PlantedBug } = {}): Promise<SeedResult> {
  let best = failed;
  let runs = 0;
  for (let chunks = 2; best.faultNumbers.length > 0 && runs < MAX_RUNS; ) {
    const size = Math.ceil(best.faultNumbers.length / chunks);
    let isShorter = false;
    for (let from = 0; from < best.faultNumbers.length && runs < MAX_RUNS; from += size) {
      const only = best.faultNumbers.filter((_number, index) => index < from || index >= from + size);
      runs += 1;
      const result = await runSeed(best.seed, { ...options, only });
      if (result.violation?.invariant !== failed.violation?.invariant) continue;
      best = result;
      isShorter = true;
      break;
    }
    if (isShorter) chunks = Math.max(2, chunks - 1);
    else if (size === 1) break;
    else chunks = Math.min(best.faultNumbers.length, 2 * chunks);
  }
  return best;
}
