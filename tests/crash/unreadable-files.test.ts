/**
 * While a copy serves, its disk answers a read with an error, once or for ever, in every kind of file that it keeps. What
 * cannot be read is never made up for by something else; it is told, and mended from the other copy or from memory.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { noFaultyDisk as skip } from '../support/disk-faults.ts';
import { buildFaultyDisk, type FaultyDisk, faultyEnvironment } from '../support/faulty-disk.ts';
import { runProgram } from '../support/program.ts';

const PROGRAM = fileURLToPath(new URL('../support/unreadable-program.ts', import.meta.url));
const CASES = [
  'a message',
  'a message, met by the scrub',
  'a closed log file',
  'a closed log file, met by the scrub',
  'the database',
  'the database, met by the scrub',
  'a note',
];

let disk: FaultyDisk | undefined;

before(() => {
  if (skip === false) disk = buildFaultyDisk();
});

after(() => {
  if (disk !== undefined) rmSync(disk.folder, { recursive: true, force: true });
});

for (const title of CASES) {
  for (const times of ['once', 'ever']) {
    test(`failing disk: ${title} cannot be read, ${times}: it is told and mended`, { skip }, async () => {
      assert.ok(disk !== undefined);
      const root = mkdtempSync(join(disk.folder, 'unreadable-'));
      const { code, stderr } = await runProgram(process.execPath, [PROGRAM, root, title, times], {
        env: faultyEnvironment(disk, root),
      });
      assert.equal(code, 0, stderr);
    });
  }
}
