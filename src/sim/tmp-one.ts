import { plantedBugs } from './planted-bugs.ts';
import { runSeed } from './run-seed.ts';

const [seed, name] = [Number(process.argv[2]), process.argv[3]];
const bug = plantedBugs.find((b) => b.name === name);
const r = await runSeed(seed, bug ? { bug } : {});
console.log(seed, name, r.violation?.message.slice(0, 700));
if (process.argv[4])
  console.log(
    r.story
      .slice(-Number(process.argv[4]))
      .map((l) => l.slice(0, 220))
      .join('\n'),
  );
