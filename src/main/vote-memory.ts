/**
 * Who votes on the register, as this host last learned it, kept through restarts. The configuration says it only once, for
 * a cluster as it was formed: afterwards the set changes by command, and an edited file must not make a second one.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { decodeNote, encodeNote } from '../base/checked-note.ts';
import type { Logger } from '../base/logger.ts';
import { messageOf } from '../base/problem.ts';
import type { KnownSet } from '../cluster/acceptor-set.ts';
import { isVoteSet, type VoteSet } from '../cluster/vote-set.ts';
import { type HostConfig, placesIn } from '../host/config.ts';
import { replaceFile } from './cluster-marker.ts';

const schema = z.strictObject({
  format: z.literal(1),
  clusterId: z.string(),
  set: z.custom<VoteSet>(isVoteSet, 'not a set of votes'),
});

export class VoteMemory {
  readonly #options: { path: string; config: HostConfig; logger: Logger };
  readonly known: VoteSet;

  constructor(options: { path: string; config: HostConfig; logger: Logger }) {
    this.#options = options;
    const remembered = this.#load();
    this.known = remembered ?? asFormed(options.config);
    if (remembered === undefined) this.learn(this.known);
  }

  learn(set: KnownSet): void {
    const { path, config, logger } = this.#options;
    const whole = { ...asFormed(config), ...set };
    try {
      replaceFile(path, encodeVotes(config.cluster.id, whole));
    } catch (error) {
      // The acceptors say it again at the next start.
      logger.warn({ path, reason: messageOf(error) }, 'the set of acceptors cannot be remembered');
    }
  }

  #load(): VoteSet | undefined {
    const { path, config, logger } = this.#options;
    try {
      const { clusterId, set } = decodeVotes(readFileSync(path));
      return clusterId === config.cluster.id ? set : undefined;
    } catch (error) {
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (!isMissing) logger.warn({ path, reason: messageOf(error) }, 'the remembered set of acceptors cannot be read');
      return undefined;
    }
  }
}

export function encodeVotes(clusterId: string, set: VoteSet): Buffer {
  return encodeNote({ format: 1, clusterId, set });
}

/** Throws when it is not what was encoded. */
export function decodeVotes(bytes: Buffer): z.infer<typeof schema> {
  return schema.parse(decodeNote(bytes));
}

function asFormed(config: HostConfig): VoteSet {
  const places = placesIn(config);
  return { incarnation: 1, places, previous: places, awaited: {} };
}
