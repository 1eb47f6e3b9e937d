import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FOLDER, openWorld, writtenWorld } from '../../log/testing/log-story.ts';
import { checkLog } from './check-log.ts';

test('check of a log: the open file lost its name with the power: it is found by its header and whole', async () => {
  const disk = await writtenWorld(60);
  const { endLsn } = await checkLog(disk, FOLDER);
  for (const name of await disk.list(FOLDER)) if (name.includes('tmp')) await disk.remove(`${FOLDER}/${name}`);
  await disk.rename(`${FOLDER}/E00.log`, `${FOLDER}/E00tmp2.log`);
  const check = await checkLog(disk, FOLDER);
  assert.deepEqual(check.findings, []);
  assert.equal(check.endLsn, endLsn);
  const { log } = await openWorld(disk);
  assert.equal(log.endLsn, endLsn);
  await log.close();
});

test('check of a log: the open file is gone: it is missed', async () => {
  const disk = await writtenWorld(60);
  await disk.remove(`${FOLDER}/E00.log`);
  const { findings } = await checkLog(disk, FOLDER);
  assert.deepEqual(
    findings.map(({ file, what }) => `${file}: ${what}`),
    [`${FOLDER}/E00.log: the file is missing`],
  );
});
