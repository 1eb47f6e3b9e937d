import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closedName, preparedName } from '../../log/log-file.ts';
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

test('check of a log: its newest files have not got their names: each is checked, and the last one is the open one', async () => {
  const disk = await writtenWorld(60);
  const whole = await checkLog(disk, FOLDER);
  const unnamed = ['E00.log', closedName(whole.generation - 1), closedName(whole.generation - 2)];
  for (const name of await disk.list(FOLDER)) if (name.includes('tmp')) await disk.remove(`${FOLDER}/${name}`);
  for (const [slot, name] of unnamed.entries())
    await disk.rename(`${FOLDER}/${name}`, `${FOLDER}/${preparedName(slot + 1)}`);
  const { findings, endLsn, generation } = await checkLog(disk, FOLDER);
  assert.deepEqual([findings, endLsn, generation], [[], whole.endLsn, whole.generation]);
  await disk.write(`${FOLDER}/${preparedName(2)}`, 4_200, Buffer.from('damage'));
  assert.deepEqual(
    (await checkLog(disk, FOLDER)).findings.map(({ file }) => file),
    [`${FOLDER}/${preparedName(2)}`],
  );
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
