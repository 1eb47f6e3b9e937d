/** What docs/guarantees.md says of sync-strict and async, and of an administrator's word. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resumeCopy, setMode, setMountPolicy, suspendCopy } from '../../src/cluster/configuration-changes.ts';
import { type Stage, scenario } from '../../src/sim/scenario.ts';
import { SERVER, STORAGE_GROUP } from '../../src/sim/simulated-cluster.ts';
import type { SimulatedHost } from '../../src/sim/simulated-host.ts';

test('guarantee: No setting answers earlier: in every mode the log of the active copy is synced before an answer, and the hub has what it must keep', async () => {
  for (const mode of ['sync', 'sync-strict', 'async'] as const) {
    await scenario(
      async (stage) => {
        const { active, cluster } = stage;
        active.disk.slowMs = 1_000;
        const delivery = stage.startDelivery();
        await stage.stays(`${mode}: the disk has not synced`, () => !delivery.isAnswered(), 950);
        await delivery.ended;
        active.disk.slowMs = 0;
        if (mode !== 'async') return;
        cluster.hub.disk.slowMs = 1_000;
        const mail = stage.startMail();
        await stage.stays('the dumpster has not synced', () => !mail.isAnswered(), 950);
        await mail.ended;
      },
      { mode },
    );
  }
});

test('guarantee: Changing the mode: loses nothing, to and fro under load, while the active node dies now and then', async () => {
  await scenario(async (stage) => {
    const { cluster } = stage;
    stage.startLoad();
    for (const mode of ['sync-strict', 'async', 'sync'] as const) {
      const { active } = stage;
      const epoch = cluster.group?.epoch ?? 0;
      await cluster.administrator.order((document) => setMode(document, STORAGE_GROUP, mode));
      await stage.becomes(
        `the owner has begun an epoch in ${mode}`,
        () => cluster.group?.mode === mode && cluster.group.epoch > epoch && cluster.serving !== undefined,
        10_000,
      );
      await stage.sleep(1_000);
      if (mode === 'async') continue;
      await stage.well();
      active.losePower();
      await stage.becomes(
        'another one serves',
        () => cluster.serving !== undefined && cluster.serving !== active,
        10_000,
      );
      active.start();
      await stage.well();
    }
  });
});

test('guarantee: sync-strict: without the other copy nothing is acknowledged and nothing queued, and reading goes on', async () => {
  await scenario(
    async (stage) => {
      const { passive, cluster } = stage;
      await stage.send(2);
      passive.kill();
      await stage.sleep(6_000);
      const mail = stage.startMail();
      await stage.stays('the mail is not acknowledged', () => !mail.isAnswered(), 10_000);
      assert.equal(cluster.hub.queue?.queuedMessages, 0);
      assert.equal((await stage.look()).messages.length, 2);
      passive.start();
      await mail.ended;
    },
    { mode: 'sync-strict' },
  );
});

/** The active copy goes on alone for so many closed log files, then loses its power. */
async function leavesBehind(stage: Stage, files: number): Promise<{ active: SimulatedHost; passive: SimulatedHost }> {
  const { active, passive } = stage;
  const generation = (): number => active.view?.generation ?? 0;
  await stage.deliver(1);
  await stage.sleep(500);
  stage.cut(active.name, passive.name);
  const from = generation();
  while (generation() < from + files) await stage.send(1);
  await stage.sleep(2_000);
  active.losePower();
  stage.heal();
  return { active, passive };
}

for (const [dial, tolerated] of [
  ['Lossless', 0],
  ['GoodAvailability', 3],
  ['BestAvailability', 6],
] as const) {
  const small = { mode: 'async', fileSizeBytes: 12_288 } as const;
  const set = (stage: Stage): Promise<void> =>
    stage.cluster.administrator.order((document) => setMountPolicy(document, SERVER, { autoDatabaseMountDial: dial }));

  test(`guarantee: A copy takes over by itself only within the dial: ${dial}: with ${tolerated} closed log files missing it does`, async () => {
    await scenario(async (stage) => {
      if (dial !== 'BestAvailability') await set(stage);
      const { passive } = await leavesBehind(stage, tolerated);
      await stage.servesOn(passive, 10_000);
      assert.equal(stage.cluster.group?.lossy?.missingGenerations ?? 0, tolerated);
    }, small);
  });

  test(`guarantee: A copy takes over by itself only within the dial: ${dial}: with one more missing it waits, and says so`, async () => {
    await scenario(async (stage) => {
      if (dial !== 'BestAvailability') await set(stage);
      const { passive } = await leavesBehind(stage, tolerated + 1);
      await stage.stays('nobody serves', () => stage.cluster.serving === undefined, 20_000);
      const reason = passive.service?.status().seats.get(STORAGE_GROUP)?.waitReason ?? '';
      assert.match(reason, new RegExp(`log files? .* missing here, more than ${dial} tolerates`));
    }, small);
  });
}

