/**
 * A storm over ownership, by seed: hosts die, freeze and come back, links to votes and between the copies break, and the
 * active commits all the while. The copies' logs are modelled as lists of LSNs. Two things must hold: whoever leads holds
 * every record that was ever answered (and that without looking at any lease: in the sync modes safety rests on no
 * clock), and no two copies hold a lease at once (ClusterWorld watches that). When the storm is over, somebody serves.
 */
import assert from 'node:assert/strict';
import { parentPort, workerData } from 'node:worker_threads';
import { SeededRandom } from '../../base/random.ts';
import { ClusterWorld, GROUP } from './cluster-world.ts';
import type { FakeCopy } from './fake-copy.ts';

type HostName = 'A' | 'B';
const names: readonly HostName[] = ['A', 'B'];
const EPOCH_STRIDE = 2 ** 32;
const STEPS = 60;

class Storm {
  readonly #seed: number;
  readonly #random: SeededRandom;
  readonly #world: ClusterWorld;
  readonly #logs: Record<HostName, number[]> = { A: [1_000], B: [1_000] };
  readonly #frozen = new Set<HostName>();
  readonly #down = new Set<HostName>();
  /** Epoch under which a host requires the other one's acknowledgement, before the register knows it. */
  readonly #joining = new Map<HostName, number>();
  readonly #asking = new Set<HostName>();
  readonly #answered: number[] = [];
  #highestEpoch = 0;
  #isLinked = true;
  takeovers = 0;
  shrinks = 0;
  grows = 0;

  constructor(seed: number, world: ClusterWorld) {
    this.#seed = seed;
    this.#random = new SeededRandom(seed);
    this.#world = world;
  }

  get answeredCount(): number {
    return this.#answered.length;
  }

