/**
 * C11: the format level rises only to what every member has announced, and a host joins only when it reads it; no record
 * is written that the level of its epoch does not allow; and none lies in the log of a copy whose software does not know it.
 */
import { formatLevelOf, membersOf, reads } from '../../cluster/format-level.ts';
import { member, type RegisterDocument } from '../../cluster/register-document.ts';
import { epochOf, formatLsn } from '../../log/lsn.ts';
import type { LogRecord } from '../../log/record.ts';
import { type Checker, type SimulatedCluster, STORAGE_GROUP, Violation } from '../simulated-cluster.ts';
import type { SimulatedHost } from '../simulated-host.ts';
import { presentSoftware } from '../software.ts';
import { readLog } from './read-log.ts';

export class FormatsAreRead implements Checker {
  readonly name = 'formats are read';
  readonly #cluster: SimulatedCluster;
  #level = presentSoftware.highest;
  /** Epoch to the level at which it writes. */
  readonly #levels = new Map<number, number>();
  /** How far a host's log was looked through. */
  readonly #seen = new Map<SimulatedHost, number>();
  /** Some epoch wrote at a lower level than the present software can: otherwise there is nothing to look for. */
  #isMixed = false;

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
  }

  chosen(before: RegisterDocument | undefined, after: RegisterDocument): void {
    const level = formatLevelOf(after);
    if (before !== undefined && level < formatLevelOf(before))
      throw new Violation('C11', 'the format level has fallen');
    if (before !== undefined && level > formatLevelOf(before)) this.#risen(after, level);
    for (const host of this.#cluster.hosts) {
      const incarnation = member(after.nodes, host.name)?.incarnation;
      const hasJoined = before !== undefined && member(before.nodes, host.name)?.incarnation !== incarnation;
      if (hasJoined && !reads(host.software, level))
        throw new Violation('C11', `${host.name} joins with software that does not read level ${level}`);
    }
    this.#level = level;
    this.#isMixed ||= level < presentSoftware.highest;
    const epoch = member(after.storageGroups, STORAGE_GROUP)?.epoch ?? 0;
    if (!this.#levels.has(epoch)) this.#levels.set(epoch, level);
  }

  #risen(document: RegisterDocument, level: number): void {
    for (const name of membersOf(document)) {
      const formats = member(document.nodes, name)?.formats;
      if (formats === undefined || !reads(formats, level))
        throw new Violation('C11', `the format level is ${level} now, and ${name} does not read it`);
    }
  }

  sampled(): void {
    if (!this.#isMixed) return;
    for (const host of this.#cluster.hosts) this.#look(host);
  }

  ended(): void {
    this.sampled();
  }

  #look(host: SimulatedHost): void {
    const endLsn = host.liveView?.endLsn ?? 0;
    // Whoever does not read the level is about to leave, and takes nothing more.
    if (endLsn === this.#seen.get(host) || !reads(host.software, this.#level)) return;
    for (const record of readLog(host.disk).records) this.#lookAt(host, record);
    this.#seen.set(host, endLsn);
  }

  #lookAt({ name, software }: SimulatedHost, { lsn, kind }: LogRecord): void {
    const needed = presentSoftware.levelOf(kind) ?? Number.POSITIVE_INFINITY;
    if (needed > (this.#levels.get(epochOf(lsn)) ?? needed))
      throw new Violation(
        'C11',
        `${formatLsn(lsn)} on ${name} needs format level ${needed}, and its epoch has a lower one`,
      );
    if (software.levelOf(kind) === undefined)
      throw new Violation(
        'C11',
        `${name} has ${formatLsn(lsn)} in its log, of kind ${kind}, which its software does not know`,
      );
  }
}
