/** Orders of administrators that end in the register: what the commands' port promises, over the register's outcomes. */
import type { Logger } from '../base/logger.ts';
import { Problem } from '../base/problem.ts';
import type { ClusterService } from '../cluster/cluster-service.ts';
import { resumeCopy } from '../cluster/configuration-changes.ts';
import type { Register } from '../cluster/register.ts';
import { member, type RegisterDocument } from '../cluster/register-document.ts';
import type { HostConfig } from '../host/config.ts';
import type { HostCopies } from './host-copies.ts';

const REGISTER_TIMEOUT_MS = 3_000;

/** True when it was changed. Problem('NoQuorum' | 'OutcomeUnknown') */
export async function changeRegister(
  register: Register,
  change: (document: RegisterDocument) => RegisterDocument | undefined,
): Promise<boolean> {
  const outcome = await register.change((document) => document && change(document), { timeoutMs: REGISTER_TIMEOUT_MS });
  if (outcome.kind === 'changed') return true;
  if (outcome.kind === 'unchanged') return false;
  if (outcome.kind === 'unavailable') {
    throw new Problem(
      'NoQuorum',
      `Cannot change the cluster register: ${outcome.reason}. Test-ReplicationHealth says which acceptors answer.`,
      { temporary: true },
    );
  }
  throw new Problem(
    'OutcomeUnknown',
    `Cannot tell whether the cluster register was changed: ${outcome.reason}. Look, then try again.`,
    { temporary: true },
  );
}

export interface RestoreParts {
  readonly config: HostConfig;
  readonly register: Register;
  readonly cluster: ClusterService;
  readonly copies: HostCopies;
  readonly logger: Logger;
}

/**
 * Makes this host's copy the active one, whatever it lacks. A copy that was suspended is resumed: it leads from now on.
 * Problem('ActivationRefused' | 'OutcomeUnknown')
 */
export async function restoreCopy(parts: RestoreParts, storageGroup: string): Promise<object> {
  const { cluster, config, copies, logger, register } = parts;
  logger.warn({ storageGroup, event: 'forced' }, 'an administrator makes this copy the active one');
  const answer = await cluster.force(storageGroup);
  if (answer.kind !== 'moved') {
    const cannot = `activate the copy of ${storageGroup} on ${config.host}`;
    throw answer.kind === 'unknown'
      ? new Problem(
          'OutcomeUnknown',
          `Cannot tell whether it was possible to ${cannot}: ${answer.reason}. Look, then try again.`,
        )
      : new Problem(
          'ActivationRefused',
          `Cannot ${cannot}: ${answer.reason}. Get-ClusteredMailboxServerStatus says more.`,
        );
  }
  const group = member(cluster.status().document?.storageGroups ?? {}, storageGroup);
  if (group !== undefined && Object.hasOwn(group.suspended, config.host)) {
    await changeRegister(register, (document) => resumeCopy(document, storageGroup, config.host));
    await copies.remote(storageGroup).setSuspended(null);
  }
  return {};
}
