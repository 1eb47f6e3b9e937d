import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CopyView } from './copy-control.ts';
import type { ClusteredMailboxServerRecord, StorageGroupRecord } from './register-document.ts';
import { decideForced, decideTakeOver, type TakeOverDecision, type TakeOverFacts } from './take-over.ts';
import { copyView, documentOf, GROUP } from './testing/documents.ts';
import { defaultTiming } from './timing.ts';

interface Story {
  host?: string;
  group?: Partial<StorageGroupRecord>;
  server?: Partial<ClusteredMailboxServerRecord>;
  view?: Partial<CopyView> | null;
  facts?: Partial<TakeOverFacts>;
}

function factsOf(story: Story): TakeOverFacts {
  return {
    host: story.host ?? 'B',
    storageGroup: GROUP,
    document: documentOf(story.group, story.server),
    view: story.view === null ? undefined : copyView(story.view),
    stoodStillMs: 1_900,
    ownedIdleMs: 0,
    isAbstaining: false,
    ...story.facts,
  };
}

const decide = (story: Story) => decideTakeOver(factsOf(story), defaultTiming);
const reasonOf = (decision: TakeOverDecision) => ('reason' in decision ? decision.reason : decision.kind);
const gone = { stoodStillMs: 2 * 3_600_000 };

test('take over: in sync, the lease stood still for the grace: alone in the set, no loss', () => {
  assert.deepEqual(decide({}), { kind: 'take', how: 'in-sync', inSync: ['B'], lossy: null });
});

test('take over: a millisecond before the grace: nothing', () => {
  assert.equal(decide({ facts: { stoodStillMs: 1_899 } }).kind, 'nothing');
});

test('take over: given up: at once; but not by the one that gave it up, for a while', () => {
  const group = { active: null, givenUpBy: 'A' };
  assert.equal(decide({ group, facts: { stoodStillMs: 0 } }).kind, 'take');
  assert.equal(decide({ host: 'A', group, facts: { stoodStillMs: 900, isAbstaining: true } }).kind, 'wait');
});

test('take over: the owner restarted: no grace, the set stays', () => {
  const decision = decide({ host: 'A', facts: { stoodStillMs: 0 } });
  assert.deepEqual(decision, { kind: 'take', how: 'owner-restart', inSync: ['A', 'B'], lossy: null });
});

test('take over: no copy here, or no such group: nothing', () => {
  assert.equal(decide({ host: 'C' }).kind, 'nothing');
  assert.equal(decide({ facts: { storageGroup: 'other' } }).kind, 'nothing');
  assert.equal(decide({ facts: { storageGroup: 'toString' } }).kind, 'nothing');
});

test('take over: obstacles at the copy or by administrators: wait, with the reason', () => {
  const stories: [Story, RegExp][] = [
    [{ view: null }, /starting/],
    [{ view: { state: 'failed', failedMessage: 'disk is full' } }, /failed: disk is full/],
    [{ view: { seeding: true } }, /seeded/],
    [{ view: { mayTakeOver: false } }, /not verified/],
    [{ view: { durableLsn: 999 } }, /ends at 999, but 1000 was promised/],
    [{ group: { mounted: false } }, /dismounted/],
    [{ group: { suspended: { B: 'new disks' } } }, /suspended: new disks/],
    [{ server: { stopped: { reason: 'move of the rack' } } }, /stopped: move of the rack/],
    [{ group: { inSync: ['A'] } }, /only A holds everything/],
  ];
  for (const [story, reason] of stories) {
    const decision = decide(story);
    assert.equal(decision.kind, 'wait');
    assert.match(reasonOf(decision), reason);
  }
});

test('take over: the owner cannot lead for good: gives up if somebody can inherit, else waits', () => {
  const failed = { state: 'failed' } as const;
  assert.equal(decide({ host: 'A', view: failed }).kind, 'give-up');
  assert.equal(decide({ host: 'A', view: failed, group: { inSync: ['A'] } }).kind, 'wait');
  assert.equal(decide({ host: 'A', view: failed, group: { suspended: { B: '' } } }).kind, 'wait');
  assert.equal(decide({ host: 'A', view: failed, group: { inSync: ['A'], mode: 'async' } }).kind, 'give-up');
});

