/** What a copy tells the cluster service of itself: facts of now, from which the service decides who may lead. */
import type { CopyView } from '../cluster/copy-control.ts';
import type { CopyFiles } from './copy-files.ts';
import type { Follower } from './follower.ts';
import { fileFacts } from './log-marks.ts';

export interface CopySituation {
  readonly state: CopyView['state'];
  readonly files: CopyFiles;
  readonly follower: Pick<Follower, 'state' | 'applyFailure' | 'hold'> | undefined;
  /** Why it cannot be used, whoever is active. */
  readonly failure: string | null;
  readonly isSuspended: boolean;
  readonly isSeeding: boolean;
  readonly isDatabaseDamaged: boolean;
}

export function viewOf(situation: CopySituation): CopyView {
  const { state, files, failure, isSuspended, isSeeding, isDatabaseDamaged } = situation;
  const follower = situation.follower?.state;
  const applyFailure = situation.follower?.applyFailure ?? null;
  const progress = follower?.progress ?? null;
  const isPassive = state === 'passive';
  const { generation } = files;
  const failedMessage = failure ?? applyFailure ?? (isPassive ? (follower?.failure ?? null) : null);
  const hold = isPassive ? (situation.follower?.hold ?? null) : null;
  return {
    state: failedMessage !== null && isPassive ? 'failed' : state,
    ...fileFacts(files),
    generation,
    copyQueueLength: isPassive && progress !== null ? Math.max(0, progress.generation - generation) : 0,
    replayQueueLength: isPassive ? Math.max(0, generation - files.appliedGeneration) : 0,
    failedMessage: failedMessage ?? hold,
    seeding: isSeeding,
    resynchronizing: isPassive && follower?.resynchronizing === true,
    initializing:
      state === 'starting' ||
      (isPassive && !isSuspended && !isSeeding && hold === null && follower?.following !== true),
    mayTakeOver:
      (isPassive || state === 'active') &&
      !isSeeding &&
      failure === null &&
      applyFailure === null &&
      !isDatabaseDamaged &&
      files.isComplete,
  };
}
