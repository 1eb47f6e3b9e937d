/** The smaller decisions, each a few lines long. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyFacts, type SummaryCopyStatus, summaryCopyStatus } from './copy-status.ts';
import { estimateLoss, isWithinDial } from './estimate-loss.ts';
import { mayGrow } from './grow.ts';
import { decideHandOff, type HandOffFacts } from './hand-off.ts';
import { decideRestart } from './restart.ts';
import { serverStatus } from './server-status.ts';
import { decideShrink } from './shrink.ts';
import { copyView, documentOf, GROUP, groupRecord } from './testing/documents.ts';

test('loss: nothing missing, part of the open file missing, closed files missing', () => {
  const hint = { lsn: 1_000, generation: 10 };
  assert.deepEqual(estimateLoss(hint, { lsn: 1_000, generation: 10 }), { isLossy: false, missingGenerations: 0 });
  assert.deepEqual(estimateLoss(hint, { lsn: 999, generation: 10 }), { isLossy: true, missingGenerations: 0 });
  assert.deepEqual(estimateLoss(hint, { lsn: 500, generation: 4 }), { isLossy: true, missingGenerations: 6 });
  assert(!isWithinDial({ isLossy: true, missingGenerations: 0 }, 'Lossless'));
  assert(isWithinDial({ isLossy: true, missingGenerations: 6 }, 'BestAvailability'));
  assert(!isWithinDial({ isLossy: true, missingGenerations: 7 }, 'BestAvailability'));
});

test('shrink: a follower owes for too long, or is not heard of: out; sync-strict waits instead', () => {
  const facts = (owesForMs: number) => ({
    host: 'A',
    mode: 'sync' as const,
    inSync: ['A', 'B'],
    followers: [{ host: 'B', owesForMs }],
  });
  const policy = { maxOwedMs: 500 };
  assert.equal(decideShrink(facts(499), policy), undefined);
  assert.deepEqual(decideShrink(facts(500), policy), ['A']);
  assert.deepEqual(decideShrink({ ...facts(0), followers: [] }, policy), ['A']);
  assert.equal(decideShrink({ ...facts(500), mode: 'sync-strict' }, policy), undefined);
  const three = { ...facts(500), mode: 'sync-strict' as const, inSync: ['A', 'B', 'C'] };
  assert.deepEqual(decideShrink({ ...three, followers: [...three.followers, { host: 'C', owesForMs: 0 }] }, policy), [
    'A',
    'C',
  ]);
});

test('grow: only once every commit waits for the joiner and it holds the ones before', () => {
  const group = groupRecord({ inSync: ['A'] });
  const facts = { joiner: 'B', requiredSinceLsn: 200, joinerDurableLsn: 199, committedBeforeLsn: 199 };
  assert(mayGrow(group, facts));
  assert(!mayGrow(group, { ...facts, joinerDurableLsn: 198 }));
  assert(!mayGrow(group, { ...facts, requiredSinceLsn: undefined }));
  assert(!mayGrow({ ...group, mode: 'async' }, facts));
  assert(!mayGrow({ ...group, suspended: { B: '' } }, facts));
  assert(!mayGrow(group, { ...facts, joiner: 'C' }));
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
