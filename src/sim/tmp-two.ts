import { runSeed } from './run-seed.ts';
import { writeFileSync } from 'node:fs';
const from = Number(process.argv[2]);
let rot = 0;
for (let s = from; s < from + Number(process.argv[3]); s++) {
  const r = await runSeed(s);
  if (r.faults['log rotten']) rot++;
  if (r.violation) { console.log(s, r.violation.message.slice(0, 500)); writeFileSync(`/tmp/story-${s}.txt`, r.story.join('\n')); }
}
console.log('rot', rot);
