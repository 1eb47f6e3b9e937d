import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { NO_BALLOT } from '../cluster/acceptor.ts';
import { acceptorPortSuite } from '../cluster/testing/acceptor.port-suite.ts';
import { FileAcceptor } from './file-acceptor.ts';

const root = await mkdtemp(join(tmpdir(), 'holdfast-file-acceptor-'));
after(() => rm(root, { recursive: true, force: true }));
const identity = { clusterId: 'cluster-1', incarnation: 1 };

acceptorPortSuite('file', async () => {
  const folder = await mkdtemp(join(root, 'vote-'));
  const path = join(folder, 'acceptor');
  return {
    open: (opened) => new FileAcceptor({ name: 'file', identity: opened, folder }),
    wipe: () => rm(path),
    damage: async () => {
      const bytes = await readFile(path);
      bytes[bytes.length >> 1]! ^= 1;
      await writeFile(path, bytes);
    },
  };
});

test('file acceptor: a process died while it wrote the next state: the one before counts', async () => {
  const folder = await mkdtemp(join(root, 'torn-'));
  const vote = new FileAcceptor({ name: 'file', identity, folder });
  await vote.initialise(NO_BALLOT, undefined);
  await vote.prepare({ counter: 3, proposer: 'A#1' });
  await writeFile(join(folder, 'acceptor.new'), 'holdfast-acceptor-1 half of');
  const reopened = new FileAcceptor({ name: 'file', identity, folder });
  assert.equal((await reopened.peek()).promised.counter, 3);
  assert.equal((await reopened.prepare({ counter: 4, proposer: 'A#2' })).kind, 'promised');
});

test('file acceptor: a cut file at every length: never believed', async () => {
  const folder = await mkdtemp(join(root, 'cut-'));
  const path = join(folder, 'acceptor');
  const vote = new FileAcceptor({ name: 'file', identity, folder });
  await vote.initialise(NO_BALLOT, undefined);
  await vote.accept({ counter: 3, proposer: 'A#1' }, 'value');
  const whole = await readFile(path);
  for (let length = 0; length < whole.length; length += 7) {
    await writeFile(path, whole.subarray(0, length));
    const cut = new FileAcceptor({ name: 'file', identity, folder });
    await assert.rejects(cut.peek(), { code: 'AcceptorDamaged' });
  }
  await chmod(path, 0o600);
});

test('file acceptor: the disk does not take it: says so in our words, and the state before counts', async () => {
  const folder = await mkdtemp(join(root, 'refusing-'));
  const vote = new FileAcceptor({ name: 'file', identity, folder });
  await vote.initialise(NO_BALLOT, undefined);
  // In the way of the file that is written beside.
  await mkdir(join(folder, 'acceptor.new'));
  await assert.rejects(vote.prepare({ counter: 3, proposer: 'A#1' }), {
    code: 'DiskFailed',
    message: /^Cannot use the vote in .*acceptor: /,
  });
  assert.equal((await vote.peek()).promised.counter, 0);
  await rmdir(join(folder, 'acceptor.new'));
  assert.equal((await vote.prepare({ counter: 4, proposer: 'A#1' })).kind, 'promised');
});
