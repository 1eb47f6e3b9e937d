/**
 * The disk becomes read-only at the Nth change, no further file can be opened, or a file is not renamed, removed, made,
 * cut or read: at every such call of the storage's story. What was said to be kept is there when the disk is well again,
 * and who was refused is told why and of which file.
 */
import { test } from 'node:test';
import { type EachCall, noFaultyDisk as skip, sufferEach } from '../support/disk-faults.ts';
import type { FaultAction } from '../support/faulty-disk.ts';

function onceAndForEver(action: FaultAction, kinds: readonly string[]): EachCall[] {
  return kinds.flatMap((kind) => [false, true].map((ever) => ({ kind, actions: [action], ever })));
}

test('failing disk: read-only from the Nth change on, for every N: what was promised is kept', { skip }, () =>
  sufferEach('EROFS', [{ kind: 'any', actions: ['EROFS'], ever: true }]),
);

test('failing disk: the Nth file cannot be opened, for every N: what was promised is kept', { skip }, () =>
  sufferEach('EMFILE at opens', onceAndForEver('EMFILE', ['open'])),
);

test(
  'failing disk: the Nth rename, removal, cut or new folder fails, for every N: what was promised is kept',
  { skip },
  () => sufferEach('EIO at names', onceAndForEver('EIO', ['rename', 'unlink', 'truncate', 'mkdir'])),
);

test('failing disk: the Nth read fails, for every N: what was promised is kept', { skip }, () =>
  sufferEach('EIO at reads', [{ kind: 'read', actions: ['EIO'], ever: false }]),
);
