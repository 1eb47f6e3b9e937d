/** The share's vote on a real network file system: hosts that see one directory over SFTP, one of them paused or killed half-way. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isProblem } from '../../src/base/problem.ts';
import { NO_BALLOT } from '../../src/cluster/acceptor.ts';
import { acceptorPortSuite } from '../../src/cluster/testing/acceptor.port-suite.ts';
import { ShareAcceptor } from '../../src/host/share-acceptor.ts';
import { skipWithout } from '../support/skip-without.ts';
import { cannotMount, SshfsMounts } from './sshfs-mounts.ts';

const skip = skipWithout(['sshfs']) || cannotMount();
const identity = { clusterId: 'cluster-1', incarnation: 1 };

let mounts: SshfsMounts;
let here: string;
let there: string;
let count = 0;

before(async () => {
  if (skip !== false) return;
  mounts = await SshfsMounts.open();
  here = await mounts.mount('here');
  there = await mounts.mount('there');
});
after(() => mounts?.close());

/** A directory of its own, as the server has it. */
function freshShare(): string {
  const name = `share-${++count}`;
  mkdirSync(join(mounts.real, name));
  return name;
}

function shareAt(mount: string, name: string, atStep?: (step: 'write' | 'link') => Promise<void>): ShareAcceptor {
  return new ShareAcceptor({ name: 'share', identity, folder: join(mount, name) }, atStep);
}

if (skip === false) {
  acceptorPortSuite('share over sshfs', async () => {
    const name = freshShare();
    const real = join(mounts.real, name);
    return {
      // Opened anew is opened elsewhere.
      open: (opened) =>
        new ShareAcceptor({ name: 'share', identity: opened, folder: join(count++ % 2 === 0 ? here : there, name) }),
      wipe: async () => {
        for (const file of readdirSync(real)) rmSync(join(real, file));
      },
      damage: async () => {
        const path = join(real, readdirSync(real).sort().at(-1) ?? '');
        const bytes = readFileSync(path);
        const middle = bytes.length >> 1;
        bytes[middle] = (bytes[middle] ?? 0) ^ 1;
        writeFileSync(path, bytes);
      },
    };
  });
}

for (const step of ['write', 'link'] as const) {
  test(`network share: a writer is paused before its ${step} while another host goes on: what it makes does not count`, {
    skip,
  }, async () => {
    const name = freshShare();
    const [reached, resume] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let pauses = 0;
    const slow = shareAt(there, name, async (at) => {
      if (at !== step || pauses++ > 0) return;
      reached.resolve();
      await resume.promise;
    });
    const vote = shareAt(here, name);
    await vote.initialise(NO_BALLOT, undefined);
    const late = slow.accept({ counter: 2, proposer: 'B#1' }, 'late');
    late.catch(() => undefined);
    await reached.promise;
    for (let counter = 3; counter <= 20; counter++) await vote.prepare({ counter, proposer: 'A#1' });
    resume.resolve();
    await assert.rejects(late);
    const state = await vote.peek();
    assert.deepEqual([state.promised.counter, state.accepted], [20, undefined]);
    assert.equal((await vote.prepare({ counter: 21, proposer: 'A#1' })).kind, 'promised');
  });

  test(`network share: a writer dies before its ${step}: the other host goes on, and nothing half-made is believed`, {
    skip,
  }, async () => {
    const name = freshShare();
    const vote = shareAt(here, name);
    await vote.initialise(NO_BALLOT, undefined);
    const reached = Promise.withResolvers<void>();
    const dying = shareAt(there, name, async (at) => {
      if (at !== step) return;
      reached.resolve();
      await new Promise<never>(() => undefined);
    });
    dying.accept({ counter: 2, proposer: 'B#1' }, 'half').catch(() => undefined);
    await reached.promise;
    for (let counter = 3; counter <= 14; counter++) {
      assert.equal((await vote.prepare({ counter, proposer: 'A#1' })).kind, 'promised');
    }
    assert.equal((await shareAt(there, name).peek()).promised.counter, 14);
    assert.equal((await vote.peek()).accepted, undefined);
    assert.deepEqual(
      readdirSync(join(mounts.real, name)).filter((file) => file.startsWith('tmp-')),
      [],
      'what it left is swept',
    );
  });
}

test('network share: two hosts at once: every ballot is promised once', { skip }, async () => {
  const name = freshShare();
  await shareAt(here, name).initialise(NO_BALLOT, undefined);
  const given = await Promise.all([here, there].map((mount) => promisedTo(shareAt(mount, name))));
  const all = given.flat();
  assert.ok(
    all.length > 0 && given.every((each) => each.length > 0),
    `${given.map((each) => each.length).join()} promises`,
  );
  assert.equal(new Set(all).size, all.length, 'no ballot was promised twice');
});

/** The same ballots are asked for by every caller. */
async function promisedTo(vote: ShareAcceptor): Promise<number[]> {
  const promised: number[] = [];
  for (let counter = 1; counter <= 60; counter++) {
    try {
      if ((await vote.prepare({ counter, proposer: 'X#1' })).kind === 'promised') promised.push(counter);
    } catch (error) {
      if (!isProblem(error, 'AcceptorRace')) throw error;
    }
  }
  return promised;
}

test('network share: mounted without hard links: refused before it votes', { skip }, async () => {
  const name = freshShare();
  const vote = shareAt(await mounts.mount('without-links', ['disable_hardlink']), name);
  await assert.rejects(vote.initialise(NO_BALLOT, undefined), { code: 'ShareNotExclusive' });
  await assert.rejects(vote.invite('invitation-1'), { code: 'ShareNotExclusive' });
  assert.deepEqual(readdirSync(join(mounts.real, name)), []);
});
