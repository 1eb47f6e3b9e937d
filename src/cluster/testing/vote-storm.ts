/**
 * A storm over the set of votes, by seed: votes are added, replaced, removed, lost and given back while several hosts change
 * the register, over links that lose, delay and reorder, to votes that come and go; hosts die in the middle of a change of
 * the set and are started anew with the set that the cluster was formed with. Each operation leaves a mark that counts how
 * often it was applied: a second majority, or a set that forgot something, shows as a mark that is missing, doubled or out
 * of its place in history. When all is healed, whoever comes first completes what was begun, and the register changes again.
 */
import assert from 'node:assert/strict';
import { parentPort, workerData } from 'node:worker_threads';
import { silentLogger } from '../../base/logger.ts';
import { isProblem } from '../../base/problem.ts';
import { SeededRandom } from '../../base/random.ts';
import type { AcceptorPlace } from '../acceptor-places.ts';
import { AcceptorSet } from '../acceptor-set.ts';
import type { RegisterDocument } from '../register-document.ts';
import { isCloseTo } from '../vote-set.ts';
import { emptyHistory, type History, judge, note } from './history.ts';
import { ManualClock } from './manual-clock.ts';
import { LossyLink, MemoryVote } from './memory-acceptor.ts';
import { applying, formedVotes, identity } from './votes.ts';

const HOSTS = 3;
const SPARE_VOTES = 4;
const STEPS = 14;

interface Host {
  readonly name: string;
  readonly set: AcceptorSet;
  readonly links: readonly LossyLink[];
}

class Storm {
  readonly #random: SeededRandom;
  readonly #clock = new ManualClock(1_000, 10);
  readonly #votes: readonly MemoryVote[];
  readonly #first: readonly AcceptorPlace[];
  readonly #lossPercent: number;
  readonly #works: Promise<unknown>[] = [];
  readonly history: History = emptyHistory();
  readonly told: Record<string, number> = {};
  #hosts: Host[] = [];
  #started = 0;
  #operations = 0;
  #lost: string | undefined;

  private constructor(random: SeededRandom, formed: readonly MemoryVote[]) {
    this.#random = random;
    this.#first = formed.map(placeOf);
    const spare = Array.from({ length: SPARE_VOTES }, (_, index) => new MemoryVote(`spare${index}`));
    this.#votes = [...formed, ...spare];
    this.#lossPercent = random.below(15);
    this.#hosts = Array.from({ length: HOSTS }, () => this.#startHost());
  }

  static async begin(seed: number): Promise<Storm> {
    const random = new SeededRandom(seed);
    return new Storm(random, await formedVotes(random.below(3) === 0 ? 5 : 3));
  }

  async rage(): Promise<RegisterDocument> {
    for (let step = 0; step < STEPS; step++) {
      for (const host of this.#hosts) this.#begin(this.#change(host));
      this.#strike();
      await this.#clock.run(20 + this.#random.below(400));
    }
    this.#calm();
    await this.#clock.until(Promise.all(this.#works), 600_000);
    return await this.#end();
  }

  #strike(): void {
    const host = this.#pick(this.#hosts);
    const vote = this.#pick(this.#votes);
    const die = this.#random.below(12);
    if (die <= 4) this.#begin(this.#changeVotes(host));
    else if (die === 5) this.#begin(this.#loseVote(host));
    else if (die === 6) this.#killHost(host);
    else if (die <= 8) vote.isUp = !vote.isUp;
    else if (die === 9) this.#pick(host.links).isCut = true;
    else for (const link of host.links) link.isCut = false;
  }

