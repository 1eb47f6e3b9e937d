/** The words after `demo`. */
import { resolve } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { messageOf, Problem } from '../../base/problem.ts';
import type { ReplicationMode } from '../../cluster/register-document.ts';
import { DEFAULT_DATA_FOLDER } from '../default-data-folder.ts';
import { HIGHEST_PORT_OFFSET } from '../form-cluster.ts';
import { demoLimits } from './limits.ts';
import { MAX_NODES } from './specification.ts';

export type WitnessKind = 'share' | 'process' | 'disk';

export interface DemoOptions {
  /** Absolute. */
  readonly folder: string;
  /** Undefined = as it was, or the default of a new one. */
  readonly basePort: number | undefined;
  readonly mode: ReplicationMode | undefined;
  readonly witness: WitnessKind | undefined;
  readonly nodes: number | undefined;
  readonly users: number;
  readonly fresh: boolean;
  readonly mail: boolean;
}

export const demoUsage = `Usage
  holdfast demo [options]               forms a cluster on this machine and starts it
  holdfast demo start-host NAME [--data DIR]
                                        starts a host again that was killed
  holdfast demo add-host NAME [--data DIR]
                                        makes the folder of one more node, and says what makes it one

Options
  --data DIR      where its data lies (default: ${DEFAULT_DATA_FOLDER})
  --port BASE     every port is BASE plus the well-known one (default: 2000, so IMAP is 2143)
  --users N       user1@example.test and so on, password demo (default: 10)
  --mode MODE     sync, sync-strict or async (default: sync)
  --nodes N       mailbox nodes, each with a copy (default: 2); an odd number needs no witness
  --witness KIND  share (a directory) or process (a host that only votes); disk is a directory that is the only vote
                  (default: share)
  --fresh         forgets the old data
  --mail          sends it 6,046 real messages over SMTP
`;

const DEFAULT_USERS = 10;
export const DEFAULT_BASE_PORT = 2_000;
const modes: readonly ReplicationMode[] = ['sync', 'sync-strict', 'async'];
const witnessKinds: readonly WitnessKind[] = ['share', 'process', 'disk'];

/** Problem('ArgumentInvalid') */
export function parseDemoOptions(words: readonly string[]): DemoOptions {
  const { values } = parse(words, {
    data: { type: 'string' },
    port: { type: 'string' },
    users: { type: 'string' },
    mode: { type: 'string' },
    witness: { type: 'string' },
    nodes: { type: 'string' },
    fresh: { type: 'boolean' },
    mail: { type: 'boolean' },
  });
  return {
    folder: folderOf(values['data']),
    basePort:
      values['port'] === undefined ? undefined : wholeNumber('--port', values['port'], 0, 65_535 - HIGHEST_PORT_OFFSET),
    mode: oneOf('--mode', modes, values['mode']),
    witness: oneOf('--witness', witnessKinds, values['witness']),
    nodes: values['nodes'] === undefined ? undefined : wholeNumber('--nodes', values['nodes'], 1, MAX_NODES),
    users:
      values['users'] === undefined ? DEFAULT_USERS : wholeNumber('--users', values['users'], 0, demoLimits.maxUsers),
    fresh: values['fresh'] === true,
    mail: values['mail'] === true,
  };
}

export interface HostOptions {
  readonly folder: string;
  readonly host: string;
}

/** Of `demo start-host` and `demo add-host`. */
export function parseHostOptions(verb: 'start' | 'add', words: readonly string[]): HostOptions {
  const { values, positionals } = parse(words, { data: { type: 'string' } }, true);
  const [host] = positionals;
  if (host !== undefined && positionals.length === 1) return { folder: folderOf(values['data']), host };
  throw new Problem(
    'ArgumentInvalid',
    `Cannot ${verb} a host: write one name, as in "holdfast demo ${verb}-host mbx01-node1".`,
  );
}

type Values = Readonly<Record<string, string | boolean | undefined>>;

function parse(
  words: readonly string[],
  options: NonNullable<ParseArgsConfig['options']>,
  allowPositionals = false,
): { values: Values; positionals: readonly string[] } {
  try {
    const { values, positionals } = parseArgs({ args: [...words], options, strict: true, allowPositionals });
    return { values: values as Values, positionals };
  } catch (error) {
    const state = messageOf(error).split(/\.\s/)[0] ?? '';
    throw new Problem('ArgumentInvalid', `Cannot start the demo: ${state}. "holdfast demo --help" lists the options.`, {
      cause: error,
    });
  }
}

function folderOf(value: string | boolean | undefined): string {
  if (value === '') throw new Problem('ArgumentInvalid', 'Cannot start the demo: --data names no folder.');
  return resolve(typeof value === 'string' ? value : DEFAULT_DATA_FOLDER);
}

function oneOf<T extends string>(
  name: string,
  choices: readonly T[],
  value: string | boolean | undefined,
): T | undefined {
  if (value === undefined) return undefined;
  const choice = choices.find((each) => each === value);
  if (choice !== undefined) return choice;
  throw new Problem(
    'ArgumentInvalid',
    `Cannot start the demo: ${name} is ${choices.join(', ')}, not "${String(value)}".`,
  );
}

function wholeNumber(name: string, value: string | boolean, least: number, most: number): number {
  const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new Problem(
    'ArgumentInvalid',
    `Cannot start the demo: ${name} is a whole number from ${least} to ${most}, not "${String(value)}".`,
  );
}
