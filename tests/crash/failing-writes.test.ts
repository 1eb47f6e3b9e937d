/**
 * The disk fails at the Nth write of the storage's story, for every N, once or from then on, or writes less than it was
 * asked to. What was said to be kept is there when the disk is well again, and who was refused is told why and of which
 * file.
 */
import { test } from 'node:test';
import { noFaultyDisk as skip, sufferEach } from '../support/disk-faults.ts';

test('failing disk: EIO at the Nth write, for every N: what was promised is kept', { skip }, () =>
  sufferEach('EIO at writes', [
    { kind: 'write', action: 'EIO', ever: false },
    { kind: 'write', action: 'EIO', ever: true },
  ]),
);

test('failing disk: ENOSPC at the Nth write, for every N: what was promised is kept', { skip }, () =>
  sufferEach('ENOSPC at writes', [
    { kind: 'write', action: 'ENOSPC', ever: false },
    { kind: 'write', action: 'ENOSPC', ever: true },
  ]),
);

test('failing disk: the Nth write does half of its bytes, for every N: the other half follows', { skip }, () =>
  sufferEach('short writes', [{ kind: 'write', action: 'short', ever: false }]),
);
