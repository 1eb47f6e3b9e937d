import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemFromCode } from './disk-problem.ts';

const SAYINGS: readonly (readonly [system: string, code: string, message: string])[] = [
  ['EIO', 'DiskFailed', 'Cannot write a.log: the disk reports an error (EIO). Check the disk.'],
  [
    'EROFS',
    'DiskFailed',
    'Cannot write a.log: the file system is read-only (EROFS). Check the disk, and make it writable again.',
  ],
  ['EACCES', 'DiskFailed', 'Cannot write a.log: permission denied (EACCES). Look whom the folder belongs to.'],
  ['ENOSPC', 'DiskFull', 'Cannot write a.log: the disk is full. Make room on it.'],
  ['EDQUOT', 'DiskFull', 'Cannot write a.log: the disk is full. Make room on it.'],
  [
    'EMFILE',
    'TooManyFiles',
    'Cannot write a.log: too many files are open (EMFILE). Raise the limit (ulimit -n, LimitNOFILE).',
  ],
  ['ENOENT', 'FileMissing', 'Cannot write a.log: there is no such file.'],
  ['EXDEV', 'DiskFailed', 'Cannot write a.log: EXDEV: cross-device link. Check the disk.'],
];

test('disk problem: what the system says: action, state and next step in our words', () => {
  for (const [system, code, message] of SAYINGS) {
    const problem = problemFromCode(system, `${system}: cross-device link`, 'write a.log');
    assert.deepEqual([problem.code, problem.message], [code, message]);
  }
});
