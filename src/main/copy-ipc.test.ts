import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../base/assert.ts';
import type { Channel } from '../base/network.ts';
import { isProblem } from '../base/problem.ts';
import { ManualClock } from '../base/testing/manual-clock.ts';
import { MemoryNetwork } from '../base/testing/memory-network.ts';
import type { CopyRequests } from '../cluster/copy-control.ts';
import { type ControlledCopy, type ControlledMaintenance, RemoteCopy, ServiceLink } from './copy-ipc.ts';

/** Asked for nothing in these stories. */
const requests = {} as CopyRequests;
const maintenance = { report: () => null, compare: async () => [] } as unknown as ControlledMaintenance;

/** The parts of a copy that these stories ask. */
function copyThatNotes(orders: string[]): ControlledCopy {
  const upkeep = { facts: () => null };
  return {
    upkeep,
    view: () => ({ state: 'passive' }),
    logMarks: () => null,
    fence: async (epoch: number) => {
      orders.push(`fence ${epoch}`);
      return true;
    },
    setSuspended: async (comment: string | null) => {
      orders.push(`suspend ${comment}`);
    },
    seed: async ({ source }: { source: string }) => {
      orders.push(`seed from ${source}`);
    },
  } as unknown as ControlledCopy;
}

async function pipe(lost: string[] = [], back: string[] = []): Promise<{ remote: RemoteCopy; link: ServiceLink }> {
  const network = new MemoryNetwork();
  const clock = new ManualClock();
  const accepted: Channel[] = [];
  network.host('copy').listen('copy/pipe', (channel) => accepted.push(channel));
  const channel = await network.host('service').connect('copy/pipe', 1_000);
  const remote = new RemoteCopy({ channel, clock, storageGroup: 'g', requests });
  const link = new ServiceLink({
    channel: present(accepted[0], 'the other end'),
    clock,
    onClose: () => undefined,
    onInternalError: (_method, error) => {
      throw error;
    },
    onHostsChanged: () => undefined,
    onNetworkLost: (peer, network) => lost.push(`${network} to ${peer}`),
    onNetworkBack: (peer, network) => back.push(`${network} to ${peer}`),
  });
  return { remote, link };
}

test('copy pipe: a copy that is open: does what it is told', async () => {
  const { remote, link } = await pipe();
  const orders: string[] = [];
  link.connect(copyThatNotes(orders), maintenance);
  assert.equal(await remote.fence(3), true);
  await remote.setSuspended('new disk');
  await remote.seed({ source: 'mbx01-node1', maxBytesPerSecond: null, keepLog: false }, () => undefined);
  assert.deepEqual(orders, ['fence 3', 'suspend new disk', 'seed from mbx01-node1']);
});

test('copy pipe: a network is lost, and back: the copy hears which, also while it is opening', async () => {
  const [lost, back]: [string[], string[]] = [[], []];
  const { remote } = await pipe(lost, back);
  remote.networkLost('mbx01-node2', 'Private');
  await remote.fence(3);
  assert.deepEqual(lost, ['Private to mbx01-node2']);
  remote.networkBack('mbx01-node2', 'Private');
  await remote.fence(3);
  assert.deepEqual(back, ['Private to mbx01-node2']);
});

test('copy pipe: a copy that is still opening: no order is lost', async () => {
  const { remote, link } = await pipe();
  const orders: string[] = [];
  const suspended = remote.setSuspended(null);
  assert.equal(await remote.fence(3), false, 'it has promised nothing');
  await assert.rejects(
    remote.seed({ source: 'mbx01-node1', maxBytesPerSecond: null, keepLog: false }, () => undefined),
    (error) => isProblem(error, 'CopyStarting'),
  );
  assert.deepEqual(orders, []);
  link.connect(copyThatNotes(orders), maintenance);
  await suspended;
  assert.deepEqual(orders, ['suspend null']);
});
