/**
 * Two hosts and a witness for stories about ownership: real register, real cluster services, copies that only
 * remember. All the time that passes is watched: two copies that serve at once end the story.
 */
import assert from 'node:assert/strict';
import { silentLogger } from '../../base/logger.ts';
import { SeededRandom } from '../../base/random.ts';
import { NO_BALLOT } from '../acceptor.ts';
import { CasPaxosRegister } from '../caspaxos-register.ts';
import { compose } from '../changes.ts';
import { ClusterService } from '../cluster-service.ts';
import { addServer, addStorageGroup } from '../configuration-changes.ts';
import { formatRange } from '../format-level.ts';
import type { RegisterDocument, StorageGroupRecord } from '../register-document.ts';
import { defaultTiming } from '../timing.ts';
import { FakeCopy } from './fake-copy.ts';
import { HostClock, ManualClock } from './manual-clock.ts';
import { directLink, LossyLink, MemoryVote } from './memory-acceptor.ts';

export const GROUP = 'mbx01\\First Storage Group';
const identity = { clusterId: 'c', incarnation: 1 };
const SAMPLE_MS = 10;

type HostName = 'A' | 'B';
type VoteName = HostName | 'W';

interface Host {
  clock: HostClock;
  links: Record<VoteName, LossyLink>;
  service: ClusterService | undefined;
  copy: FakeCopy;
  isSuperseded: boolean;
  evictions: number;
}

export class ClusterWorld {
  readonly clock = new ManualClock();
  readonly votes: Record<VoteName, MemoryVote> = {
    A: new MemoryVote('A'),
    B: new MemoryVote('B'),
    W: new MemoryVote('W'),
  };
  readonly hosts: Record<HostName, Host>;
  readonly #random: SeededRandom;
  readonly #admin: CasPaxosRegister;
  #runs = 0;

  private constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    this.hosts = { A: this.#makeHost(), B: this.#makeHost() };
    const acceptors = Object.values(this.votes).map((vote) => vote.reachedBy(identity, directLink));
    this.#admin = new CasPaxosRegister({ acceptors, proposer: 'admin', clock: this.clock, random: this.#random });
  }

  /** A formed cluster whose group stands as `group` says; no host runs yet. Both logs end at LSN 1,000 in generation 10. */
  static async formed(group: Partial<StorageGroupRecord> = {}, seed = 1): Promise<ClusterWorld> {
    const world = new ClusterWorld(seed);
    for (const vote of Object.values(world.votes))
      await vote.reachedBy(identity, directLink).initialise(NO_BALLOT, undefined);
    await world.administer((document) => {
      assert(document === undefined);
      const empty = { clusterId: 'c', version: 0, nodes: {}, storageGroups: {}, clusteredMailboxServers: {} };
      return compose(empty, [
        (current) =>
          addStorageGroup(current, {
            name: GROUP,
            copies: ['A', 'B'],
            mode: 'sync',
            sharedStorage: false,
            circularLogging: false,
          }),
        (current) => addServer(current, { name: 'mbx01', storageGroups: [GROUP], redundantMachines: ['A', 'B'] }),
        (current) => ({
          ...current,
          storageGroups: {
            [GROUP]: {
              ...current.storageGroups[GROUP]!,
              inSync: ['A', 'B'],
              hint: { lsn: 1_000, generation: 10 },
              ...group,
            },
          },
        }),
      ]);
    });
    return world;
  }

  /** Both hosts up, A leading for a while. */
  static async running(group: Partial<StorageGroupRecord> = {}, seed = 1): Promise<ClusterWorld> {
    const world = await ClusterWorld.formed(group, seed);
    world.start('A');
    world.start('B');
    await world.pass(3_000);
    assert(world.hosts.A.copy.isServing, 'A leads');
    return world;
  }

  copy(host: HostName): FakeCopy {
    return this.hosts[host].copy;
  }

  service(host: HostName): ClusterService {
    const { service } = this.hosts[host];
    assert(service !== undefined, `${host} runs`);
    return service;
  }

