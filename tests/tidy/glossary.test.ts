import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, readSources, readTexts, type SourceFile, walk } from '../../scripts/source-tree.ts';

/** The last column of the table of words in ARCHITECTURE.md: what we do not say for it. */
function unsaidWords(architecture: string): Map<string, string> {
  const unsaid = new Map<string, string>();
  const [, section = ''] = architecture.split(/^## Words$/m);
  for (const line of section.split(/^## /m)[0]?.split('\n') ?? []) {
    const [, word = '', , instead = ''] = line.split('|').map((cell) => cell.trim());
    for (const term of instead.split(',').map((text) => text.trim())) if (/^[a-z]+$/.test(term)) unsaid.set(term, word);
  }
  return unsaid;
}

/** `leaderOfShard` is made of leader, of and shard. */
function wordsOf(name: string): string[] {
  return name.split(/[^A-Za-z]+|(?<=[a-z])(?=[A-Z])/).map((word) => word.toLowerCase().replace(/s$/, ''));
}

function strangers(file: SourceFile, unsaid: ReadonlyMap<string, string>): string[] {
  const found = new Set<string>();
  walk(parse(file).program, (node) => {
    if (node.type !== 'Identifier') return;
    for (const word of wordsOf(node.name)) {
      const ours = unsaid.get(word);
      if (ours !== undefined) found.add(`${file.path}: ${node.name}: we say ${ours}`);
    }
  });
  return [...found];
}

const unsaid = unsaidWords(readTexts('ARCHITECTURE.md')[0]?.text ?? '');

test('glossary: names in the code: use our word for the thing', () => {
  assert.ok(unsaid.size >= 8, 'the table of words was not read');
  assert.deepEqual(
    readSources('src').flatMap((file) => strangers(file, unsaid)),
    [],
  );
});

test('glossary: a planted stranger: is found inside longer names', () => {
  const words = new Map([['leader', 'active']]);
  const of = (text: string) => strangers({ path: 'src/log/x.ts', text }, words).length;
  assert.equal(of('const currentLeaders = 1;'), 1);
  assert.equal(of('const misleaderly = 1;'), 0);
});
