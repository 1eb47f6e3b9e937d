import { plantedBugs } from './planted-bugs.ts';
import { runSeed } from './run-seed.ts';

const name = process.argv[2];
const bug = plantedBugs.find((b) => b.name === name);
for (let seed = Number(process.argv[3]); seed < Number(process.argv[4]); seed++) {
  const t = performance.now();
  const r = await runSeed(seed, bug ? { bug } : {});
  console.log(
    seed,
    name,
    r.events,
    Math.round(r.simulatedMs),
    Math.round(performance.now() - t),
    r.violation?.message.slice(0, 200),
  );
  if (r.violation) break;
}
