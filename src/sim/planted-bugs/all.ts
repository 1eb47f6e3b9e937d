/** Every planted bug. The table in docs/invariants.md tells them; a test holds it against this list. */
import { hubBugs } from './hub.ts';
import { leaseBugs, ownershipBugs } from './lease-and-ownership.ts';
import { logAndDiskBugs } from './log-and-disk.ts';
import type { PlantedBug } from './planted-bug.ts';
import { registerAndVotesBugs } from './register-and-votes.ts';
import { replicationBugs } from './replication.ts';
import { storeAndMailBugs } from './store-and-mail.ts';
import { versionBugs } from './versions.ts';

export const plantedBugs: readonly PlantedBug[] = [
  ...logAndDiskBugs,
  ...registerAndVotesBugs,
  ...leaseBugs,
  ...ownershipBugs,
  ...replicationBugs,
  ...storeAndMailBugs,
  ...versionBugs,
  ...hubBugs,
];
