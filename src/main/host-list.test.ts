import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { silentLogger } from '../base/logger.ts';
import { loadConfig } from '../host/config.ts';
import { clusterFiles, hostFiles } from './cluster-files.ts';
import { demoNode, demoSpecification } from './demo/specification.ts';
import { formClusterIn } from './form-cluster.ts';
import { HostList, refuseEvicted } from './host-list.ts';

const root = mkdtempSync(join(tmpdir(), 'holdfast-host-list-'));
after(() => rmSync(root, { recursive: true }));
await formClusterIn(root, demoSpecification(2_000, { mode: 'sync' }));

test('host list: a node comes and goes: in the file and in what this process reads, and others are told each time', () => {
  const dataFolder = clusterFiles.host(root, 'hub1');
  const config = loadConfig(dataFolder);
  const told: number[] = [];
  const list = new HostList({
    config,
    dataFolder,
    logger: silentLogger,
    onChanged: () => told.push(config.hosts.length),
    onEvicted: () => assert.fail('it is another one'),
  });
  const { name, address, privateAddress } = demoNode(3);
  const like = config.hosts[0] ?? assert.fail();
  list.add({ entry: { ...like, name, address }, addresses: { Private: privateAddress, Public: address }, version: 1 });
  assert.equal(loadConfig(dataFolder).hosts.at(-1)?.address, address);
  list.remove({ host: name });
  list.remove({ host: name });
  assert.deepEqual(told, [4, 3, 3]);
  assert.deepEqual(loadConfig(dataFolder).hosts, config.hosts);
});

test('host list: this host is evicted: it ends, and its folder is not started again', () => {
  const dataFolder = clusterFiles.host(root, 'mbx01-node2');
  let ends = 0;
  const list = new HostList({
    config: loadConfig(dataFolder),
    dataFolder,
    logger: silentLogger,
    onChanged: () => assert.fail('nothing that it would need'),
    onEvicted: () => {
      ends += 1;
    },
  });
  refuseEvicted(dataFolder, 'mbx01-node2');
  list.remove({ host: 'mbx01-node2' });
  assert.equal(ends, 1);
  assert.throws(() => refuseEvicted(dataFolder, 'mbx01-node2'), { code: 'HostEvicted' });
});

test('host list: the register says that this host was evicted: a folder with a vote ends for good, a new one waits to be added', () => {
  const dataFolder = clusterFiles.host(root, 'mbx01-node1');
  let ends = 0;
  const list = (folder: string): HostList =>
    new HostList({
      config: loadConfig(dataFolder),
      dataFolder: folder,
      logger: silentLogger,
      onChanged: () => assert.fail('nothing that it would need'),
      onEvicted: () => {
        ends += 1;
      },
    });
  const fresh = join(root, 'fresh');
  mkdirSync(hostFiles.copy(fresh, 'First Storage Group'), { recursive: true });
  list(fresh).evictedByRegister();
  assert.equal(ends, 0);
  refuseEvicted(fresh, 'mbx01-node1');
  list(dataFolder).evictedByRegister();
  assert.equal(ends, 1);
  assert.throws(() => refuseEvicted(dataFolder, 'mbx01-node1'), { code: 'HostEvicted' });
});
