/** The smaller decisions, each a few lines long. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyFacts, type SummaryCopyStatus, summaryCopyStatus } from './copy-status.ts';
import { estimateLoss, isWithinDial } from './estimate-loss.ts';
import { decideGrow } from './grow.ts';
import { decideHandOff, type HandOffFacts } from './hand-off.ts';
import type { ReplicationMode } from './register-document.ts';
import { decideRestart } from './restart.ts';
import { serverStatus } from './server-status.ts';
import { type CopyDelay, decideShrink } from './shrink.ts';
import { copyView, documentOf, GROUP } from './testing/documents.ts';

test('loss: nothing missing, part of the open file missing, closed files missing', () => {
  const hint = { lsn: 1_000, generation: 10 };
  assert.deepEqual(estimateLoss(hint, { lsn: 1_000, generation: 10 }), { isLossy: false, missingGenerations: 0 });
  assert.deepEqual(estimateLoss(hint, { lsn: 999, generation: 10 }), { isLossy: true, missingGenerations: 0 });
  assert.deepEqual(estimateLoss(hint, { lsn: 500, generation: 4 }), { isLossy: true, missingGenerations: 6 });
  assert(!isWithinDial({ isLossy: true, missingGenerations: 0 }, 'Lossless'));
  assert(isWithinDial({ isLossy: true, missingGenerations: 6 }, 'BestAvailability'));
  assert(!isWithinDial({ isLossy: true, missingGenerations: 7 }, 'BestAvailability'));
});

const SHRINK_POLICY = { slowCopyMs: 4_000, absentCopyMs: 100, firstConnectionMs: 2_000 };

function delay(changes: Partial<CopyDelay> = {}): CopyDelay {
  const connected = { isInSync: true, isUndecided: false, isOutdated: false, isAwaited: true, wasConnected: true };
  return { host: 'B', ...connected, absentSinceMs: undefined, ...changes };
}

function shrink(waitedMs: number, copies: readonly CopyDelay[], mode: ReplicationMode = 'sync'): string | undefined {
  const decision = decideShrink({ mode, nowMs: 10_000, waitingSinceMs: 10_000 - waitedMs, copies }, SHRINK_POLICY);
  return decision && `${decision.kind} ${decision.host}`;
}

test('shrink: a copy that is connected: may be slow up to the bound; sync-strict waits for ever, async never', () => {
  assert.equal(shrink(3_999, [delay()]), undefined);
  assert.equal(shrink(4_000, [delay()]), 'shrink B');
  assert.equal(shrink(4_000, [delay({ isAwaited: false }), delay({ host: 'C' })]), 'shrink C');
  assert.equal(shrink(4_000, [delay()], 'sync-strict'), undefined);
  assert.equal(shrink(4_000, [delay()], 'async'), undefined);
});

test('shrink: a copy without a connection: goes at once, unless it is still on its way', () => {
  assert.equal(shrink(100, [delay({ absentSinceMs: 9_950 })]), undefined);
  assert.equal(shrink(100, [delay({ absentSinceMs: 9_000 })]), 'shrink B');
  assert.equal(shrink(1_999, [delay({ absentSinceMs: 0, wasConnected: false })]), undefined);
  assert.equal(shrink(2_000, [delay({ absentSinceMs: 0, wasConnected: false })]), 'shrink B');
});

test('shrink: a joining copy that holds commits back: is disconnected, or taken out if the register may name it', () => {
  assert.equal(shrink(4_000, [delay({ isInSync: false })]), 'disconnect B');
  assert.equal(shrink(4_000, [delay({ isInSync: false, isUndecided: true })]), 'shrink B');
});

test('shrink: a copy that came back older than it was: leaves although nothing waits', () => {
  const facts = { mode: 'sync' as const, nowMs: 10_000, waitingSinceMs: undefined };
  const outdated = delay({ isOutdated: true, isAwaited: false });
  assert.equal(decideShrink({ ...facts, copies: [outdated] }, SHRINK_POLICY)?.kind, 'shrink');
  assert.equal(
    decideShrink({ ...facts, copies: [delay({ isOutdated: true, isInSync: false })] }, SHRINK_POLICY),
    undefined,
  );
});

test('grow: a copy that joins: first every commit waits for it, and it is recorded only when it holds everything', () => {
  const facts = { isInSync: false, isCaughtUp: true, isJoining: true, durableLsn: 200, endLsn: 200 };
  assert.equal(decideGrow(facts), 'record');
  assert.equal(decideGrow({ ...facts, durableLsn: 199 }), 'wait');
  assert.equal(decideGrow({ ...facts, isJoining: false }), 'require');
  assert.equal(decideGrow({ ...facts, isCaughtUp: false }), 'wait');
  assert.equal(decideGrow({ ...facts, isInSync: true }), 'wait');
});

test('restart: the first death is restarted here, the second in the period is given up if somebody can inherit', () => {
  const decide = (deathsMs: number[], hasHeir = true) =>
    decideRestart({ deathsMs, nowMs: 700_000, hasHeir }, { restartPeriodMs: 600_000 });
  assert.equal(decide([700_000]), 'restart');
  assert.equal(decide([50_000, 700_000]), 'restart');
  assert.equal(decide([150_000, 700_000]), 'give-up');
  assert.equal(decide([150_000, 700_000], false), 'restart');
});

function handOff(changes: Partial<HandOffFacts> = {}): ReturnType<typeof decideHandOff> {
  return decideHandOff({
    document: documentOf(),
    server: 'mbx01',
    target: 'B',
    statusAtTarget: new Map([[GROUP, 'Healthy']]),
    ignoreDismounted: false,
    ...changes,
  });
}

test('hand-off: healthy copies on a redundant machine: every group moves', () => {
  assert.deepEqual(handOff(), { kind: 'move', moves: [{ storageGroup: GROUP, from: 'A', to: 'B' }] });
  assert.deepEqual(handOff({ target: 'A' }), { kind: 'move', moves: [] }, 'it is there already');
});

test('hand-off: refused for every status but Healthy, and the message names the group', () => {
  const statuses: SummaryCopyStatus[] = [
    'Failed',
    'Seeding',
    'Suspended',
    'Initializing',
    'Copying',
    'Resynchronizing',
    'ServiceDown',
  ];
  for (const status of statuses) {
    const decision = handOff({ statusAtTarget: new Map([[GROUP, status]]) });
    assert(decision.kind === 'refused');
    assert.deepEqual(decision.objections, [`${GROUP}: its copy on B is ${status}`]);
  }
  assert.equal(handOff({ statusAtTarget: new Map() }).kind, 'refused', 'nothing is known of it');
});

test('hand-off: not a redundant machine, no copy there, dismounted ones left out only on demand', () => {
  assert.equal(handOff({ target: 'C' }).kind, 'refused');
  assert.equal(handOff({ server: 'mbx02' }).kind, 'refused');
  const elsewhere = documentOf({ copies: ['A'], inSync: ['A'] });
  assert.equal(handOff({ document: elsewhere }).kind, 'refused');
  const failed = { document: documentOf({ mounted: false }), statusAtTarget: new Map([[GROUP, 'Failed' as const]]) };
  assert.equal(handOff(failed).kind, 'refused');
  assert.equal(handOff({ ...failed, ignoreDismounted: true }).kind, 'move');
});

test('copy status: an idle group: Healthy when its copy is, Failed when it is not', () => {
  const status = (view: Parameters<typeof copyView>[0], group = {}) =>
    summaryCopyStatus(copyFacts(documentOf(group), GROUP, 'B', copyView(view)));
  assert.equal(status({}), 'Healthy');
  assert.equal(status({ state: 'failed' }), 'Failed');
  assert.equal(status({}, { inSync: ['A'] }), 'Copying', 'connected, but not to be counted on yet');
  assert.equal(status({ copyQueueLength: 3 }, { inSync: ['A'], mode: 'async' }), 'Healthy');
  assert.equal(status({ copyQueueLength: 10 }, { inSync: ['A'], mode: 'async' }), 'Copying');
  assert.equal(status({ state: 'starting' }), 'Initializing');
});

test('copy status: several causes: the precedence of the reference', () => {
  const document = documentOf({ suspended: { B: 'disks' } });
  const view = copyView({ seeding: true, state: 'failed', resynchronizing: true, initializing: true });
  assert.equal(summaryCopyStatus(copyFacts(document, GROUP, 'B', view)), 'Seeding');
  assert.equal(summaryCopyStatus(copyFacts(document, GROUP, 'B', { ...view, seeding: false })), 'Suspended');
  assert.equal(summaryCopyStatus(copyFacts(document, GROUP, 'B', undefined)), 'ServiceDown');
  assert.equal(summaryCopyStatus(copyFacts(document, GROUP, 'C', view)), 'Disabled');
  assert.equal(summaryCopyStatus(copyFacts(documentOf({ sharedStorage: true }), GROUP, 'B', view)), 'NotSupported');
});

test('server status: states and labels', () => {
  const status = (changes: object, document = documentOf()) =>
    serverStatus({
      document,
      server: 'mbx01',
      reachableHosts: new Set(['A', 'B']),
      serving: new Set([GROUP]),
      blocked: new Map(),
      ...changes,
    });
  assert.deepEqual(status({}), {
    state: 'Online',
    operationalMachines: ['A <Active, Quorum Owner>', 'B'],
    failedResources: [],
  });
  assert.deepEqual(status({ reachableHosts: new Set(['B']) })?.operationalMachines, ['B']);
  assert.equal(status({ serving: new Set() })?.state, 'Online Pending');
  const blocked = new Map([[GROUP, 'only A holds everything']]);
  assert.equal(status({ serving: new Set(), blocked })?.state, 'Failed');
  assert.deepEqual(status({ serving: new Set(), blocked })?.failedResources, [`${GROUP}: only A holds everything`]);
  assert.equal(status({ serving: new Set() }, documentOf({ mounted: false }))?.state, 'Offline');
  const stopped = documentOf({}, { stopped: { reason: 'night' } });
  assert.equal(status({}, stopped)?.state, 'Offline Pending');
  assert.equal(status({ serving: new Set() }, stopped)?.state, 'Offline');
  assert.equal(status({ server: 'mbx02' }), undefined);
});
