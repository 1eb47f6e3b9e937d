/**
 * SummaryCopyStatus of a copy, from facts that hold whether mail flows or not: an idle group whose copy is broken says
 * so, and a new one whose copy is complete is Healthy without anybody having to send mail (the two best known defects
 * of 2007).
 */
import type { CopyView } from './copy-control.ts';
import { member, type RegisterDocument } from './register-document.ts';

export type SummaryCopyStatus =
  | 'NotSupported'
  | 'Disabled'
  | 'ServiceDown'
  | 'Seeding'
  | 'Suspended'
  | 'Failed'
  | 'Stopped'
  | 'Resynchronizing'
  | 'Initializing'
  | 'Copying'
  | 'Healthy';

export interface CopyFacts {
  readonly isSupported: boolean;
  readonly isConfigured: boolean;
  readonly isReachable: boolean;
  readonly isSeeding: boolean;
  readonly isSuspended: boolean;
  readonly isFailed: boolean;
  readonly isStopped: boolean;
  readonly isResynchronizing: boolean;
  readonly isInitializing: boolean;
  /** Catching up: too far behind to be counted on. */
  readonly isCopying: boolean;
}

/** The first that applies names the copy. */
export function summaryCopyStatus(facts: CopyFacts): SummaryCopyStatus {
  if (!facts.isSupported) return 'NotSupported';
  if (!facts.isConfigured) return 'Disabled';
  if (!facts.isReachable) return 'ServiceDown';
  if (facts.isSeeding) return 'Seeding';
  if (facts.isSuspended) return 'Suspended';
  if (facts.isFailed) return 'Failed';
  if (facts.isStopped) return 'Stopped';
  if (facts.isResynchronizing) return 'Resynchronizing';
  if (facts.isInitializing) return 'Initializing';
  return facts.isCopying ? 'Copying' : 'Healthy';
}

/** Log files that an asynchronous copy may be behind and still be Healthy (the figure of 2010's best copy selection). */
export const HEALTHY_COPY_QUEUE = 10;

/** The facts about the copy of `storageGroup` on `host`; `view` is undefined when its host does not answer. */
export function copyFacts(
  document: RegisterDocument,
  storageGroup: string,
  host: string,
  view: CopyView | undefined,
): CopyFacts {
  const group = member(document.storageGroups, storageGroup);
  const isInSync = group?.inSync.includes(host) ?? false;
  const isBehind = group?.mode === 'async' ? (view?.copyQueueLength ?? 0) >= HEALTHY_COPY_QUEUE : !isInSync;
  return {
    isSupported: !(group?.sharedStorage ?? false),
    isConfigured: group !== undefined && group.copies.length > 1 && group.copies.includes(host),
    isReachable: view !== undefined,
    isSeeding: view?.seeding ?? false,
    isSuspended: group !== undefined && Object.hasOwn(group.suspended, host),
    isFailed: view?.state === 'failed' || (view?.state === 'passive' && view.failedMessage !== null),
    isStopped: view?.state === 'stopped',
    isResynchronizing: view?.resynchronizing ?? false,
    isInitializing: view?.state === 'starting' || (view?.initializing ?? false),
    isCopying: isBehind,
  };
}
