import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atLeast, outOfStep } from '../../scripts/bootstrap.mjs';
import { readTap } from '../../scripts/test-groups.ts';

test('bootstrap: versions: are compared as numbers, part by part', () => {
  assert.ok(atLeast('24.21.0', '24.21.0'));
  assert.ok(atLeast('26.0.0', '24.21.0'));
  assert.ok(atLeast('3.51.10', '3.51.3'));
  assert.ok(!atLeast('24.9.0', '24.21.0'));
  assert.ok(!atLeast('0', '3.51.3'));
  assert.ok(!atLeast('20.20.2', '24.21.0'));
});

const lock = {
  packages: {
    '': { version: '1.0.0' },
    'node_modules/zod': { version: '4.6.7' },
    'node_modules/knip': { version: '6.44.2', dev: true },
    'node_modules/other-platform': { version: '1.0.0', optional: true },
  },
};

test('bootstrap: an empty or older tree: is out of step with the lockfile', () => {
  assert.deepEqual(outOfStep(lock, {}, { production: false }), ['node_modules/zod', 'node_modules/knip']);
  const older = { packages: { ...lock.packages, 'node_modules/zod': { version: '4.6.6' } } };
  assert.deepEqual(outOfStep(lock, older, { production: false }), ['node_modules/zod']);
});

test('bootstrap: a tree without development packages: is enough to serve, not to test', () => {
  const serving = { packages: { 'node_modules/zod': { version: '4.6.7' } } };
  assert.deepEqual(outOfStep(lock, serving, { production: true }), []);
  assert.deepEqual(outOfStep(lock, serving, { production: false }), ['node_modules/knip']);
});

test('test summary: TAP: counts cancelled as failed and names what was skipped', () => {
  const tap = [
    '    ok 1 - inner # SKIP mutt is not installed',
    'not ok 2 - broken',
    'ok 3 - quiet # SKIP',
    '# tests 4',
    '# pass 0',
    '# fail 1',
    '# cancelled 1',
  ];
  const { skipped, ...counts } = readTap(tap.join('\n'));
  assert.deepEqual(counts, { tests: 4, passed: 0, failed: 2 });
  assert.deepEqual(skipped, ['inner (mutt is not installed)', 'quiet']);
  assert.deepEqual(readTap(''), { tests: 0, passed: 0, failed: 0, skipped: [] });
});