test('take over: the copy comes from a backup and reaches the hint: only by an administrator, as a loss', () => {
  const restored = { view: { restored: true } };
  assert.match(reasonOf(decide(restored)), /comes from a backup/);
  assert.equal(decide({ host: 'A', ...restored }).kind, 'give-up');
  assert.equal(decide({ host: 'A', group: { inSync: ['A'] }, ...restored }).kind, 'wait');
  const forced = decideForced(factsOf(restored), defaultTiming);
  assert(forced.kind === 'take' && forced.lossy?.cause === 'administrator', 'UIDs jump, and it is on record');
});

test('take over: moved here, and what the copy last told is older than the hint: waits for its next word', () => {
  const story = (ownedIdleMs: number) => decide({ host: 'A', view: { durableLsn: 999 }, facts: { ownedIdleMs } }).kind;
  assert.equal(story(0), 'wait');
  assert.equal(story(499), 'wait');
  assert.equal(story(500), 'give-up');
});

test('take over: the owner is slow to start: patient for its time, then gives up', () => {
  const story = (ownedIdleMs: number) => decide({ host: 'A', view: null, facts: { ownedIdleMs } }).kind;
  assert.equal(story(9_999), 'wait');
  assert.equal(story(10_000), 'give-up');
});

test('take over: async: within the dial with the loss on record, beyond it not', () => {
  const story = (generation: number, autoDatabaseMountDial: 'Lossless' | 'GoodAvailability' | 'BestAvailability') =>
    decide({
      group: { mode: 'async', inSync: ['A'] },
      server: { autoDatabaseMountDial },
      view: { durableLsn: 900, generation },
      facts: gone,
    });
  const taken = story(7, 'GoodAvailability');
  assert(taken.kind === 'take' && taken.how === 'dial');
  assert.deepEqual(taken.inSync, ['B']);
  assert.deepEqual(taken.lossy, {
    from: 'A',
    to: 'B',
    missingGenerations: 3,
    lastKept: { lsn: 900, generation: 7 },
    hint: { lsn: 1_000, generation: 10 },
    cause: 'dial',
  });
  assert.match(reasonOf(story(6, 'GoodAvailability')), /4 log files are missing here, more than GoodAvailability/);
  assert.equal(story(4, 'BestAvailability').kind, 'take');
  assert.equal(story(3, 'BestAvailability').kind, 'wait');
  assert.equal(story(10, 'Lossless').kind, 'wait', 'a record is missing, though no file is');
});

test('take over: async: beyond the dial, ForcedDatabaseMountAfter: waits its hours, then leads', () => {
  const story = (hours: number, stoodStillMs: number) =>
    decide({
      group: { mode: 'async', inSync: ['A'] },
      server: { forcedDatabaseMountAfterHours: hours },
      view: { durableLsn: 10, generation: 1 },
      facts: { stoodStillMs },
    });
  assert.equal(story(2, 7_199_999).kind, 'wait');
  const taken = story(2, 7_200_000);
  assert(taken.kind === 'take' && taken.how === 'forced-after' && taken.lossy?.missingGenerations === 9);
});

test('take over: several could: the later in preference hold back a little', () => {
  const group = { copies: ['A', 'B', 'C'], inSync: ['A', 'B', 'C'] };
  assert.equal(decide({ group }).kind, 'take');
  assert.equal(decide({ host: 'C', group }).kind, 'nothing');
  assert.equal(decide({ host: 'C', group, facts: { stoodStillMs: 2_050 } }).kind, 'take');
  assert.equal(decide({ host: 'C', group: { ...group, suspended: { B: '' } } }).kind, 'take');
});

test('take over: shared storage: whoever takes it has everything, the set stays', () => {
  const decision = decide({ group: { sharedStorage: true }, view: { durableLsn: 0 } });
  assert(decision.kind === 'take');
  assert.deepEqual(decision.inSync, ['A', 'B']);
});

test('force: never over a living owner; with the loss on record; and not with a copy that cannot serve', () => {
  const story = (changes: Story) =>
    decideForced(factsOf({ group: { inSync: ['A'] }, view: { durableLsn: 900 }, ...changes }), defaultTiming);
  assert.equal(story({ facts: { stoodStillMs: 100 } }).kind, 'wait');
  const taken = story({});
  assert(taken.kind === 'take' && taken.how === 'administrator' && taken.lossy?.cause === 'administrator');
  assert.equal(story({ view: { state: 'failed' } }).kind, 'wait');
  assert.equal(story({ host: 'C' }).kind, 'wait');
});
