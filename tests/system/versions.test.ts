/** A cluster that writes what this version does not read, on real processes: a later version has raised it, by our hand. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { AcceptorPlace } from '../../src/cluster/acceptor-places.ts';
import { CasPaxosRegister } from '../../src/cluster/caspaxos-register.ts';
import { formatRange } from '../../src/cluster/format-level.ts';
import { loadConfig, placesIn } from '../../src/host/config.ts';
import { FileAcceptor } from '../../src/host/file-acceptor.ts';
import { machineClock, machineRandom } from '../../src/host/machine.ts';
import { ShareAcceptor } from '../../src/host/share-acceptor.ts';
import { Demo, NODES } from '../support/demo.ts';
import { runHoldfast } from '../support/program.ts';

const CHANGE_TIMEOUT_MS = 10_000;

let demo: Demo;

before(async () => {
  demo = await Demo.start({ users: 1 });
});
after(() => demo?.stop());

/** While no node runs. */
async function setFormatLevel(formatLevel: number): Promise<void> {
  const config = loadConfig(demo.hostFolder(NODES[0]));
  const identity = { clusterId: config.cluster.id, incarnation: 1 };
  const acceptorAt = (place: AcceptorPlace) =>
    'path' in place
      ? new ShareAcceptor({ name: place.name, identity, folder: place.path })
      : new FileAcceptor({ name: place.name, identity, folder: join(demo.hostFolder(place.name), 'acceptor') });
  const acceptors = placesIn(config).map(acceptorAt);
  const register = new CasPaxosRegister({
    acceptors,
    proposer: 'later version',
    clock: machineClock,
    random: machineRandom,
  });
  const outcome = await register.change(
    (document) => document && { ...document, version: document.version + 1, formatLevel },
    { timeoutMs: CHANGE_TIMEOUT_MS },
  );
  assert.equal(outcome.kind, 'changed');
}

test('versions: as it is: every host announces itself, and there is nothing to raise', async () => {
  await demo.waitUntilHealthy();
  const { stdout } = await runHoldfast(['--version']);
  const rows = await demo.cmdlet('Get-ClusterVersion');
  assert.deepEqual(
    rows.map((row) => [
      row['Name'],
      `holdfast ${String(row['SoftwareVersion'])}\n`,
      row['HighestLevel'],
      row['CanRaiseTo'],
    ]),
    NODES.map((node) => [node, stdout.toString(), formatRange.highest, null]),
  );
  await assert.rejects(demo.cmdlet('Set-ClusterVersion'), { code: 'FormatLevelNotRaised' });
});

test('versions: the cluster writes at a level that the host does not read: it ends with one line, and serves when it does', async () => {
  await demo.kill(...NODES);
  await setFormatLevel(formatRange.highest + 1);
  for (const node of NODES) {
    const { code, stderr } = await runHoldfast(['host', '--data', demo.hostFolder(node)]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^Cannot join the cluster as mbx01-node\d: it writes at format level \d+, [^\n]+\. Install [^\n]+\n$/,
    );
  }
  await setFormatLevel(formatRange.highest);
  for (const node of NODES) await demo.startHost(node);
  await demo.waitUntilHealthy();
});
