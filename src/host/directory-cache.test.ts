import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FileDirectoryCache } from './directory-cache.ts';

test('directory cache: nothing there, then saved, then replaced: always a whole list or none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-cache-'));
  try {
    const cache = new FileDirectoryCache(join(folder, 'recipients'));
    assert.equal(await cache.load(), undefined);
    await cache.save(Buffer.from('one'));
    await cache.save(Buffer.from('two'));
    assert.equal(String(await cache.load()), 'two');
    assert.deepEqual(readdirSync(folder), ['recipients']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
