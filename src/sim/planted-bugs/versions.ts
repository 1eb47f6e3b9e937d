/** Planted bugs of software that is updated one host after the other: what is written before everybody reads it. */
import type { FaultKind } from '../nemesis.ts';
import type { PlantedBug } from './planted-bug.ts';
import { rewritten } from './register-changes.ts';

const faults: readonly FaultKind[] = ['another version', 'format level raised'];

export const versionBugs: readonly PlantedBug[] = [
  {
    name: 'new kinds written at once',
    what: 'the active copy writes every kind of record that its own software knows, whatever the format level of the cluster is',
    breaks: 'C11',
    budgetSeeds: 20,
    faults,
    mode: 'sync',
    ports: {
      wrapFormats: (formats) => ({
        ...formats,
        levelOf: (kind) => (formats.levelOf(kind) === undefined ? undefined : formats.lowest),
      }),
    },
  },
  {
    name: 'unknown kind acknowledged',
    what: 'a copy takes records of kinds that its software does not know, and finds out when it is to apply them',
    breaks: 'C11',
    budgetSeeds: 20,
    faults,
    mode: 'sync',
    ports: { wrapFormats: (formats) => ({ ...formats, levelOf: (kind) => formats.levelOf(kind) ?? 1 }) },
  },
  {
    name: 'unknown field dropped',
    what: 'a host writes the register back without the fields that the version before did not have',
    breaks: 'C11',
    budgetSeeds: 20,
    faults,
    mode: 'sync',
    ports: {
      wrapRegister: (register) =>
        rewritten(register, (_before, after) => {
          const { formatLevel: _level, ...known } = after;
          return known;
        }),
    },
  },
];
