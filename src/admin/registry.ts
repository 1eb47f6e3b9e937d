/**
 * The one registry of commands. `execute` is the only way in, for the shell as for HTTP: it finds the command, checks
 * the caller's role, validates the parameters by the command's schema, honours -WhatIf and runs the handler.
 */
import { z } from 'zod';
import { assert } from '../base/assert.ts';
import { Problem } from '../base/problem.ts';
import type { Catalog, Command, Permission, Row } from './command.ts';
import { addClusterNode } from './commands/add-cluster-node.ts';
import { backupStorageGroup } from './commands/backup-storage-group.ts';
import { disableContinuousReplicationHostName } from './commands/disable-continuous-replication-host-name.ts';
import { disableStorageGroupCopy } from './commands/disable-storage-group-copy.ts';
import { dismountDatabase } from './commands/dismount-database.ts';
import { enableContinuousReplicationHostName } from './commands/enable-continuous-replication-host-name.ts';
import { enableStorageGroupCopy } from './commands/enable-storage-group-copy.ts';
import { getClusterNetwork } from './commands/get-cluster-network.ts';
import { getClusterNode } from './commands/get-cluster-node.ts';
import { getClusterQuorum } from './commands/get-cluster-quorum.ts';
import { getClusterVersion } from './commands/get-cluster-version.ts';
import { getClusteredMailboxServerStatus } from './commands/get-clustered-mailbox-server-status.ts';
import { getCommand } from './commands/get-command.ts';
import { getContentIndexStatus } from './commands/get-content-index-status.ts';
import { getHelp } from './commands/get-help.ts';
import { getLogTruncation } from './commands/get-log-truncation.ts';
import { getLossReport } from './commands/get-loss-report.ts';
import { getMailbox } from './commands/get-mailbox.ts';
import { getMailboxDatabase } from './commands/get-mailbox-database.ts';
import { getMailboxServer } from './commands/get-mailbox-server.ts';
import { getQuarantinedChange } from './commands/get-quarantined-change.ts';
import { getRecoverableItems } from './commands/get-recoverable-items.ts';
import { getStorageGroup } from './commands/get-storage-group.ts';
import { getStorageGroupCopyStatus } from './commands/get-storage-group-copy-status.ts';
import { mountDatabase } from './commands/mount-database.ts';
import { moveClusteredMailboxServer } from './commands/move-clustered-mailbox-server.ts';
import { newMailbox } from './commands/new-mailbox.ts';
import { optimizeStorageGroupCopy } from './commands/optimize-storage-group-copy.ts';
import { removeClusterNode } from './commands/remove-cluster-node.ts';
import { restoreClusterVote } from './commands/restore-cluster-vote.ts';
import { restoreMailbox } from './commands/restore-mailbox.ts';
import { restoreQuarantinedMail } from './commands/restore-quarantined-mail.ts';
import { restoreRecoverableItems } from './commands/restore-recoverable-items.ts';
import { restoreStorageGroupCopy } from './commands/restore-storage-group-copy.ts';
import { resumeStorageGroupCopy } from './commands/resume-storage-group-copy.ts';
import { setClusterNetwork } from './commands/set-cluster-network.ts';
import { setClusterQuorum } from './commands/set-cluster-quorum.ts';
import { setClusterVersion } from './commands/set-cluster-version.ts';
import { setMailbox } from './commands/set-mailbox.ts';
import { setMailboxDatabase } from './commands/set-mailbox-database.ts';
import { setMailboxServer } from './commands/set-mailbox-server.ts';
import { setStorageGroup } from './commands/set-storage-group.ts';
import { startClusteredMailboxServer } from './commands/start-clustered-mailbox-server.ts';
import { stopClusteredMailboxServer } from './commands/stop-clustered-mailbox-server.ts';
import { suspendStorageGroupCopy } from './commands/suspend-storage-group-copy.ts';
import { testReplicationHealth } from './commands/test-replication-health.ts';
import { testStorageGroupCopy } from './commands/test-storage-group-copy.ts';
import { updateContentIndex } from './commands/update-content-index.ts';
import { updateStorageGroupCopy } from './commands/update-storage-group-copy.ts';
import type { AdminContext } from './context.ts';
import { nearestNames } from './nearest-names.ts';
import { parametersOf } from './parameters.ts';

const SUGGESTIONS = 3;

/** What comes over the wire: the RPC method `admin`, and the body of an HTTP request with its path. */
export const adminRequestSchema = z.strictObject({
  command: z.string().max(100),
  parameters: z.record(z.string(), z.unknown()),
});
export type AdminRequest = z.infer<typeof adminRequestSchema>;

export interface AdminAnswer {
  readonly rows: readonly Row[];
  /** With -WhatIf: what would have been done. */
  readonly whatIf?: string;
}

class Registry implements Catalog {
  readonly commands: readonly Command[];
  readonly #byName: ReadonlyMap<string, Command>;

  constructor(commands: readonly Command[]) {
    this.commands = commands.toSorted((left, right) => (left.name < right.name ? -1 : 1));
    this.#byName = new Map(commands.map((command) => [command.name.toLowerCase(), command]));
  }

