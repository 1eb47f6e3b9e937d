/** Test-ReplicationHealth: every check of replication, cluster and quorum, with what is wrong where something is. */
import { z } from 'zod';
import { isProblem } from '../../base/problem.ts';
import { gatherFacts } from '../cluster-facts.ts';
import { declareCommand, type Row } from '../command.ts';
import type { AdminContext } from '../context.ts';
import { type CheckResult, machineChecks, quorumChecks, serverChecks } from '../replication-checks.ts';

export const testReplicationHealth = declareCommand({
  name: 'Test-ReplicationHealth',
  synopsis: 'Checks replication, cluster and quorum.',
  description:
    'Runs all checks and shows each with its result: Passed or *FAILED*, and what is wrong. Works also without a quorum; then only what can be said without the register is checked.',
  parameters: z.strictObject({}),
  permission: 'View-Only Administrator',
  columns: [
    { name: 'Server', type: 'text', description: 'The machine or clustered mailbox server that was checked.' },
    { name: 'Check', type: 'text', description: 'The name of the check.' },
    { name: 'Result', type: 'text', description: 'Passed or *FAILED*.' },
    { name: 'Error', type: 'text', description: 'What is wrong.' },
  ],
  table: ['Server', 'Check', 'Result', 'Error'],
  examples: [{ line: 'Test-ReplicationHealth', what: 'Shows whether the cluster could stand a failure now.' }],
  handler: async (context) => (await runChecks(context)).map(rowOf),
});

async function runChecks(context: AdminContext): Promise<readonly CheckResult[]> {
  const [hosts, acceptors] = await Promise.all([context.hostReports(), context.acceptorReports()]);
  try {
    const facts = await gatherFacts(context);
    return [
      ...quorumChecks(context.hostName, hosts, acceptors, undefined, context.networks),
      ...serverChecks(facts),
      ...machineChecks(facts),
    ];
  } catch (error) {
    if (!isProblem(error)) throw error;
    return quorumChecks(context.hostName, hosts, acceptors, error.message, context.networks);
  }
}

function rowOf({ server, check, error }: CheckResult): Row {
  return { Server: server, Check: check, Result: error === undefined ? 'Passed' : '*FAILED*', Error: error ?? null };
}
