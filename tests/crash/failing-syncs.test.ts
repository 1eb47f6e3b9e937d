/**
 * The disk fails at the Nth fsync or fdatasync of the storage's story, for every N, once or from then on. What was said
 * to be kept is there when the disk is well again, and who was refused is told why and of which file.
 */
import { test } from 'node:test';
import { noFaultyDisk as skip, sufferEach } from '../support/disk-faults.ts';

test('failing disk: EIO at the Nth sync, for every N: what was promised is kept', { skip }, () =>
  sufferEach('EIO at syncs', [
    { kind: 'sync', action: 'EIO', ever: false },
    { kind: 'sync', action: 'EIO', ever: true },
  ]),
);

test('failing disk: ENOSPC at the Nth sync, for every N: what was promised is kept', { skip }, () =>
  sufferEach('ENOSPC at syncs', [
    { kind: 'sync', action: 'ENOSPC', ever: false },
    { kind: 'sync', action: 'ENOSPC', ever: true },
  ]),
);
