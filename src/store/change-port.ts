/** How the parts of a mounted storage group change it: one synchronous step of looking and recording, as StorageGroup says. */
import type { Fact } from './facts.ts';
import type { Present } from './plan-folders.ts';

export interface ChangePort {
  present(): Present;
  /** Runs `step` when the database does not commit just now. Problem('NotActive') */
  change<T>(step: (present: Present) => T): Promise<T>;
  /** Within a step: all of the facts or, when the journal does not admit them, none. */
  record(facts: readonly Fact[]): void;
  /** Lets other sessions have a turn in the middle of a long change. */
  giveWay(): Promise<void>;
}
