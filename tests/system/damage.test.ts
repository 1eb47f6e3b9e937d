/**
 * Damaged files of a copy, on real processes and under load: a database page, the first log file. The copy is made
 * whole from the other one by itself, and then stands alone with everything.
 */
import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Demo, otherNode } from '../support/demo.ts';
import { fullCheck } from '../support/full-check.ts';
import { faultsOf } from '../support/history-check.ts';
import { Load } from '../support/load.ts';
import { waitFor } from '../support/wait.ts';

const SEED = 2;
const MESSAGES_BEFORE = 200;
const LIMIT_MS = 240_000;

const SIGN = {
  'database.sqlite': 'the damaged part of this copy was made anew',
  'log/E0000000001.log': 'the log is damaged',
} as const;

function damage(path: string): void {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(512, 0x55), 0, 512, 0);
  closeSync(file);
}

for (const role of ['passive', 'active'] as const) {
  for (const name of ['database.sqlite', 'log/E0000000001.log'] as const) {
    test(`damage: ${name} of the ${role} copy: made whole from the other one`, { timeout: LIMIT_MS }, async (t) => {
      const demo = await Demo.start({ users: 4 });
      t.after(() => demo.stop());
      const active = await demo.waitUntilHealthy();
      const host = role === 'active' ? active : otherNode(active);
      const load = new Load(demo, SEED);
      t.after(() => load.end());
      load.start();
      const path = join(demo.hostFolder(host), 'copies', 'First Storage Group', name);
      await waitFor(`mail has come in, and ${name} is there`, 60_000, () =>
        Promise.resolve(load.history.messages.length >= MESSAGES_BEFORE && existsSync(path) ? true : undefined),
      );
      await demo.stopHost(host);
      damage(path);
      await demo.startHost(host);
      await waitFor('it was made anew', 60_000, () =>
        Promise.resolve(demo.hostLog(host).includes(SIGN[name]) ? true : undefined),
      );
      await demo.waitUntilHealthy();

      await demo.kill(otherNode(host));
      assert.equal(await demo.waitForActive(), host, 'the mended copy took over');
      await load.hold();
      const verdict = await fullCheck(load.imap, load.users, load.history);
      assert.deepEqual(faultsOf(verdict).slice(0, 20), []);
      assert.deepEqual(load.violations, []);
      assert.ok(verdict.acknowledged >= MESSAGES_BEFORE);
      console.log(`# ${verdict.acknowledged} acknowledged messages are on the mended copy`);
    });
  }
}
