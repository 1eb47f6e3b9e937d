import assert from 'node:assert/strict';
import { test } from 'node:test';
import { referencePage, referencePath } from '../../scripts/reference.ts';
import { readTexts } from '../../scripts/source-tree.ts';
import { registry } from '../../src/admin/registry.ts';

test('reference: the committed page: says what the registry says', () => {
  const [page] = readTexts(referencePath);
  assert.equal(page?.text, referencePage(), 'npm run reference makes it anew');
});

test('reference: the page: has a section for every command', () => {
  const sections = [...referencePage().matchAll(/^## (.+)$/gm)].map(([, name]) => name);
  assert.deepEqual(
    sections,
    registry.commands.map((command) => command.name),
  );
});
