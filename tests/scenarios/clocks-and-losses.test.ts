/** The fault catalogue of docs/invariants.md: N18, clocks; N25, a takeover that loses records under the clients' eyes. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLOCK_DRIFT } from '../../src/cluster/timing.ts';
import { scenario } from '../../src/sim/scenario.ts';

const HOUR_MS = 3_600_000;

test('N18: wall clocks jump by hours and years, there and back, while the machines drift: one copy leads, and nothing is lost', async () => {
  await scenario(
    async (stage) => {
      stage.startLoad();
      for (const byMs of [HOUR_MS, -HOUR_MS, 365 * 24 * HOUR_MS, -365 * 24 * HOUR_MS]) {
        for (const host of stage.cluster.hosts) {
          host.clock.jumpWall(byMs);
          await stage.sleep(3_000);
          await stage.well(20_000);
        }
      }
    },
    { maxDrift: CLOCK_DRIFT },
  );
});

test('N18: the wall clock of the leader strobes: it answers when its lease can be proven, and nobody leads beside it', async () => {
  await scenario(async (stage) => {
    stage.startLoad();
    for (let strobe = 0; strobe < 100; strobe++) {
      stage.cluster.serving?.clock.jumpWall(strobe % 2 === 0 ? 200 : -200);
      await stage.sleep(50);
    }
    await stage.well(20_000);
  });
});

test('N25: a takeover in async mode loses mail, flags and an expunge: the mail comes back from the dumpster once, under new UIDs', async () => {
  await scenario(
    async (stage) => {
      const { active, passive, cluster } = stage;
      await stage.send(5);
      await stage.sleep(500);
      stage.cut(active.name, passive.name);
      await stage.send(3);
      const before = await stage.look();
      assert.equal(before.messages.length, 8);
      const shown = before.messages[7];
      assert(shown !== undefined);
      await cluster.client.changes.flag('INBOX', shown);
      active.losePower();
      stage.heal();
      await stage.servesOn(passive, 8_000);
      const isKnown = (): boolean => cluster.client.finder.active()?.host === passive.name;
      await stage.becomes('the clients know who is active', isKnown, 5_000);
      await stage.sleep(1_000);
      await stage.becomes('the dumpster is empty handed', () => cluster.hub.queue?.queuedMessages === 0, 5_000);
      const after = await stage.look();
      assert.equal(after.messages.length, 8);
      const isNew = ({ uid }: { uid: number }): boolean => uid > shown.uid;
      assert.equal(after.messages.filter(isNew).length, 3, 'what came back has UIDs that nobody was shown before');
      assert.equal(cluster.group?.lossy?.cause, 'dial');
    },
    { mode: 'async' },
  );
});

test('N25: mail that its reader expunged or moved before the takeover, as both copies know: the dumpster does not bring it back', async () => {
  await scenario(
    async (stage) => {
      const { active, passive, cluster } = stage;
      const { changes } = cluster.client;
      await stage.send(4);
      const [first, second] = (await stage.look()).messages;
      assert(first !== undefined && second !== undefined);
      const folder = await changes.createFolder();
      assert(folder !== undefined);
      assert(await changes.expunge('INBOX', first));
      assert(await changes.move('INBOX', second, folder));
      await stage.sleep(1_000);
      stage.cut(active.name, passive.name);
      await stage.send(1);
      active.losePower();
      stage.heal();
      await stage.servesOn(passive, 8_000);
      assert.equal(passive.serving?.lossy, true);
      await stage.sleep(1_000); // hub and client hear of it
      await stage.becomes('everything is sent again', () => cluster.hub.queue?.queuedMessages === 0, 5_000);
      const inbox = (await stage.look()).messages;
      assert.equal(inbox.length, 3);
      assert(inbox.every(({ sha256 }) => sha256 !== first.sha256 && sha256 !== second.sha256));
      assert.equal((await stage.look(folder)).messages.length, 1);
    },
    { mode: 'async' },
  );
});
