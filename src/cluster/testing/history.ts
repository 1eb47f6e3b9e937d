/**
 * What the proposers of a storm were told of their operations, held against what the register holds in the end. Each
 * operation is a node of the document (votes.ts, `applying`).
 */
import assert from 'node:assert/strict';
import type { ChangeOutcome } from '../register.ts';
import type { RegisterDocument } from '../register-document.ts';

export interface History {
  readonly changed: Map<string, number>;
  readonly unknown: Set<string>;
  readonly never: Set<string>;
}

export function emptyHistory(): History {
  return { changed: new Map(), unknown: new Set(), never: new Set() };
}

export function note(history: History, operation: string, outcome: ChangeOutcome): void {
  if (outcome.kind === 'unavailable') history.never.add(operation);
  else if (outcome.kind === 'unknown') history.unknown.add(operation);
  else {
    assert(outcome.document !== undefined);
    const position = outcome.document.nodes[operation]?.lease;
    assert(position !== undefined, `${operation} is said to be in the register but is not`);
    history.changed.set(operation, position);
  }
}

export function judge(seed: number, history: History, final: RegisterDocument): void {
  const times = (operation: string) => final.nodes[operation]?.incarnation ?? 0;
  for (const [operation, position] of history.changed) {
    assert.equal(times(operation), 1, `seed ${seed}: ${operation} lost or applied twice`);
    assert.equal(final.nodes[operation]?.lease, position, `seed ${seed}: ${operation} moved in history`);
  }
  for (const operation of history.unknown) assert(times(operation) <= 1, `seed ${seed}: ${operation} applied twice`);
  for (const operation of history.never) assert.equal(times(operation), 0, `seed ${seed}: ${operation} happened`);
}