  #calm(): void {
    for (const vote of this.#votes) vote.isUp = true;
    for (const link of this.#hosts.flatMap((host) => host.links)) Object.assign(link, { isCut: false, lossPercent: 0 });
  }

  async #change({ name, set }: Host): Promise<void> {
    const operation = `${name}-${++this.#operations}`;
    note(this.history, operation, await set.change(applying(operation), { timeoutMs: 50 + this.#random.below(400) }));
  }

  /** A set near the present one: some other vote in, or out, or one for the other. Of two, none may be lost. */
  async #changeVotes({ set }: Host): Promise<void> {
    const present = set.places;
    const others = this.#votes.map(placeOf).filter((place) => !present.some((each) => each.name === place.name));
    const out = this.#pick(present);
    const die = this.#random.below(3);
    const kept = die === 0 ? present : present.filter((place) => place !== out);
    const next = die === 1 || others.length === 0 ? kept : [...kept, this.#pick(others)];
    if (next.length < 3 || next.length > 5 || !isCloseTo(next, present)) return;
    await this.#tell('change', set.changePlaces(next));
  }

  /** One disk at a time: two lost at once are two votes that forgot, and no rule helps against that. */
  async #loseVote({ set }: Host): Promise<void> {
    if (this.#lost !== undefined) {
      await this.#tell('admit', set.admit(this.#lost));
      return;
    }
    const vote = this.#votes.find((each) => each.name === this.#pick(set.places).name);
    if (vote === undefined || set.places.length < 3) return;
    this.#lost = vote.name;
    vote.restore(undefined);
    await this.#tell('admit', set.admit(vote.name));
  }

  async #tell(what: string, work: Promise<void>): Promise<void> {
    let told = 'done';
    try {
      await work;
      if (what === 'admit') this.#lost = undefined;
    } catch (error) {
      if (!isProblem(error)) throw error;
      told = error.code;
    }
    this.told[`${what} ${told}`] = (this.told[`${what} ${told}`] ?? 0) + 1;
  }

  /** Whatever it was doing never goes on; another one is started in its place. */
  #killHost(host: Host): void {
    for (const link of host.links) link.isCut = true;
    this.#hosts = [...this.#hosts.filter((other) => other !== host), this.#startHost()];
  }

  #startHost(): Host {
    const name = `P${++this.#started}`;
    const options = { lossPercent: this.#lossPercent, maxDelayMs: 1 + this.#random.below(15) };
    const links = this.#votes.map(() => new LossyLink(this.#clock, this.#random, options));
    const openVote = (place: AcceptorPlace) => {
      const index = this.#votes.findIndex((vote) => vote.name === place.name);
      const [vote, link] = [this.#votes[index], links[index]];
      assert(vote !== undefined && link !== undefined);
      return {
        name: place.name,
        ask: (request: Parameters<MemoryVote['ask']>[0]) => link.carry(() => vote.ask(request)),
      };
    };
    const set = new AcceptorSet({
      clusterId: identity.clusterId,
      first: { incarnation: 1, places: this.#first },
      openVote,
      proposer: name,
      clock: this.#clock,
      random: this.#random,
      logger: silentLogger,
    });
    return { name, set, links };
  }

  /** Hosts of the first set only, and only those that live: they find out, complete, and go on. */
  async #end(): Promise<RegisterDocument> {
    const host = this.#pick(this.#hosts);
    for (let turn = 0; turn < 30; turn++) {
      const operation = `${host.name}-end-${turn}`;
      const outcome = await this.#clock.until(host.set.change(applying(operation), { timeoutMs: 2_000 }));
      note(this.history, operation, outcome);
      if (outcome.kind === 'changed') return outcome.document;
      await this.#clock.run(3_000);
    }
    return assert.fail('the register does not change any more, although all is healed');
  }

  #begin(work: Promise<unknown>): void {
    this.#works.push(work);
    work.catch(() => undefined);
  }

  #pick<T>(from: readonly T[]): T {
    const picked = from[this.#random.below(from.length)];
    assert(picked !== undefined);
    return picked;
  }
}

function placeOf(vote: { readonly name: string }): AcceptorPlace {
  return { kind: 'host', name: vote.name };
}

export interface VoteStormTotals {
  changed: number;
  unknown: number;
  /** Of the commands that change the set, by their outcome. */
  readonly told: Record<string, number>;
  highestIncarnation: number;
}

async function storms(first: number, last: number): Promise<VoteStormTotals> {
  const totals: VoteStormTotals = { changed: 0, unknown: 0, told: {}, highestIncarnation: 0 };
  for (let seed = first; seed <= last; seed++) {
    try {
      const storm = await Storm.begin(seed);
      const final = await storm.rage();
      judge(seed, storm.history, final);
      totals.changed += storm.history.changed.size;
      totals.unknown += storm.history.unknown.size;
      for (const [told, count] of Object.entries(storm.told)) totals.told[told] = (totals.told[told] ?? 0) + count;
      totals.highestIncarnation = Math.max(totals.highestIncarnation, final.votes?.incarnation ?? 1);
    } catch (error) {
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
    }
  }
  return totals;
}

const { first, last } = workerData as { first: number; last: number };
parentPort?.postMessage(await storms(first, last));
