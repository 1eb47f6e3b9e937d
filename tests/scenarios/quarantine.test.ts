/** What becomes of the records that a copy had and the one that took over had not (S20). */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../../src/base/assert.ts';
import { deferred } from '../../src/base/deferred.ts';
import type { ReturnMail } from '../../src/replication/quarantine.ts';
import { type Stage, scenario } from '../../src/sim/scenario.ts';
import { STORAGE_GROUP } from '../../src/sim/simulated-cluster.ts';
import type { SimulatedHost } from '../../src/sim/simulated-host.ts';

const ASYNC = { mode: 'async' } as const;

/** The active copy goes on behind a cut, as `work` says, and loses its power; the other one takes over without all that. */
async function partWith(
  stage: Stage,
  work: () => Promise<unknown>,
): Promise<{ lost: SimulatedHost; won: SimulatedHost }> {
  const { active: lost, passive: won } = stage;
  await stage.deliver(2);
  await stage.sleep(500);
  stage.cut(lost.name, won.name);
  await work();
  lost.losePower();
  stage.heal();
  await stage.servesOn(won, 8_000);
  return { lost, won };
}

function waiting(host: SimulatedHost): number {
  return host.copy.upkeep.facts().quarantine.waiting;
}

async function isBack(stage: Stage, host: SimulatedHost, messages: number, withinMs = 10_000): Promise<void> {
  const seen = (): boolean => host.liveView !== undefined && host.copy.upkeep.facts().quarantine.messages === messages;
  await stage.becomes(
    `${messages} messages were in quarantine, and none waits`,
    () => seen() && waiting(host) === 0,
    withinMs,
  );
}

test('S20: the old active copy returns: its lost mail is back, each message once, and what else was lost is listed', async () => {
  await scenario(async (stage) => {
    const { client } = stage.cluster;
    const { lost } = await partWith(stage, async () => {
      await stage.deliver(2);
      await client.append();
      const [first] = (await stage.look()).messages;
      await client.changes.flag('INBOX', present(first, 'A message is there'));
    });
    assert.equal((await stage.look()).messages.length, 2);
    lost.start();
    await stage.well();
    await isBack(stage, lost, 3);
    assert.equal((await stage.look()).messages.length, 5);
    const rows = await lost.copy.quarantine.changes();
    assert.deepEqual(
      rows.map(({ type, mailbox, state }) => [type, mailbox, state]),
      [
        ['MessageDelivered', 'anna@example.org', 'There'],
        ['MessageDelivered', 'anna@example.org', 'There'],
        ['MessagesAppended', 'anna@example.org', 'There'],
        ['FlagsChanged', 'anna@example.org', 'Lost'],
      ],
    );
  }, ASYNC);
});

test('S20: mail that the dumpster has brought back already: is not there twice, also when its owner has deleted it since', async () => {
  await scenario(async (stage) => {
    const { lost } = await partWith(stage, () => stage.send(2));
    const isRedelivered = (): boolean => stage.cluster.hub.queue?.queuedMessages === 0;
    await stage.becomes('the dumpster is through', isRedelivered, 5_000);
    const third = (await stage.look()).messages[2];
    await stage.cluster.client.changes.expunge('INBOX', present(third, 'The dumpster gave it back'));
    lost.start();
    await stage.well();
    await isBack(stage, lost, 2);
    assert.equal((await stage.look()).messages.length, 3);
  }, ASYNC);
});

test('S20: a message that was deleted in the moments that were lost: does not come back (M8)', async () => {
  await scenario(async (stage) => {
    const { lost } = await partWith(stage, async () => {
      await stage.cluster.client.append();
      const added = (await stage.look()).messages.at(-1);
      assert(await stage.cluster.client.changes.expunge('INBOX', present(added, 'It was added')));
    });
    lost.start();
    await stage.well();
    await isBack(stage, lost, 1);
    assert.equal((await stage.look()).messages.length, 2);
  }, ASYNC);
});

test('S20: the old active copy dies again while its mail goes back: in the end each message is there once', async () => {
  for (const afterMs of [0, 3, 6, 9, 12, 20]) {
    await scenario(async (stage) => {
      const { lost } = await partWith(stage, async () => {
        await stage.deliver(4);
        await stage.cluster.client.append();
      });
      lost.start();
      const isSending = (): boolean => (stage.cluster.serving?.view?.endLsn ?? 0) % 2 ** 32 > 1;
      await stage.becomes('the first message is back', isSending, 10_000);
      await stage.sleep(afterMs);
      lost.losePower();
      await stage.sleep(1_000);
      lost.start();
      await stage.well();
      await isBack(stage, lost, 5);
      assert.equal((await stage.look()).messages.length, 7);
    }, ASYNC);
  }
});