  async rage(): Promise<void> {
    for (let step = 0; step < STEPS; step++) {
      this.#strike();
      for (let turn = 0; turn < 6; turn++) await this.#live(20 + this.#random.below(60));
    }
    this.#calm();
    for (let turn = 0; turn < 120 && !this.#isServed(); turn++) await this.#live(100);
    assert(this.#isServed(), `seed ${this.#seed}: nobody serves after the storm`);
  }

  async #live(durationMs: number): Promise<void> {
    await this.#world.pass(durationMs);
    for (const name of names) this.#lead(name);
  }

  #isServed(): boolean {
    return names.some((name) => this.#world.copy(name).isServing);
  }

  #strike(): void {
    const name = names[this.#random.below(2)]!;
    const host = this.#world.hosts[name];
    const die = this.#random.below(9);
    if (die === 0 && this.#down.has(name)) this.#start(name);
    else if (die === 0) this.#kill(name);
    else if (die <= 2 && this.#frozen.has(name)) this.#wake(name);
    else if (die <= 2) this.#freeze(name);
    else if (die === 3) this.#isLinked = !this.#isLinked;
    else if (die === 4 && !this.#down.has(name))
      this.#world.cut(name, (['A', 'B', 'W'] as const)[this.#random.below(3)]!);
    else if (die === 5) this.#world.votes.W.isUp = !this.#world.votes.W.isUp;
    else if (die === 6) this.#makeLossy(host.links);
    else {
      this.#world.heal(name);
      this.#isLinked = true;
    }
  }

  #makeLossy(links: Record<string, { lossPercent: number }>): void {
    for (const link of Object.values(links)) link.lossPercent = this.#random.below(3) * 15;
  }

  #calm(): void {
    this.#world.votes.W.isUp = true;
    this.#isLinked = true;
    for (const name of names) {
      if (this.#frozen.has(name)) this.#wake(name);
      if (this.#down.has(name)) this.#start(name);
      this.#world.heal(name);
      for (const link of Object.values(this.#world.hosts[name].links)) link.lossPercent = 0;
    }
  }

  #kill(name: HostName): void {
    if (this.#frozen.has(name)) this.#wake(name);
    this.#world.kill(name);
    this.#down.add(name);
    this.#joining.delete(name);
    this.#asking.delete(name);
  }

  #start(name: HostName): void {
    this.#world.start(name);
    this.#down.delete(name);
  }

  #freeze(name: HostName): void {
    if (this.#down.has(name)) return;
    this.#world.hosts[name].clock.freeze();
    this.#frozen.add(name);
  }

  #wake(name: HostName): void {
    this.#world.hosts[name].clock.wake(this.#random.below(2) === 0 ? 'stopped process' : 'suspended machine');
    this.#frozen.delete(name);
  }

  /** One step of a copy that believes that it leads: commit, shrink, let the other one join. The lease is not asked. */
  #lead(name: HostName): void {
    const copy = this.#world.copy(name);
    const epoch = copy.grant?.epoch;
    if (epoch === undefined || copy.isDead || this.#frozen.has(name)) return;
    this.#checkNewLeader(name, epoch);
    const other = name === 'A' ? 'B' : 'A';
    const isOtherNeeded = copy.inSync.includes(other) || this.#joining.get(name) === epoch;
    this.#append(name, (this.#logs[name].at(-1) ?? 0) + 1, epoch);
    const isHeldByOther = this.#ship(name, other, epoch);
    if (isHeldByOther || !isOtherNeeded) {
      assert.equal(epoch, this.#highestEpoch, `seed ${this.#seed}: ${name} answers under an epoch of the past`);
      this.#answered.push(this.#logs[name].at(-1)!);
      void this.#world.service(name).publishHint(GROUP, epoch, { lsn: this.#logs[name].at(-1)!, generation: 10 });
    }
    if (isHeldByOther && !copy.inSync.includes(other)) this.#ask(name, copy, epoch, 'grow');
    if (!isHeldByOther && copy.inSync.includes(other)) this.#ask(name, copy, epoch, 'shrink');
  }

  #checkNewLeader(name: HostName, epoch: number): void {
    // A leader of the past that has not noticed yet: it may not answer, which is checked where it would.
    if (epoch <= this.#highestEpoch) return;
    this.#highestEpoch = epoch;
    this.takeovers++;
    const log = new Set(this.#logs[name]);
    for (const lsn of this.#answered)
      assert(log.has(lsn), `seed ${this.#seed}: ${name} leads epoch ${epoch} without ${lsn}`);
  }

  #append(name: HostName, after: number, epoch: number): void {
    this.#logs[name].push(Math.max(after, epoch * EPOCH_STRIDE + 1));
    this.#publishFacts(name);
  }

  /** The other one takes over the whole log, its own tail put aside, if it still listens to this epoch (C2). */
  #ship(from: HostName, to: HostName, epoch: number): boolean {
    const target = this.#world.copy(to);
    if (!this.#isLinked || this.#frozen.has(to) || target.isDead || !target.acknowledges(epoch)) return false;
    if (target.grant !== undefined) return false;
    this.#logs[to] = [...this.#logs[from]];
    target.usedEpoch = Math.max(target.usedEpoch, epoch);
    this.#publishFacts(to);
    return true;
  }

  #publishFacts(name: HostName): void {
    const copy = this.#world.copy(name);
    const lsn = this.#logs[name].at(-1) ?? 0;
    copy.facts = { ...copy.facts, durableLsn: lsn, endLsn: lsn };
  }

  #ask(name: HostName, copy: FakeCopy, epoch: number, what: 'grow' | 'shrink'): void {
    if (this.#asking.has(name) || this.#random.below(4) !== 0) return;
    const other = name === 'A' ? 'B' : 'A';
    const service = this.#world.service(name);
    this.#asking.add(name);
    if (what === 'grow') this.#joining.set(name, epoch);
    const asked =
      what === 'grow' ? service.requestGrow(GROUP, epoch, other) : service.requestShrink(GROUP, epoch, [name]);
    void asked.then((answer) => {
      if (this.#world.copy(name) !== copy) return;
      this.#asking.delete(name);
      if (answer === 'changed' && what === 'grow') this.grows++;
      if (answer === 'changed' && what === 'shrink') this.shrinks++;
      // Known either way: from here on the set that the register holds says who is needed.
      if (answer !== 'unknown') this.#joining.delete(name);
    });
  }
}

export interface StormTotals {
  answered: number;
  takeovers: number;
  shrinks: number;
  grows: number;
}

async function storms(first: number, last: number): Promise<StormTotals> {
  const totals: StormTotals = { answered: 0, takeovers: 0, shrinks: 0, grows: 0 };
  for (let seed = first; seed <= last; seed++) {
    const storm = new Storm(seed, await ClusterWorld.running({}, seed));
    await storm.rage();
    totals.answered += storm.answeredCount;
    totals.takeovers += storm.takeovers;
    totals.shrinks += storm.shrinks;
    totals.grows += storm.grows;
  }
  return totals;
}

const { first, last } = workerData as { first: number; last: number };
parentPort?.postMessage(await storms(first, last));