  /** A new run of the host's cluster service and of its copy, whose disk is as it was. */
  start(name: HostName): void {
    const host = this.hosts[name];
    this.votes[name].isUp = true;
    for (const link of Object.values(host.links)) link.isCut = false;
    this.restartCopy(name);
    const acceptors = Object.values(this.votes).map((vote) =>
      vote.reachedBy(identity, host.links[vote.name as VoteName]),
    );
    const random = new SeededRandom(1_000 * ++this.#runs);
    host.service = new ClusterService({
      host: name,
      register: new CasPaxosRegister({ acceptors, proposer: name, clock: host.clock, random }),
      clock: host.clock,
      logger: silentLogger,
      timing: defaultTiming,
      formats: { ...formatRange, software: 'this one' },
      onUnfit: (problem) => assert.fail(problem.message),
      onEvicted: () => {
        host.evictions += 1;
      },
      onSuperseded: () => {
        host.isSuperseded = true;
      },
    });
    host.service.attach(GROUP, host.copy);
    host.service.start();
  }

  restartCopy(name: HostName): FakeCopy {
    const host = this.hosts[name];
    const { durableLsn: lsn, generation } = host.copy.facts;
    const before = host.copy;
    host.copy = new FakeCopy(host.clock, { lsn, generation });
    host.copy.facts = { ...before.facts, state: 'passive' };
    host.copy.fencedEpoch = before.fencedEpoch;
    host.copy.usedEpoch = before.usedEpoch;
    before.isDead = true;
    return host.copy;
  }

  /** Power off: the run never does anything again. */
  kill(name: HostName): void {
    const host = this.hosts[name];
    host.copy.isDead = true;
    this.votes[name].isUp = false;
    for (const link of Object.values(host.links)) link.isCut = true;
    host.clock.freeze();
    host.service = undefined;
    host.clock = new HostClock(this.clock);
    host.links = this.#makeLinks(host.clock);
  }

  /** Between a host and votes: nothing passes. */
  cut(name: HostName, ...votes: VoteName[]): void {
    for (const vote of votes) this.hosts[name].links[vote].isCut = true;
  }

  heal(name: HostName): void {
    for (const link of Object.values(this.hosts[name].links)) link.isCut = false;
  }

  async pass(durationMs: number): Promise<void> {
    for (let passedMs = 0; passedMs < durationMs; passedMs += SAMPLE_MS) {
      await this.clock.run(SAMPLE_MS);
      const serving = Object.entries(this.hosts).filter(([, host]) => host.copy.isServing);
      assert(serving.length <= 1, `Two copies serve at once: ${serving.map(([name]) => name).join(', ')}`);
    }
  }

  /** Milliseconds until `condition` holds. */
  async passUntil(condition: () => boolean, limitMs = 20_000): Promise<number> {
    let passedMs = 0;
    while (!condition()) {
      assert(passedMs < limitMs, `It did not come true within ${limitMs} ms`);
      await this.pass(SAMPLE_MS);
      passedMs += SAMPLE_MS;
    }
    return passedMs;
  }

  async administer(change: (document: RegisterDocument | undefined) => RegisterDocument | undefined): Promise<void> {
    const outcome = await this.clock.until(this.#admin.change(change, { timeoutMs: 5_000 }));
    assert.equal(outcome.kind, 'changed');
  }

  /** What the register really holds. */
  async document(): Promise<RegisterDocument> {
    const outcome = await this.clock.until(this.#admin.change(() => undefined, { timeoutMs: 5_000 }));
    assert(outcome.kind === 'unchanged' && outcome.document !== undefined);
    return outcome.document;
  }

  async group(): Promise<StorageGroupRecord> {
    return (await this.document()).storageGroups[GROUP]!;
  }

  #makeHost(): Host {
    const clock = new HostClock(this.clock);
    const copy = new FakeCopy(clock, { lsn: 1_000, generation: 10 });
    return { clock, links: this.#makeLinks(clock), service: undefined, copy, isSuperseded: false, evictions: 0 };
  }

  #makeLinks(clock: HostClock): Record<VoteName, LossyLink> {
    const link = () => new LossyLink(clock, this.#random, { lossPercent: 0, maxDelayMs: 3 });
    return { A: link(), B: link(), W: link() };
  }
}