test('guarantee: async: beyond the dial a copy waits, and serves by the word of an administrator, with the loss on record', async () => {
  await scenario(
    async (stage) => {
      const { passive, active } = await leavesBehind(stage, 9);
      await stage.stays('nobody serves', () => stage.cluster.serving === undefined, 20_000);
      const answer = await passive.service?.force(STORAGE_GROUP);
      assert.equal(answer?.kind, 'moved');
      await stage.servesOn(passive, 5_000);
      assert.equal(stage.cluster.group?.lossy?.cause, 'administrator');
      active.start();
      await stage.well();
      assert.notDeepEqual(stage.files(active, 'copy/quarantine'), [], 'what it had more is kept');
    },
    { mode: 'async', fileSizeBytes: 12_288 },
  );
});

/** How often a vote was stored in a minute in which nobody does anything. */
async function storedVotes(stage: Stage): Promise<number> {
  const stored: number[] = [];
  const { cluster } = stage;
  cluster.watch({ name: 'stored votes', voted: () => void stored.push(cluster.time.nowMs) });
  await stage.sleep(60_000);
  return stored.length;
}

/** Two hosts renew their leases 2.5 times a second, each time twice on three votes: 1,800, and what a hint costs. */
const RENEWALS_OF_A_MINUTE = 1_850;

test('async: nothing happens: the register is not asked again and again to take the passive copy into a set that it has not', async () => {
  await scenario(
    async (stage) => {
      await stage.deliver(1);
      assert.ok((await storedVotes(stage)) < RENEWALS_OF_A_MINUTE);
    },
    { mode: 'async' },
  );
});

test('async: the other copy is away: nobody waits for it', async () => {
  await scenario(
    async (stage) => {
      const { passive, cluster } = stage;
      await stage.deliver(1);
      passive.kill();
      await stage.sleep(5_000);
      let longestMs = 0;
      for (let message = 0; message < 300; message++) {
        const startedMs = cluster.time.nowMs;
        await stage.deliver(1);
        longestMs = Math.max(longestMs, cluster.time.nowMs - startedMs);
      }
      assert.ok(longestMs < 50, `one of 300 deliveries took ${longestMs} ms`);
    },
    { mode: 'async' },
  );
});

test('at rest: the databases are committed and carried over, and then nothing of them is synced any more', async () => {
  await scenario(async (stage) => {
    await stage.deliver(3);
    // So many commits, and as many again where a reader disturbs what carries them over.
    await stage.sleep(120_000);
    const synced = [stage.active, stage.passive].map((host) => syncsOfPacks(host));
    await stage.sleep(60_000);
    assert.deepEqual(
      synced.map((count) => count()),
      [0, 0],
    );
    await stage.deliver(1);
    await stage.sleep(2_000);
    assert.ok(
      synced.every((count) => count() > 0),
      'and again when there is something',
    );
  });
});

/** How often the folder of the packs was synced from now on. */
function syncsOfPacks({ disk }: SimulatedHost): () => number {
  let count = 0;
  const sync = disk.syncFolder.bind(disk);
  disk.syncFolder = (folder) => {
    if (folder.endsWith('packs')) count += 1;
    sync(folder);
  };
  return () => count;
}

test('a copy is suspended and follows: the register is asked now and then to take it in, and soon after it is resumed', async () => {
  await scenario(async (stage) => {
    const { active, passive, cluster } = stage;
    const isInSync = (): boolean => cluster.group?.inSync.includes(passive.name) === true;
    await cluster.administrator.order((document) => suspendCopy(document, STORAGE_GROUP, passive.name, 'disk check'));
    stage.cut(active.name, passive.name);
    await stage.deliver(1);
    assert.ok(!isInSync());
    stage.heal();
    await stage.sleep(5_000);
    // Twenty questions more, of two writes on three votes each.
    assert.ok((await storedVotes(stage)) < RENEWALS_OF_A_MINUTE + 150);
    await cluster.administrator.order((document) => resumeCopy(document, STORAGE_GROUP, passive.name));
    await stage.becomes('it is in sync', isInSync, 4_000);
  });
});

test('guarantee: an administrator: never overrules a copy that is active', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    await stage.deliver(2);
    const answer = await passive.service?.force(STORAGE_GROUP);
    assert.notEqual(answer?.kind, 'moved');
    assert.equal(stage.active, active);
    assert.equal(stage.cluster.activations, 1);
  });
});
