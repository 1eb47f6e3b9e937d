/**
 * `holdfast form-cluster --plan FILE --to DIR`: forms a cluster from a plan: its authority, and for each host a folder with everything
 * that it begins with, to be carried to its machine. Nothing is started, and nothing is asked of any machine.
 */
import { resolve } from 'node:path';
import { stringify } from 'yaml';
import { Problem } from '../../base/problem.ts';
import { parseConfig } from '../../host/config.ts';
import { clusterFiles } from '../cluster-files.ts';
import { explainSystemError } from '../error-line.ts';
import { lockFolder } from '../folder-lock.ts';
import {
  type ClusterSpecification,
  configurationsOf,
  formClusterIn,
  inspectFolder,
  networkFindings,
} from '../form-cluster.ts';
import { readPlan } from './plan-file.ts';
import { parseWords } from './words.ts';

const NO_CLUSTER_ID = '0'.repeat(32);

const usage = 'holdfast form-cluster --plan FILE --to DIR';

/** Problem('ArgumentInvalid' | 'PlanUnreadable' | 'PlanInvalid' | 'ConfigInvalid' | 'NetworksUnfit' | 'ClusterFormed' | …) */
export async function runFormCluster(words: readonly string[], print: (line: string) => void): Promise<void> {
  const { values } = parseWords(words, usage, { plan: { type: 'string' }, to: { type: 'string' } }, ['plan', 'to']);
  const plan = String(values['plan']);
  const specification = readPlan(plan);
  const folder = resolve(String(values['to']));
  mustBeReadable(specification, folder, plan);
  try {
    await formOnce(folder, specification);
  } catch (error) {
    throw explainSystemError(`form a cluster in ${folder}`, error);
  }
  for (const warning of networkFindings(specification).warnings) print(`Warning: ${warning}`);
  for (const line of nextSteps(folder, specification)) print(line);
}

/** Before anything is made: what each host would read. */
function mustBeReadable(specification: ClusterSpecification, folder: string, plan: string): void {
  for (const config of configurationsOf(folder, specification, NO_CLUSTER_ID)) parseConfig(stringify(config), plan);
}

async function formOnce(folder: string, specification: ClusterSpecification): Promise<void> {
  const marker = inspectFolder(folder);
  if (marker?.formed) {
    throw new Problem(
      'ClusterFormed',
      `Cannot form a cluster in ${folder}: ${marker.clusterName} was formed there. Use another folder with --to.`,
    );
  }
  const lock = lockFolder(folder);
  try {
    await formClusterIn(folder, specification);
  } finally {
    lock.release();
  }
}

function nextSteps(folder: string, { clusterName, hosts }: ClusterSpecification): readonly string[] {
  return [
    `The cluster ${clusterName} is formed in ${folder}. What is left to do:`,
    ...hosts.map(({ name, address }) => `  carry ${clusterFiles.host(folder, name)} to ${name} (${address})`),
    '  start each host there, as the user that owns its folder: bin/holdfast host --data FOLDER',
    `  carry ${clusterFiles.administrator(folder)} to where you give commands, beside or into a host's folder`,
    `  keep ${clusterFiles.authority(folder)} where only you reach it: whoever has it can make hosts of this cluster`,
    'What was carried away is to be deleted here: two services with one folder would each believe that it is theirs.',
  ];
}
