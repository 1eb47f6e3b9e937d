/** Every decision of the cluster as a story: what happens, and what it decides. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  setFailback,
  setMounted,
  setMountPolicy,
  startServer,
  stopServer,
} from '../../src/cluster/configuration-changes.ts';
import { type RegisterDocument, serverOf } from '../../src/cluster/register-document.ts';
import { defaultTiming } from '../../src/cluster/timing.ts';
import { type Stage, scenario } from '../../src/sim/scenario.ts';
import { SERVER, STORAGE_GROUP } from '../../src/sim/simulated-cluster.ts';

const HOUR_MS = 3_600_000;

type Change = (document: RegisterDocument) => RegisterDocument | undefined;

/** As an administrator's command does it. */
function order(stage: Stage, change: Change): Promise<void> {
  return stage.cluster.administrator.order(change);
}

// ── a disk that hangs ──────────────────────────────────────────────────────────────────────────────────────────────

test('hung disk: the active copy lives and completes no commit: it gives up within ten seconds, the other serves, nothing is lost', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    await stage.deliver(3);
    active.disk.hang();
    const mail = stage.startDelivery();
    await stage.servesOn(passive, defaultTiming.commitPatienceMs + 5_000);
    await mail.ended;
    active.disk.release();
    await stage.well();
    assert.equal(stage.active, passive);
  });
});

test('hung disk: no other copy is in sync: it is kept, and commits go on when the disk answers', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    passive.kill();
    await stage.deliver(1);
    await stage.inSync([active], 0);
    active.disk.hang();
    const mail = stage.startDelivery();
    await stage.stays('it is kept', () => stage.cluster.group?.active === active.name, 30_000);
    active.disk.release();
    await mail.ended;
    assert.equal(stage.cluster.group?.active, active.name);
  });
});

test('hung disk: of the passive copy: it leaves the set, and the active one goes on', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    passive.disk.hang();
    await stage.deliver(2);
    await stage.inSync([active], 0);
    await stage.stays('the active one serves', () => stage.cluster.serving === active, 15_000);
  });
});

// ── failback and preferred owner ───────────────────────────────────────────────────────────────────────────────────

const quick = { ...defaultTiming, failbackAfterMs: 20_000 };

async function failOver(stage: Stage): Promise<void> {
  const { active, passive } = stage;
  active.kill();
  await stage.servesOn(passive, 5_000);
  active.start();
  await stage.well();
}

test('failback: prevented, as it is when nothing was set: the group stays on the node that took it over', async () => {
  await scenario(
    async (stage) => {
      const { passive } = stage;
      await failOver(stage);
      await stage.stays('it stays', () => stage.cluster.serving === passive, 60_000);
    },
    { timing: quick },
  );
});

test('failback: immediate: the preferred node is in sync again for a while: moved back, under load, nobody sees an error', async () => {
  await scenario(
    async (stage) => {
      const preferred = stage.cluster.hosts.find(({ name }) => name === stage.cluster.group?.copies[0]);
      assert(preferred !== undefined);
      if (stage.active !== preferred) await stage.move(preferred);
      await stage.well();
      await order(stage, (document) => setFailback(document, SERVER, { policy: 'immediate' }));
      await failOver(stage);
      const other = stage.active;
      assert.notEqual(other, preferred);
      await stage.stays('not before it was in sync for a while', () => stage.cluster.serving === other, 15_000);
      stage.startLoad();
      await stage.servesOn(preferred, 15_000);
      await stage.stopLoad();
      assert.deepEqual([...new Set(stage.cluster.history.operations.map(({ outcome }) => outcome))], ['acknowledged']);
      await stage.inSync(stage.cluster.hosts, 5_000);
      await stage.becomes('it is on record', () => lastMove(stage) === `failback to ${preferred.name}`, 2_000);
    },
    { timing: quick },
  );
});

