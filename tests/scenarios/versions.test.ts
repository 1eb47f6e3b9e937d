/** N19: hosts with different versions of the software; a move of messages is what only the present one can record. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatLevelOf, raiseFormatLevel } from '../../src/cluster/format-level.ts';
import { INBOX } from '../../src/mail/mailbox-name.ts';
import { type Stage, scenario } from '../../src/sim/scenario.ts';
import type { SimulatedHost } from '../../src/sim/simulated-host.ts';
import { earlierSoftware, presentSoftware, type SimulatedSoftware } from '../../src/sim/software.ts';

const LEVEL = presentSoftware.highest;

function level(stage: Stage): number {
  const document = stage.cluster.register.chosen();
  return document === undefined ? 0 : formatLevelOf(document);
}

async function restartWith(stage: Stage, host: SimulatedHost, software: SimulatedSoftware): Promise<void> {
  host.kill();
  host.install(software);
  await stage.sleep(500);
  host.start();
}

/** True when it was answered. */
async function moveOne(stage: Stage, target: string): Promise<boolean> {
  const folder = await stage.look();
  const message = folder.messages.at(-1);
  assert(message !== undefined, 'there is a message to move');
  return stage.cluster.client.changes.move(INBOX, message, target);
}

async function makeFolder(stage: Stage): Promise<string> {
  const name = await stage.cluster.client.changes.createFolder();
  assert(name !== undefined, 'a folder is made');
  return name;
}

test('N19: a rolling update: mail goes on, nothing new is written before the level is raised, and then it is', async () => {
  await scenario(
    async (stage) => {
      const { active, passive, cluster } = stage;
      await stage.deliver(5);
      const folder = await makeFolder(stage);
      stage.startLoad();
      await restartWith(stage, passive, presentSoftware);
      await stage.well();
      await stage.move(passive);
      await stage.servesOn(passive, 5_000);
      await stage.sleep(1_000);
      assert.equal(await moveOne(stage, folder), false, 'the host that is active could, and does not');
      await assert.rejects(cluster.administrator.order((document) => raiseFormatLevel(document, LEVEL)));
      await restartWith(stage, active, presentSoftware);
      await stage.well();
      assert.equal(await moveOne(stage, folder), false, 'installed is not raised');
      await cluster.administrator.order((document) => raiseFormatLevel(document, LEVEL));
      await stage.well();
      await stage.becomes('the level is raised', () => level(stage) === LEVEL, 1_000);
      await stage.stopLoad();
      await stage.sleep(2_000);
      assert.equal(await moveOne(stage, folder), true);
    },
    { software: earlierSoftware },
  );
});

test('N19: a downgrade before the level is raised: the host is taken back as if nothing had happened', async () => {
  await scenario(
    async (stage) => {
      const { passive } = stage;
      await restartWith(stage, passive, presentSoftware);
      await stage.well();
      await stage.deliver(5);
      await restartWith(stage, passive, earlierSoftware);
      await stage.well();
      await stage.move(passive);
      await stage.deliver(1);
    },
    { software: earlierSoftware },
  );
});

test('case 20: a host goes back to a version that does not read the level: it does not join and says what to do, the other one serves', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    await stage.deliver(5);
    await restartWith(stage, passive, earlierSoftware);
    await stage.becomes('it is refused', () => passive.refusal !== undefined, 3_000);
    assert.equal(passive.refusal?.code, 'FormatLevelUnreadable');
    assert.match(passive.refusal?.message ?? '', /level 2.*reads 1 to 1\. Install/);
    await stage.deliver(5);
    await stage.inSync([active], 5_000);
    // Whoever runs it does as the message says.
    await stage.well();
  });
});

test('N19: the active copy writes what the passive one does not know: it is refused before it is acknowledged, and that copy leaves the set', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    await stage.deliver(5);
    const folder = await makeFolder(stage);
    passive.kill();
    passive.software = { ...presentSoftware, levelOf: (kind) => earlierSoftware.levelOf(kind) };
    passive.start();
    await stage.well();
    const before = passive.view?.durableLsn ?? 0;
    assert.equal(await moveOne(stage, folder), true);
    await stage.inSync([active], 5_000);
    assert.equal(passive.view?.durableLsn, before, 'nothing of it is in its log');
    assert.match(passive.view?.failedMessage ?? '', /does not know it\. Update this host/);
    await stage.deliver(2);
    await restartWith(stage, passive, presentSoftware);
    await stage.well();
  });
});
