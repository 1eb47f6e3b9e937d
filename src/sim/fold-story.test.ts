import { deepEqual } from 'node:assert/strict';
import { test } from 'node:test';
import { foldStory } from './fold-story.ts';

test('story: two lines take turns for ever: each is told once, with how often; what happens between them stays', () => {
  const lines = ['   10.000  node1     starts'];
  for (let round = 1; round <= 50; round++) {
    lines.push(`  ${round}00.100  node2     warning: cannot follow  (peer="node1" times=${round})`);
    lines.push(`  ${round}00.200  node1     warning: a copy is gone`);
    if (round === 20) lines.push('  2000.300  nemesis   fault 2: kill');
  }
  deepEqual(foldStory(lines), [
    '   10.000  node1     starts',
    '  100.100  node2     warning: cannot follow  (peer="node1" times=1)  [50 times, until 5000.100]',
    '  100.200  node1     warning: a copy is gone  [50 times, until 5000.200]',
    '  2000.300  nemesis   fault 2: kill',
  ]);
});

test('story: the same thing happens again much later: it is told again', () => {
  const lines = Array.from({ length: 16 }, (_, index) => `  ${index}.000  node1     line ${index % 8}`);
  deepEqual(foldStory(lines), lines);
});
