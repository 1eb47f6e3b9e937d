/**
 * A story told by hand: two nodes and a share, mail, something that happens, and what must become of it. Every checker
 * watches; in the end everything is mended, and the cluster must become well with everything that was promised.
 */
import assert from 'node:assert/strict';
import { INBOX } from '../mail/mailbox-name.ts';
import { allCheckers } from './checkers/all.ts';
import { tailsAreSettled } from './checkers/quarantine-returns.ts';
import { foldStory } from './fold-story.ts';
import type { Outcome } from './history.ts';
import { healEverything } from './nemesis.ts';
import type { SeenFolder } from './session-service.ts';
import { type ClusterOptions, SERVER, SimulatedCluster, STORAGE_GROUP } from './simulated-cluster.ts';
import type { SimulatedHost } from './simulated-host.ts';

const WELL_LIMIT_MS = 30_000;
/** A message that a copy would not take is tried again after a minute. */
const DRAIN_LIMIT_MS = 90_000;

/** The oracle compares everything at every takeover: after so many operations the load is a light one. */
const CALM_FROM = 200;

export interface Waiting {
  readonly ended: Promise<void>;
  readonly isAnswered: () => boolean;
}

function waitingFor(work: Promise<void>): Waiting {
  let isAnswered = false;
  const ended = work.then(() => {
    isAnswered = true;
  });
  return { ended, isAnswered: () => isAnswered };
}

export class Stage {
  readonly cluster: SimulatedCluster;
  #load: { stop: () => void; ended: Promise<void> } | undefined;

  constructor(cluster: SimulatedCluster) {
    this.cluster = cluster;
  }

  get active(): SimulatedHost {
    const { serving } = this.cluster;
    assert(serving !== undefined, `somebody serves; ${this.cluster.health()}`);
    return serving;
  }

  get passive(): SimulatedHost {
    const { serving, hosts } = this.cluster;
    const passive = hosts.find((host) => host !== serving);
    assert(passive !== undefined, 'a cluster has two nodes');
    return passive;
  }

  // ── mail ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Messages one after the other, each answered. */
  async deliver(count = 1): Promise<void> {
    for (let message = 0; message < count; message++) await this.cluster.client.deliver();
  }

  /** The same through the hub. */
  async send(count = 1): Promise<void> {
    for (let message = 0; message < count; message++) await this.cluster.client.send();
  }

  /** A message that is tried until it is answered, whenever that is. */
  startDelivery(): Waiting {
    return waitingFor(this.cluster.client.deliver());
  }

  /** The same through the hub. */
  startMail(): Waiting {
    return waitingFor(this.cluster.client.send());
  }

  /** What a client sees in a folder of the active copy. */
  async look(folder = INBOX): Promise<SeenFolder> {
    const seen = await this.cluster.client.list(folder);
    assert(seen !== undefined, `${folder} is shown; ${this.cluster.health()}`);
    return seen;
  }

  /** What became of the last operation that a client began. */
  get lastOutcome(): Outcome | undefined {
    return this.cluster.history.operations.at(-1)?.outcome;
  }

  /** Mail all the time, until `stopLoad`. */
  startLoad(): void {
    let isOver = false;
    const work = async (): Promise<void> => {
      while (!isOver) {
        await this.cluster.client.deliver();
        await this.cluster.client.send();
        await this.cluster.client.look();
        await this.cluster.sleep(this.cluster.history.operations.length < CALM_FROM ? 20 : 100);
      }
    };
    const stop = (): void => {
      isOver = true;
    };
    this.#load = { stop, ended: Promise.all([work(), work(), work()]).then(() => undefined) };
  }

  async stopLoad(): Promise<void> {
    this.#load?.stop();
    await this.#load?.ended;
  }

  // ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────────

  sleep(ms: number): Promise<void> {
    return this.cluster.sleep(ms);
  }

  /** Both ways, between every two of `one` and `others`. */
  cut(one: string, ...others: string[]): void {
    this.cluster.story.tell('network', `cut: ${one} from ${others.join(', ')}`);
    for (const other of others) {
      this.cluster.network.cut(one, other);
      this.cluster.network.cut(other, one);
    }
  }

  heal(): void {
    this.cluster.story.tell('network', 'healed');
    this.cluster.network.healAll();
  }

  /** Moves the server to `target`, as Move-ClusteredMailboxServer does. */
  async move(target: SimulatedHost): Promise<void> {
    const answer = await this.active.service?.handOff(STORAGE_GROUP, target.name);
    assert.equal(answer?.kind, 'moved', `${SERVER} is moved`);
  }

  // ── what must become of it ───────────────────────────────────────────────────────────────────────────────────────

  async becomes(what: string, isSo: () => boolean, withinMs: number): Promise<void> {
    const isThere = await this.cluster.until(isSo, withinMs);
    assert(isThere, `within ${withinMs} ms: ${what}; ${this.cluster.health()}`);
  }

  async stays(what: string, isSo: () => boolean, forMs: number): Promise<void> {
    const hasEnded = await this.cluster.until(() => !isSo(), forMs);
    assert(!hasEnded, `for ${forMs} ms: ${what}; ${this.cluster.health()}`);
  }

  servesOn(host: SimulatedHost, withinMs: number): Promise<void> {
    const serves = (): boolean => host.serving !== undefined && host.serving.epoch === this.cluster.group?.epoch;
    return this.becomes(`${host.name} serves`, serves, withinMs);
  }

  inSync(hosts: readonly SimulatedHost[], withinMs: number): Promise<void> {
    const wanted = hosts
      .map(({ name }) => name)
      .sort()
      .join();
    return this.becomes(
      `in sync: ${wanted}`,
      () => [...(this.cluster.group?.inSync ?? [])].sort().join() === wanted,
      withinMs,
    );
  }

  well(withinMs = WELL_LIMIT_MS): Promise<void> {
    return this.becomes('all is well', () => this.cluster.isWell(), withinMs);
  }

  files(host: SimulatedHost, folder: string): readonly string[] {
    return host.disk.list(folder);
  }
}

/** The cluster is well when `tell` begins. */
export async function scenario(
  tell: (stage: Stage) => Promise<void>,
  options: Partial<ClusterOptions> = {},
): Promise<void> {
  const cluster = new SimulatedCluster({ seed: 1, ...options });
  cluster.watch(...allCheckers(cluster));
  const stage = new Stage(cluster);
  try {
    await cluster.run(whole(stage, tell));
  } catch (error) {
    if (error instanceof Error) error.message += `\n${foldStory(cluster.story.lines).slice(-60).join('\n')}`;
    throw error;
  }
}

async function whole(stage: Stage, tell: (stage: Stage) => Promise<void>): Promise<void> {
  const { cluster } = stage;
  await cluster.begin();
  await stage.well();
  await tell(stage);
  healEverything(cluster);
  await stage.well();
  await stage.stopLoad();
  await cluster.until(() => cluster.client.openOperations === 0, WELL_LIMIT_MS);
  await stage.becomes("the hub's queue is empty", () => cluster.hub.queue?.queuedMessages === 0, DRAIN_LIMIT_MS);
  await stage.becomes('mail in quarantine is back', () => cluster.hosts.every(tailsAreSettled), WELL_LIMIT_MS);
  await cluster.sleep(1_000);
  await cluster.checkEnd();
}