test('S20: nobody takes the mail, then somebody does: it waits as long as that, says so, and is tried again', async () => {
  let isRefusing = true;
  const refusing: (returnMail: ReturnMail) => ReturnMail = (returnMail) => async (host) => {
    const mail = await returnMail(host);
    const refused = { outcome: 'refused', code: 'MailboxFull', message: 'the mailbox is full' } as const;
    return {
      ...mail,
      deliver: (delivery) =>
        isRefusing
          ? Promise.resolve(delivery.recipients.map((recipient) => ({ recipient, ...refused })))
          : mail.deliver(delivery),
    };
  };
  await scenario(
    async (stage) => {
      const { lost } = await partWith(stage, () => stage.deliver(2));
      lost.start();
      await stage.well();
      await stage.becomes('two messages wait', () => waiting(lost) === 2, 15_000);
      const [row] = await lost.copy.quarantine.changes();
      assert.equal(row?.state, 'Waiting');
      assert.match(row.what, /not taken: the mailbox is full/);
      isRefusing = false;
      await isBack(stage, lost, 2, 20_000);
      assert.equal((await stage.look()).messages.length, 4);
    },
    { ...ASYNC, ports: { wrapReturn: refusing } },
  );
});

test('S20: the old active copy takes over itself before its mail is back: it brings it back to itself', async () => {
  await scenario(async (stage) => {
    const { lost, won } = await partWith(stage, () => stage.deliver(2));
    lost.start();
    const hasPutAside = (): boolean => stage.files(lost, 'copy/quarantine').length > 0;
    await stage.becomes('the tail is put aside', hasPutAside, 5_000);
    await stage.sleep(50);
    won.losePower();
    await stage.servesOn(lost, 8_000);
    await isBack(stage, lost, 2);
    assert.equal((await stage.look()).messages.length, 4);
  }, ASYNC);
});

test('S20: two copies have the same tail, and bring it back at the same moment: each message is there once', async () => {
  let arrived = 0;
  const bothAreHere = deferred<undefined>();
  const together: (returnMail: ReturnMail) => ReturnMail = (returnMail) => async (host) => {
    const mail = await returnMail(host);
    return {
      ...mail,
      put: async (place, message) => {
        arrived += 1;
        if (arrived === 2) bothAreHere.resolve(undefined);
        await bothAreHere.promise;
        await mail.put(place, message);
      },
    };
  };
  await scenario(
    async (stage) => {
      const { active, cluster } = stage;
      const [won, other] = cluster.hosts.filter((host) => host !== active);
      assert(won !== undefined && other !== undefined);
      await stage.deliver(1);
      stage.cut(active.name, won.name);
      const appending = cluster.client.append();
      const delivery = stage.startDelivery();
      await stage.sleep(40);
      active.losePower();
      stage.heal();
      await stage.servesOn(won, 8_000);
      active.start();
      await appending;
      await delivery.ended;
      await stage.well();
      for (const host of [active, other]) await isBack(stage, host, 2);
      assert.equal(arrived, 2);
      assert.equal((await stage.look()).messages.length, 3);
    },
    { nodes: ['node1', 'node2', 'node3'], ports: { wrapReturn: together } },
  );
});

test('S20: a tail that an ordered seed has put aside: its mail stays there until it is asked for', async () => {
  await scenario(
    async (stage) => {
      // Far behind, so that the database of the old active copy has it all: only a seed helps.
      const { active: lost, passive: won } = stage;
      await stage.deliver(2);
      await stage.sleep(500);
      stage.cut(lost.name, won.name);
      while ((lost.view?.generation ?? 0) < 30) await stage.deliver(1);
      const delivered = (await stage.look()).messages.length;
      await stage.sleep(15_000);
      lost.kill();
      stage.heal();
      await stage.stays('nobody serves', () => stage.cluster.serving === undefined, 10_000);
      assert.equal((await won.service?.force(STORAGE_GROUP))?.kind, 'moved');
      await stage.servesOn(won, 5_000);
      lost.start();
      await stage.becomes('it is failed', () => lost.liveView?.state === 'failed', 20_000);
      await lost.seed(won);
      await stage.well();
      await stage.becomes('it says what is aside', () => lost.copy.upkeep.facts().quarantine.aside > 20, 10_000);
      await stage.sleep(20_000);
      assert.equal((await stage.look()).messages.length, 2);
      assert.equal((await lost.copy.quarantine.changes())[0]?.state, 'Aside');
      assert.equal(await lost.copy.quarantine.order(), 1);
      await stage.becomes('nothing is aside', () => lost.copy.upkeep.facts().quarantine.aside === 0, 10_000);
      await isBack(stage, lost, delivered - 2, 30_000);
      assert.equal((await stage.look()).messages.length, delivered);
    },
    { ...ASYNC, fileSizeBytes: 12_288 },
  );
});
