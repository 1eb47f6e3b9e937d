/**
 * The disk fails at the Nth fsync or fdatasync of the storage's story, for every N, once or from then on. What was said
 * to be kept is there when the disk is well again, and who was refused is told why and of which file.
 */
import { test } from 'node:test';
import { noFaultyDisk as skip, sufferEach } from '../support/disk-faults.ts';

test(
  'failing disk: the Nth sync fails once, with EIO and with ENOSPC, for every N: what was promised is kept',
  { skip },
  () =>
    sufferEach('syncs that fail once', [
      { kind: 'sync', actions: ['EIO'], ever: false },
      { kind: 'sync', actions: ['ENOSPC'], ever: false },
    ]),
);

test('failing disk: the Nth sync and all that follow fail, for every N: what was promised is kept', { skip }, () =>
  sufferEach('syncs that fail from then on', [{ kind: 'sync', actions: ['EIO', 'ENOSPC'], ever: true }]),
);