test('failback: immediate, and the preferred node flaps: nothing moves until it has been in sync without a break', async () => {
  await scenario(
    async (stage) => {
      const preferred = stage.cluster.hosts.find(({ name }) => name === stage.cluster.group?.copies[0]);
      assert(preferred !== undefined);
      if (stage.active !== preferred) await stage.move(preferred);
      await order(stage, (document) => setFailback(document, SERVER, { policy: 'immediate' }));
      await failOver(stage);
      const other = stage.active;
      for (let flap = 0; flap < 4; flap++) {
        await stage.stays('it stays', () => stage.cluster.serving === other, 10_000);
        preferred.kill();
        await stage.deliver(1);
        preferred.start();
        await stage.well();
      }
      assert.equal(stage.active, other);
    },
    { timing: quick },
  );
});

function lastMove(stage: Stage): string {
  const document = stage.cluster.register.chosen();
  const move = document && serverOf(document, STORAGE_GROUP)?.record.lastMove;
  return `${move?.comment} to ${move?.to}`;
}

// ── dial, loss estimate and ForcedDatabaseMountAfter ───────────────────────────────────────────────────────────────

/** The passive copy misses everything from here on, and then the active node is lost for good. */
async function fallBehind(stage: Stage, messages: number): Promise<void> {
  const { active, passive } = stage;
  stage.cut(active.name, passive.name);
  await stage.deliver(messages);
  await stage.sleep(2_000);
  active.losePower();
  stage.heal();
}

const MANY = 60;

test('dial: async, more log files are missing than it tolerates: nobody serves, and it says for what it waits', async () => {
  await scenario(
    async (stage) => {
      const { passive } = stage;
      await order(stage, (document) => setMountPolicy(document, SERVER, { autoDatabaseMountDial: 'Lossless' }));
      await fallBehind(stage, MANY);
      await stage.stays('nobody serves', () => stage.cluster.serving === undefined, 30_000);
      const reason = passive.service?.status().seats.get(STORAGE_GROUP)?.waitReason ?? '';
      assert.match(reason, /log files are missing here, more than Lossless tolerates; it waits for Restore-/);
    },
    { mode: 'async', fileSizeBytes: 16 * 1024 },
  );
});

test('ForcedDatabaseMountAfter: one hour passes with nobody better: the copy is mounted, the loss is on record, and not a minute earlier', async () => {
  await scenario(
    async (stage) => {
      const { passive } = stage;
      await order(stage, (document) =>
        setMountPolicy(document, SERVER, { autoDatabaseMountDial: 'Lossless', forcedDatabaseMountAfterHours: 1 }),
      );
      await fallBehind(stage, MANY);
      await stage.stays('nobody serves', () => stage.cluster.serving === undefined, HOUR_MS - 60_000);
      await stage.servesOn(passive, 120_000);
      assert.equal(stage.cluster.group?.lossy?.cause, 'forced-after');
      assert((stage.cluster.group?.lossy?.missingGenerations ?? 0) > 0);
    },
    { mode: 'async', fileSizeBytes: 16 * 1024 },
  );
});

test('ForcedDatabaseMountAfter: the better copy comes back before the hour: it leads, and nothing is lost', async () => {
  await scenario(
    async (stage) => {
      const { active } = stage;
      await order(stage, (document) =>
        setMountPolicy(document, SERVER, { autoDatabaseMountDial: 'Lossless', forcedDatabaseMountAfterHours: 1 }),
      );
      await fallBehind(stage, MANY);
      await stage.stays('nobody serves', () => stage.cluster.serving === undefined, HOUR_MS / 4);
      active.start();
      await stage.servesOn(active, 10_000);
      assert.equal(stage.cluster.group?.lossy, undefined);
    },
    { mode: 'async', fileSizeBytes: 16 * 1024 },
  );
});

// ── last copy standing, cold start, operator force ─────────────────────────────────────────────────────────────────

