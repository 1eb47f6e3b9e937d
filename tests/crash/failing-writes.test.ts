/**
 * The disk fails at the Nth write of the storage's story, for every N, once or from then on, or writes less than it was
 * asked to. What was said to be kept is there when the disk is well again, and who was refused is told why and of which
 * file.
 */
import { test } from 'node:test';
import { noFaultyDisk as skip, sufferEach } from '../support/disk-faults.ts';

for (const action of ['EIO', 'ENOSPC'] as const) {
  test(`failing disk: ${action} at the Nth write, for every N: what was promised is kept`, { skip }, () =>
    sufferEach(`${action} at writes`, [{ kind: 'write', actions: [action], ever: false }]),
  );
}

test('failing disk: the Nth write and all that follow fail, for every N: what was promised is kept', { skip }, () =>
  sufferEach('writes that fail from then on', [{ kind: 'write', actions: ['EIO', 'ENOSPC'], ever: true }]),
);

test('failing disk: the Nth write does half of its bytes, for every N: the other half follows', { skip }, () =>
  sufferEach('short writes', [{ kind: 'write', actions: ['short'], ever: false }]),
);
