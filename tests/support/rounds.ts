/**
 * What is done to the cluster in one round, each ending healed and Healthy: the faults that it promises to survive, under
 * load. A round measures how long clients went without service, and checks what must hold while the fault lasts.
 */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../../src/base/random.ts';
import { type Demo, HUB, NODES, otherNode } from './demo.ts';
import type { Load } from './load.ts';
import type { Probe } from './probe.ts';
import { waitFor } from './wait.ts';

export interface World {
  readonly demo: Demo;
  readonly load: Load;
  readonly random: Random;
  readonly times: Times;
}

/** Milliseconds without service. */
export interface Times {
  /** From kill -9 of the active node to the first client served, over each protocol. */
  readonly failoverLmtp: number[];
  readonly failoverImap: number[];
  /** Longest wait of a client around a move. */
  readonly moveLmtp: number[];
  readonly moveImap: number[];
  /** Longest wait of a client when the passive node was killed. */
  readonly degradeLmtp: number[];
  /** From the return of the last host, or of the witness, to the first client served. */
  readonly restartImap: number[];
}

export function noTimes(): Times {
  return { failoverLmtp: [], failoverImap: [], moveLmtp: [], moveImap: [], degradeLmtp: [], restartImap: [] };
}

/** Far above what is promised: a machine under test is a slow one. The promise is printed against, not asserted. */
const SERVED_WITHIN_MS = 30_000;
/** A lease (1.5 s) and what was under way when it ended. */
const MINORITY_SILENT_AFTER_MS = 2_500;
const WATCH_MS = 2_000;

export type Round = (world: World) => Promise<void>;

export const rounds: Readonly<Record<string, Round>> = {
  'kill the active node': async (world) => {
    const { demo, times } = world;
    const active = await demo.waitForActive();
    const killedMs = performance.now();
    await demo.kill(active);
    times.failoverImap.push(await firstServed(world.load.session, killedMs));
    times.failoverLmtp.push(await firstServed(world.load.delivery, killedMs));
    assert.equal(await demo.waitForActive(), otherNode(active), 'the other node took over');
    await heal(world, [active]);
    assert.equal(await demo.activeNode(), otherNode(active), 'the node that came back is passive');
  },

  'kill the passive node': async (world) => {
    const { demo, load, times } = world;
    const active = await demo.waitForActive();
    const killedMs = performance.now();
    await demo.kill(otherNode(active));
    await firstServed(load.session, killedMs);
    await firstServed(load.delivery, killedMs);
    await waitFor('the register says that one copy is enough', SERVED_WITHIN_MS, async () =>
      (await demo.copyStatus())['InSync'] === false ? true : undefined,
    );
    assert.equal(await demo.waitForActive(), active, 'the active node stays active');
    times.degradeLmtp.push(load.delivery.longestGap(killedMs, performance.now()));
    await heal(world, [otherNode(active)]);
  },

  'kill both nodes': async (world) => await killAndStart(world, [...NODES]),

  'kill all three at once': async (world) => await killAndStart(world, [...NODES, HUB]),

  'kill the hub': async (world) => {
    const { demo } = world;
    const active = await demo.waitForActive();
    await killAndStart(world, [HUB]);
    assert.equal(await demo.activeNode(), active, 'the death of the hub moves nothing');
  },

  'take the witness away': async (world) => {
    const { demo, load } = world;
    const active = await demo.waitForActive();
    const goneMs = performance.now();
    demo.takeWitnessAway();
    await pause(WATCH_MS);
    demo.putWitnessBack();
    const backMs = performance.now();
    for (const probe of [load.session, load.delivery]) {
      assert.equal(probe.failedBetween(goneMs, backMs), 0, `${probe.name}: no client notices`);
      assert.ok(probe.servedBetween(goneMs, backMs) > 0, `${probe.name}: clients are served`);
    }
    assert.equal(await demo.activeNode(), active);
    await heal(world, []);
  },

  'take the witness away and kill the active node': async (world) => {
    await minority(world, await world.demo.waitForActive());
  },

  'take the witness away and kill the passive node': async (world) => {
    await minority(world, otherNode(await world.demo.waitForActive()));
  },

  'move the server': async (world) => {
    const { demo, load, times } = world;
    const active = await demo.waitForActive();
    const askedMs = performance.now();
    await demo.cmdlet('Move-ClusteredMailboxServer', {
      Identity: 'mbx01',
      TargetMachine: otherNode(active),
      MoveComment: 'a round of the system test',
    });
    const movedMs = performance.now();
    await firstServed(load.session, movedMs);
    await firstServed(load.delivery, movedMs);
    times.moveImap.push(load.session.longestGap(askedMs, performance.now()));
    times.moveLmtp.push(load.delivery.longestGap(askedMs, performance.now()));
    assert.equal(await demo.waitForActive(), otherNode(active));
    await heal(world, []);
  },

  'stop a node in good order': async (world) => {
    const { demo, random } = world;
    const node = NODES[random.below(2)] ?? NODES[0];
    const stoppedMs = performance.now();
    await demo.stopHost(node);
    await firstServed(world.load.session, stoppedMs);
    await heal(world, [node]);
  },
};

/** Nothing is served by one vote of three, however long it is asked; with a second one it goes on. */
async function minority(world: World, victim: string): Promise<void> {
  const { demo, load, times } = world;
  demo.takeWitnessAway();
  await demo.kill(victim);
  const silentMs = performance.now() + MINORITY_SILENT_AFTER_MS;
  await pause(MINORITY_SILENT_AFTER_MS + WATCH_MS);
  const served = load.session.servedBetween(silentMs, performance.now());
  const backMs = performance.now();
  demo.putWitnessBack();
  assert.equal(served, 0, 'a minority serves nobody');
  times.restartImap.push(await firstServed(load.session, backMs));
  assert.equal(await demo.waitForActive(), otherNode(victim), 'the node that lived serves');
  await heal(world, [victim]);
}

async function killAndStart(world: World, hosts: readonly string[]): Promise<void> {
  const { demo, load, random, times } = world;
  await demo.kill(...hosts);
  const order = hosts.map((host) => ({ host, rank: random.below(1_000) })).toSorted((a, b) => a.rank - b.rank);
  for (const { host } of order) await demo.startHost(host);
  const startedMs = performance.now();
  times.restartImap.push(await firstServed(load.session, startedMs));
  await heal(world, []);
}

/** Starts what was killed; every third time without any traffic, in which a copy has to become Healthy too. */
async function heal(world: World, hosts: readonly string[]): Promise<void> {
  const { demo, load, random } = world;
  const isQuiet = random.below(3) === 0;
  if (isQuiet) await load.hold();
  for (const host of hosts) await demo.startHost(host);
  await demo.waitUntilHealthy();
  if (isQuiet) load.resume();
}

async function firstServed(probe: Probe, sinceMs: number): Promise<number> {
  return await waitFor(`${probe.name}: a client is served`, SERVED_WITHIN_MS, () =>
    Promise.resolve(probe.firstServedAfter(sinceMs)),
  );
}
