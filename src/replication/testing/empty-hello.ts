/** How a copy with an empty log introduces itself, for tests that look at something else. */
import type { ReplicationHello } from '../protocol.ts';

export function emptyHello(epoch: number): ReplicationHello {
  return { service: 'replication', storageGroup: 'g', incarnation: 1, epoch, logSignature: '', ends: [], seededLsn: 0 };
}