test('last copy standing: the only one in sync dies, sync: nobody serves, however long; forced: the other one, and the loss is on record', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    passive.kill();
    await stage.deliver(1);
    await stage.inSync([active], 0);
    await stage.deliver(3);
    active.kill();
    passive.start();
    await stage.stays('nobody serves', () => stage.cluster.serving === undefined, 60_000);
    stage.cluster.isLossAccepted = true;
    const answer = await passive.service?.force(STORAGE_GROUP);
    assert.equal(answer?.kind, 'moved');
    await stage.servesOn(passive, 5_000);
    assert.equal(stage.cluster.group?.lossy?.cause, 'administrator');
  });
});

test('operator force: while the owner lives: refused, whatever the administrator says', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    await stage.deliver(1);
    const answer = await passive.service?.force(STORAGE_GROUP);
    assert.equal(answer?.kind, 'not-moved');
    assert.equal(stage.cluster.serving, active);
  });
});

test('cold start: both nodes lose their power, the one that was behind comes first: it waits for the other', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    stage.cut(active.name, passive.name);
    await stage.deliver(3);
    await stage.inSync([active], 5_000);
    for (const host of stage.cluster.hosts) host.losePower();
    stage.heal();
    passive.start();
    await stage.stays('nobody serves', () => stage.cluster.serving === undefined, 20_000);
    active.start();
    await stage.servesOn(active, 10_000);
  });
});

test('cold start: both were in sync: either may lead without the other', async () => {
  await scenario(async (stage) => {
    const { passive } = stage;
    await stage.deliver(3);
    for (const host of stage.cluster.hosts) host.losePower();
    passive.start();
    await stage.servesOn(passive, 15_000);
  });
});

// ── who may mount ──────────────────────────────────────────────────────────────────────────────────────────────────

test('who may mount: stopped by an administrator: nobody, also after a cold start; started: served again', async () => {
  await scenario(async (stage) => {
    await stage.deliver(1);
    await order(stage, (document) => stopServer(document, SERVER, 'patch day'));
    await stage.becomes('nobody serves', () => stage.cluster.serving === undefined, 5_000);
    for (const host of stage.cluster.hosts) host.losePower();
    for (const host of stage.cluster.hosts) host.start();
    await stage.stays('nobody serves', () => stage.cluster.serving === undefined, 20_000);
    await order(stage, (document) => startServer(document, SERVER));
    await stage.well();
  });
});

test('who may mount: dismounted: nobody serves, and a failover does not mount it', async () => {
  await scenario(async (stage) => {
    const { active } = stage;
    await order(stage, (document) => setMounted(document, STORAGE_GROUP, false));
    await stage.becomes('nobody serves', () => stage.cluster.serving === undefined, 5_000);
    active.kill();
    await stage.stays('nobody serves', () => stage.cluster.serving === undefined, 20_000);
    active.start();
    await order(stage, (document) => setMounted(document, STORAGE_GROUP, true));
    await stage.well();
  });
});

// ── restart in place, with a limit per period ──────────────────────────────────────────────────────────────────────

test('restart in place: two deaths further apart than the period: both times where it is', async () => {
  await scenario(
    async (stage) => {
      const { active } = stage;
      for (let death = 0; death < 2; death++) {
        active.killCopy('by the test');
        await stage.servesOn(active, 10_000);
        await stage.well();
        await stage.sleep(31_000);
      }
      assert.equal(stage.active, active);
    },
    { timing: { ...defaultTiming, restartPeriodMs: 30_000 } },
  );
});

// ── partition in time ──────────────────────────────────────────────────────────────────────────────────────────────

test('partition in time: one node serves alone and goes down, then the other comes up: it may not lead with what it has', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    passive.kill();
    await stage.deliver(1);
    await stage.inSync([active], 0);
    await stage.deliver(5);
    active.losePower();
    passive.start();
    await stage.stays('nobody serves', () => stage.cluster.serving === undefined, 60_000);
    active.start();
    await stage.servesOn(active, 10_000);
    await stage.well();
  });
});
