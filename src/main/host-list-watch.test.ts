import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { silentLogger } from '../base/logger.ts';
import { NO_BALLOT } from '../cluster/acceptor.ts';
import { evictNode, placeNode } from '../cluster/configuration-changes.ts';
import type { RegisterDocument } from '../cluster/register-document.ts';
import { loadConfig } from '../host/config.ts';
import { machineClock } from '../host/machine.ts';
import { clusterFiles } from './cluster-files.ts';
import { demoNode, demoSpecification } from './demo/specification.ts';
import { formClusterIn } from './form-cluster.ts';
import { HostList } from './host-list.ts';
import { learnHosts } from './host-list-watch.ts';

const root = mkdtempSync(join(tmpdir(), 'holdfast-host-list-watch-'));
after(() => rmSync(root, { recursive: true }));
const { clusterId } = await formClusterIn(root, demoSpecification(2_000, { mode: 'sync' }));

const empty = { clusterId, version: 1, nodes: {}, storageGroups: {}, clusteredMailboxServers: {} };
const { name, address, privateAddress } = demoNode(3);
const place = {
  address,
  clusterPort: 5_343,
  roles: ['mailbox'],
  copyPorts: { 'First Storage Group': 5_344 },
  addresses: { Private: privateAddress, Public: address },
};

test('list of hosts: a host that missed two orders: it learns both from the register, once', async () => {
  const dataFolder = clusterFiles.host(root, 'hub1');
  const config = loadConfig(dataFolder);
  const told: number[] = [];
  const hostList = new HostList({
    config,
    dataFolder,
    logger: silentLogger,
    onChanged: () => told.push(config.hosts.length),
    onEvicted: () => assert.fail('it is another one'),
  });
  const learn = (document: RegisterDocument | undefined): Promise<void> => {
    const register = { peek: async () => document && { document, ballot: NO_BALLOT } };
    return learnHosts({ config, register, hostList, clock: machineClock, logger: silentLogger });
  };
  await learn(undefined);
  const added = placeNode(empty, name, place);
  await learn(added);
  await learn(added);
  assert.deepEqual(loadConfig(dataFolder).hosts.at(-1)?.address, address);
  await learn(added && evictNode(added, name));
  assert.deepEqual(told, [4, 3]);
  assert.deepEqual(loadConfig(dataFolder).hosts, config.hosts);
});
