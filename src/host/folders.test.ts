import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder, makeFolderOnPool, removeFile, removeFolder } from './folders.ts';

test('folders: a folder with everything in it goes; what is not there is no error; what is no folder says so', () => {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-remove-'));
  makeFolder(join(root, 'a', 'b'));
  makeFolder(join(root, 'a', 'b'));
  writeFileSync(join(root, 'a', 'b', 'c'), 'x');
  writeFileSync(join(root, 'a', 'd'), 'x');
  removeFile(join(root, 'nothing'));
  removeFolder(join(root, 'nothing'));
  assert.throws(() => removeFolder(join(root, 'a', 'd')), { code: 'ENOTDIR' });
  removeFolder(root);
  assert.ok(!existsSync(root));
});

for (const [how, make] of [
  ['at once', async (path: string) => makeFolder(path)],
  ['on the pool', makeFolderOnPool],
] as const) {
  test(`folders: a parent that is a file, or leads nowhere, made ${how}: is named, and ends`, async () => {
    const root = mkdtempSync(join(tmpdir(), 'holdfast-make-'));
    writeFileSync(join(root, 'file'), 'x');
    symlinkSync(join(root, 'nowhere'), join(root, 'link'));
    await assert.rejects(make(join(root, 'file', 'b')), { code: 'ENOTDIR' });
    await assert.rejects(make(join(root, 'link', 'b')), { code: 'ENOENT' });
    await make(join(root, 'c', 'd', 'e'));
    assert.ok(existsSync(join(root, 'c', 'd', 'e')));
    removeFolder(root);
  });
}
