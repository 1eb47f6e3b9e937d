/** What docs/guarantees.md says, sentence by sentence: the sentences that are the same in every mode, and those of sync. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scenario } from '../../src/sim/scenario.ts';

test('guarantee: Success comes last: nothing is answered before both disks have synced, and then it survives the loss of all power', async () => {
  await scenario(async (stage) => {
    const { hosts, hub } = stage.cluster;
    for (const host of hosts) host.disk.slowMs = 1_000;
    const waiting = [stage.startMail(), stage.startDelivery()];
    await stage.stays('nothing is answered', () => waiting.every(({ isAnswered }) => !isAnswered()), 950);
    for (const { ended } of waiting) await ended;
    for (const machine of [...hosts, hub]) machine.losePower();
    for (const machine of [...hosts, hub]) machine.start();
  });
});

test('guarantee: An error means: not done: what was refused is not there, now or later', async () => {
  await scenario(
    async (stage) => {
      const { passive, cluster } = stage;
      passive.kill();
      await stage.sleep(6_000);
      await cluster.client.append();
      assert.equal(stage.lastOutcome, 'refused');
      passive.start();
      await stage.well();
      assert.equal((await stage.look()).messages.length, 0);
    },
    { mode: 'sync-strict' },
  );
});

test('guarantee: No answer means: unknown: the sender that sends again makes no second message', async () => {
  await scenario(async (stage) => {
    const { network, hub } = stage.cluster;
    const mail = stage.startMail();
    await stage.sleep(2);
    network.cut(hub.name, 'client');
    await stage.becomes('the message is stored', () => (stage.active.view?.endLsn ?? 0) > 0, 1_000);
    await stage.sleep(10_000);
    assert.equal(mail.isAnswered(), false);
    stage.heal();
    await mail.ended;
    assert.equal((await stage.look()).messages.length, 1);
  });
});

test('guarantee: What anyone can see is already promised: a read waits for what it saw, and the next leader has all that was shown', async () => {
  await scenario(async (stage) => {
    const { active, passive, cluster } = stage;
    await stage.deliver(3);
    stage.cut(active.name, passive.name);
    const delivery = stage.startDelivery();
    await stage.sleep(50);
    const looking = cluster.client.list();
    await stage.sleep(1_000);
    active.losePower();
    assert.equal(delivery.isAnswered(), false);
    assert.equal(await looking, undefined, 'the reader of an uncommitted message gets no answer');
    stage.heal();
    await stage.servesOn(passive, 8_000);
    await delivery.ended;
    assert.equal((await stage.look()).messages.length, 4);
  });
});

test('guarantee: A UID or MODSEQ once shown is never used for anything else: UIDs that a lost moment may have used are jumped over', async () => {
  await scenario(
    async (stage) => {
      const { active, passive, cluster } = stage;
      await stage.deliver(2);
      await stage.sleep(500);
      stage.cut(active.name, passive.name);
      await cluster.client.append();
      const shown = (await stage.look()).messages.at(-1)?.uid ?? 0;
      active.losePower();
      stage.heal();
      await stage.servesOn(passive, 8_000);
      await stage.deliver(1);
      const uids = (await stage.look()).messages.map(({ uid }) => uid);
      assert.equal(uids.length, 3);
      assert((uids.at(-1) ?? 0) > shown, `${uids.at(-1)} lies behind ${shown}`);
    },
    { mode: 'async' },
  );
});

test('guarantee: One serving side: a leader that cannot prove its lease does not even answer a look', async () => {
  await scenario(async (stage) => {
    const { active, passive, cluster } = stage;
    await stage.deliver(1);
    stage.cut(active.name, passive.name, 'share');
    await stage.sleep(1_600);
    assert.equal(await cluster.client.list('INBOX', active.name), undefined);
    await stage.servesOn(passive, 5_000);
    assert.equal((await stage.look()).messages.length, 1);
  });
});

test('guarantee: a copy that has promised a higher epoch: takes nothing of a lower one, and without it nothing is committed', async () => {
  await scenario(async (stage) => {
    const { active, passive, cluster } = stage;
    await stage.deliver(2);
    const epoch = cluster.group?.epoch ?? 0;
    const heldLsn = passive.view?.endLsn;
    // As for a takeover that comes to nothing before the register is asked.
    assert(await passive.copy.fence(epoch + 5));
    const delivery = stage.startDelivery();
    const isUnder = (): boolean => cluster.group?.epoch === epoch;
    await stage.stays(
      'it takes nothing, and nothing is committed',
      () => !isUnder() || (passive.view?.endLsn === heldLsn && !delivery.isAnswered()),
      5_000,
    );
    await stage.becomes('another epoch began', () => !isUnder(), 10_000);
    await delivery.ended;
    assert.notEqual(active.view?.endLsn, heldLsn);
    assert.equal((await stage.look()).messages.length, 3);
  });
});

test('guarantee: Flags, moves, drafts, deletes, folders, subscriptions and passwords: have the promise of new mail, through a loss of power', async () => {
  await scenario(async (stage) => {
    const { active, passive, cluster } = stage;
    const { changes } = cluster.client;
    await stage.send(4);
    const [first, second, third] = (await stage.look()).messages;
    assert(first !== undefined && second !== undefined && third !== undefined);
    const folder = await changes.createFolder();
    assert(folder !== undefined);
    assert(await changes.flag('INBOX', first));
    assert(await changes.move('INBOX', second, folder));
    assert(await changes.expunge('INBOX', third));
    active.losePower();
    await stage.servesOn(passive, 5_000);
    const inbox = (await stage.look()).messages;
    assert.equal(inbox.length, 2);
    assert.notEqual(inbox.find(({ uid }) => uid === first.uid)?.flags, 0);
    assert.equal((await stage.look(folder)).messages[0]?.sha256, second.sha256);
  });
});

test('guarantee: Loss: none: in sync either machine goes for good with its disk, and everything is there', async () => {
  for (const role of ['active', 'passive'] as const) {
    await scenario(async (stage) => {
      await stage.send(5);
      await stage.deliver(5);
      const lost = stage[role];
      const other = stage.cluster.hosts.find((host) => host !== lost);
      assert(other !== undefined);
      lost.loseCopyDisk();
      await stage.servesOn(other, 8_000);
      await stage.deliver(1);
      assert.equal((await stage.look()).messages.length, 11);
    });
  }
});

test('guarantee: degraded: success means synced on the one copy that is left, and only that one may lead', async () => {
  await scenario(async (stage) => {
    const { active, passive } = stage;
    passive.kill();
    await stage.send(3);
    await stage.inSync([active], 0);
    active.kill();
    passive.start();
    await stage.stays('nobody serves', () => stage.cluster.serving === undefined, 15_000);
    active.start();
    await stage.servesOn(active, 5_000);
  });
});

test('guarantee: degraded: how many changes stand on one disk alone: is counted while it is so, and not before or after', async () => {
  await scenario(async (stage) => {
    const { active, passive, cluster } = stage;
    const exposed = (): number | null => active.copy.upkeep.facts().exposedChanges;
    await stage.deliver(2);
    assert.equal(exposed(), 0);
    assert.equal(passive.copy.upkeep.facts().exposedChanges, null);
    passive.kill();
    await stage.deliver(3);
    await cluster.client.append();
    assert.equal(exposed(), 4);
    passive.start();
    await stage.well();
    assert.equal(exposed(), 0);
    await stage.deliver(1);
    assert.equal(exposed(), 0);
  });
});

test("guarantee: the queue: while no copy can take a message the 250 stands on the hub's disk, through its loss of power", async () => {
  await scenario(async (stage) => {
    const { hosts, hub } = stage.cluster;
    await stage.send(1);
    for (const host of hosts) host.kill();
    await stage.send(3);
    hub.losePower();
    hub.start();
    await stage.becomes('the queue is read', () => hub.queue?.queuedMessages === 3, 5_000);
    await stage.send(1);
    for (const host of hosts) host.start();
    await stage.well();
    await stage.becomes('the queue is empty', () => hub.queue?.queuedMessages === 0, 5_000);
    assert.equal((await stage.look()).messages.length, 5);
  });
});

test('guarantee: A queue holds so much: then senders are put off, and what is in it and what they send again arrives', async () => {
  await scenario(
    async (stage) => {
      const { hosts, hub } = stage.cluster;
      await stage.send(1);
      for (const host of hosts) host.kill();
      await stage.send(3);
      const mail = stage.startMail();
      await stage.stays('it is put off', () => !mail.isAnswered() && hub.queue?.queuedMessages === 3, 10_000);
      for (const host of hosts) host.start();
      await mail.ended;
      await stage.becomes('the queue is empty', () => hub.queue?.queuedMessages === 0, 5_000);
      assert.equal((await stage.look()).messages.length, 5);
    },
    { ports: { hubLimits: { maxQueuedMessages: 3 } } },
  );
});

test('guarantee: the queue: a copy dies with the answer on its way, the hub asks the next one: one message', async () => {
  await scenario(async (stage) => {
    const { active, passive, cluster } = stage;
    stage.cut(active.name, cluster.hub.name); // both ways: the answer too
    const mail = stage.startMail();
    await stage.sleep(500);
    active.losePower();
    await stage.servesOn(passive, 5_000);
    await mail.ended;
    assert.equal((await stage.look()).messages.length, 1);
  });
});

test('guarantee: a hub whose disk fails: begins anew from its disk when that is well, and what it answered for is there', async () => {
  await scenario(async (stage) => {
    const { hosts, hub } = stage.cluster;
    await stage.send(1);
    for (const host of hosts) host.kill();
    await stage.send(2);
    hub.disk.isFailing = true;
    const mail = stage.startMail();
    await stage.stays('no answer without a sync', () => !mail.isAnswered(), 5_000);
    hub.disk.isFailing = false;
    await mail.ended;
    for (const host of hosts) host.start();
    await stage.well();
  });
});
