import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { type AcceptorIdentity, NO_BALLOT } from '../cluster/acceptor.ts';
import { acceptorPortSuite } from '../cluster/testing/acceptor.port-suite.ts';
import { ShareAcceptor } from './share-acceptor.ts';
import type { RaceReport } from './testing/share-race.ts';

const root = await mkdtemp(join(tmpdir(), 'holdfast-share-acceptor-'));
after(() => rm(root, { recursive: true, force: true }));
const identity: AcceptorIdentity = { clusterId: 'cluster-1', incarnation: 1 };

async function newestPath(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.startsWith('state-')).sort();
  return join(folder, names.at(-1) ?? 'none');
}

function openShare(folder: string): ShareAcceptor {
  return new ShareAcceptor({ name: 'share', identity, folder });
}

acceptorPortSuite('share', async () => {
  const folder = await mkdtemp(join(root, 'vote-'));
  return {
    open: (opened) => new ShareAcceptor({ name: 'share', identity: opened, folder }),
    wipe: async () => {
      for (const name of await readdir(folder)) await rm(join(folder, name));
    },
    damage: async () => {
      const path = await newestPath(folder);
      const bytes = await readFile(path);
      bytes[bytes.length >> 1]! ^= 1;
      await writeFile(path, bytes);
    },
  };
});

test('share acceptor: the share is not mounted: unreachable, and nothing is created', async () => {
  const vote = openShare(join(root, 'not-there'));
  await assert.rejects(vote.peek(), { code: 'AcceptorUnreachable' });
  await assert.rejects(vote.initialise(NO_BALLOT, undefined), { code: 'AcceptorUnreachable' });
  assert(!(await readdir(root)).includes('not-there'));
});

test('share acceptor: thousands of changes: only the newest few versions stay, dead writers are swept', async () => {
  const folder = await mkdtemp(join(root, 'clean-'));
  const vote = openShare(folder);
  await vote.initialise(NO_BALLOT, undefined);
  await writeFile(join(folder, 'tmp-000000000002-0123456789abcdef'), 'half of a st');
  await writeFile(join(folder, 'unrelated.txt'), 'stays');
  for (let counter = 1; counter <= 40; counter++) await vote.prepare({ counter, proposer: 'A#1' });
  const names = await readdir(folder);
  assert.equal(names.filter((name) => name.startsWith('state-')).length, 8);
  assert.deepEqual(
    names.filter((name) => !name.startsWith('state-')),
    ['unrelated.txt'],
  );
  assert.equal((await vote.peek()).promised.counter, 40);
});

for (const paused of ['write', 'link'] as const) {
  test(`share acceptor: a writer is paused before its ${paused} while others go on: its change does not count`, async () => {
    const folder = await mkdtemp(join(root, 'paused-'));
    const vote = openShare(folder);
    await vote.initialise(NO_BALLOT, undefined);
    const reached = Promise.withResolvers<void>();
    const resume = Promise.withResolvers<void>();
    let pauses = 0;
    const slow = new ShareAcceptor({ name: 'share', identity, folder }, async (step) => {
      if (step !== paused || pauses++ > 0) return;
      reached.resolve();
      await resume.promise;
    });
    const late = slow.accept({ counter: 2, proposer: 'B#1' }, 'late');
    late.catch(() => undefined);
    await reached.promise;
    for (let counter = 3; counter <= 30; counter++) await vote.prepare({ counter, proposer: 'A#1' });
    assert(!(await readdir(folder)).includes('state-000000000002'), 'its number is free again');
    resume.resolve();
    await assert.rejects(late, 'it is not told that it was accepted');
    const state = await vote.peek();
    assert.equal(state.promised.counter, 30);
    assert.equal(state.accepted, undefined);
    assert.equal((await vote.prepare({ counter: 31, proposer: 'A#1' })).kind, 'promised');
    assert(!(await readdir(folder)).includes('state-000000000002'), 'and what it made is swept');
  });
}

test('share acceptor: several processes hammer one directory: no promise is broken, no acceptance lost', async () => {
  const folder = await mkdtemp(join(root, 'race-'));
  await openShare(folder).initialise(NO_BALLOT, undefined);
  const reports = await Promise.all(
    ['A', 'B', 'C'].map(async (proposer) => {
      const workerData = { folder, identity, proposer, durationMs: 1_000 };
      const worker = new Worker(new URL('./testing/share-race.ts', import.meta.url), { workerData });
      const [report] = (await once(worker, 'message')) as [RaceReport];
      return report;
    }),
  );
  const promised = reports.flatMap((report) => report.promised);
  assert(promised.length > 20, `They got somewhere: ${promised.length}`);
  for (const report of reports) assert(report.promised.length > 0, 'and each of them did');
  // Replies state the accepted value that they saw: in the order of promises it must be the newest acceptance below.
  const accepted = reports.flatMap((report) => report.accepted).sort((left, right) => left - right);
  const uncertain = new Set(reports.flatMap((report) => report.uncertain));
  for (const { counter, seen } of promised) {
    const newest = accepted.findLast((other) => other < counter) ?? 0;
    assert(
      seen >= newest || uncertain.has(seen),
      `Promise ${counter} saw ${seen}, but ${newest} was accepted before it`,
    );
    assert(seen < counter, `Promise ${counter} came after acceptance ${seen}`);
  }
  assert.equal(new Set(promised.map((promise) => promise.counter)).size, promised.length, 'no promise was given twice');
});
