/** Planted bugs of the hub: what it keeps for a copy that cannot take it now, or that has lost it. */
import type { PlantedBug } from './planted-bug.ts';

export const hubBugs: readonly PlantedBug[] = [
  {
    name: 'queue not synced',
    what: "the hub acknowledges what stands in its queue's log and is not yet durable",
    breaks: 'S13',
    budgetSeeds: 20,
    faults: ['hub power loss', 'node cut off', 'power loss of all'],
    mode: 'sync',
    ports: { hubDisk: { neverSynced: 'queue/' } },
  },
  {
    name: 'loss kept quiet',
    what: 'a copy does not tell the hub that its epoch began with a loss, so the dumpster is not asked',
    breaks: 'M1',
    budgetSeeds: 40,
    faults: ['link between nodes cut', 'power loss', 'active lost behind a cut'],
    mode: 'async',
    ports: { wrapServing: (serving) => ({ ...serving, lossy: false }) },
  },
  {
    name: 'dumpster dropped early',
    what: 'the hub keeps nothing of what the active copy has confirmed, in async mode either',
    breaks: 'M1',
    budgetSeeds: 40,
    faults: ['link between nodes cut', 'power loss', 'active lost behind a cut'],
    mode: 'async',
    ports: { hubLimits: { maxDumpsterBytes: 0 } },
  },
];