  find(name: string): Command {
    const command = this.#byName.get(name.toLowerCase());
    if (command !== undefined) return command;
    const near = nearestNames(
      name,
      this.commands.map((each) => each.name),
      SUGGESTIONS,
    );
    const next = near.length > 0 ? `Did you mean ${near.join(' or ')}?` : 'Get-Command lists all.';
    throw new Problem(
      'CommandUnknown',
      `Cannot run ${JSON.stringify(name.slice(0, 80))}: there is no such command. ${next}`,
    );
  }
}

export const registry: Catalog = new Registry([
  addClusterNode,
  backupStorageGroup,
  disableStorageGroupCopy,
  disableContinuousReplicationHostName,
  dismountDatabase,
  enableContinuousReplicationHostName,
  enableStorageGroupCopy,
  getClusterNetwork,
  getClusterNode,
  getClusterQuorum,
  getClusterVersion,
  getClusteredMailboxServerStatus,
  getCommand,
  getContentIndexStatus,
  getHelp,
  getLogTruncation,
  getQuarantinedChange,
  getLossReport,
  getMailbox,
  getMailboxDatabase,
  getMailboxServer,
  getRecoverableItems,
  getStorageGroup,
  getStorageGroupCopyStatus,
  mountDatabase,
  moveClusteredMailboxServer,
  newMailbox,
  optimizeStorageGroupCopy,
  removeClusterNode,
  restoreClusterVote,
  restoreMailbox,
  restoreQuarantinedMail,
  restoreRecoverableItems,
  restoreStorageGroupCopy,
  resumeStorageGroupCopy,
  setMailbox,
  setMailboxDatabase,
  setClusterNetwork,
  setClusterQuorum,
  setClusterVersion,
  setMailboxServer,
  setStorageGroup,
  startClusteredMailboxServer,
  stopClusteredMailboxServer,
  suspendStorageGroupCopy,
  testReplicationHealth,
  testStorageGroupCopy,
  updateContentIndex,
  updateStorageGroupCopy,
]);

/** Every role that a caller with `permission` has: whoever may change may also look. */
function isAllowed(needed: Permission, held: Permission): boolean {
  return held === 'Server Administrator' || needed === held;
}

/**
 * Runs one command. Problem('RequestInvalid' | 'CommandUnknown' | 'PermissionDenied' | 'ParameterInvalid'), or what the
 * command's handler says.
 */
export async function execute(context: AdminContext, request: unknown, held: Permission): Promise<AdminAnswer> {
  const { name, values } = readRequest(request);
  const command = registry.find(name);
  if (!isAllowed(command.permission, held)) {
    throw new Problem('PermissionDenied', `Cannot run ${command.name}: it needs the role ${command.permission}`);
  }
  const { whatIf, ...given } = takeWhatIf(command, values);
  const parameters = validate(command, given.values);
  if (whatIf) return { rows: [], whatIf: await whatWouldBeDone(context, command, parameters) };
  return { rows: await command.handler(context, parameters, registry) };
}

async function whatWouldBeDone(
  context: AdminContext,
  command: Command,
  parameters: Readonly<Record<string, unknown>>,
): Promise<string> {
  const done = command.change?.describe(parameters) ?? '';
  const consequence = await command.change?.consequence?.(context, parameters);
  return consequence === undefined ? done : `${done}: ${consequence}`;
}

/** For the commands that need no cluster: they never look at their context. */
export async function executeLocally(request: AdminRequest): Promise<AdminAnswer> {
  assert(!registry.find(request.command).needsCluster, `${request.command} needs a cluster`);
  return await execute(undefined as unknown as AdminContext, request, 'View-Only Administrator');
}

function readRequest(request: unknown): { name: string; values: Record<string, unknown> } {
  const result = adminRequestSchema.safeParse(request);
  if (result.success) return { name: result.data.command, values: result.data.parameters };
  throw new Problem('RequestInvalid', `Cannot run a command: ${z.prettifyError(result.error).split('\n')[0]}`);
}

function takeWhatIf(
  command: Command,
  values: Record<string, unknown>,
): { whatIf: boolean; values: Record<string, unknown> } {
  if (command.change === undefined || !Object.hasOwn(values, 'WhatIf')) return { whatIf: false, values };
  const { WhatIf: whatIf, ...rest } = values;
  if (typeof whatIf !== 'boolean') {
    throw new Problem('ParameterInvalid', `Cannot run ${command.name}: -WhatIf is true or false`);
  }
  return { whatIf, values: rest };
}

function validate(command: Command, values: Record<string, unknown>): Record<string, unknown> {
  const result = command.parameters.safeParse(values);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new Problem(
    'ParameterInvalid',
    `Cannot run ${command.name}: ${describeIssue(command, issue)}. Get-Help ${command.name} says more.`,
  );
}

function describeIssue(command: Command, issue: z.core.$ZodIssue | undefined): string {
  if (issue === undefined) return 'its parameters are invalid';
  if (issue.code === 'unrecognized_keys') return unknownParameter(command, issue.keys[0] ?? '');
  const name = String(issue.path[0] ?? '');
  const parameter = parametersOf(command).find((each) => each.name === name);
  if (issue.code === 'invalid_type' && issue.input === undefined && parameter?.required) return `-${name} is missing`;
  return `-${name}: ${issue.message}`;
}

function unknownParameter(command: Command, name: string): string {
  const near = nearestNames(
    name,
    parametersOf(command).map((each) => each.name),
    1,
  );
  const hint = near[0] === undefined ? '' : `, perhaps -${near[0]}`;
  return `it has no parameter ${JSON.stringify(name.slice(0, 80))}${hint}`;
}
