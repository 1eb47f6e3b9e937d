/** A witness process's vote as another host reaches it: over TLS, with the certificates that forming makes. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { silentLogger } from '../base/logger.ts';
import { Rpc } from '../base/rpc.ts';
import { acceptorFrom } from '../cluster/acceptor.ts';
import { acceptorPortSuite } from '../cluster/testing/acceptor.port-suite.ts';
import { loadConfig } from '../host/config.ts';
import { FileAcceptor } from '../host/file-acceptor.ts';
import { identityFolders, readIdentity } from '../host/identity.ts';
import { machineClock } from '../host/machine.ts';
import { TlsNetwork } from '../host/tls-network.ts';
import { clusterFiles } from './cluster-files.ts';
import { demoSpecification } from './demo/specification.ts';
import { formClusterIn } from './form-cluster.ts';
import { HostLinks } from './host-links.ts';
import { openVote, voteHandler } from './open-votes.ts';

const ADDRESS = '127.0.0.1';
const WITNESS = 'witness1';
const NODE = 'mbx01-node1';

const root = await mkdtemp(join(tmpdir(), 'holdfast-open-votes-'));
const cleanUps: (() => void)[] = [];
after(async () => {
  for (const cleanUp of cleanUps) cleanUp();
  await rm(root, { recursive: true, force: true });
});
const cluster = join(root, 'cluster');
await formClusterIn(cluster, demoSpecification(2_000, { mode: 'sync', witness: 'process' }));
const config = loadConfig(clusterFiles.host(cluster, NODE));

function networkOf(name: string, port: number): TlsNetwork {
  return new TlsNetwork({
    identity: readIdentity(join(clusterFiles.host(cluster, name), identityFolders.host)),
    locate: () => [{ address: ADDRESS, port, network: '' }],
    logger: silentLogger,
    onListenError: (_endpoint, problem) => assert.fail(problem.message),
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, ADDRESS, done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

acceptorPortSuite('witness process', async () => {
  const folder = await mkdtemp(join(root, 'vote-'));
  const path = join(folder, 'acceptor');
  const port = await freePort();
  let local = new FileAcceptor({ name: WITNESS, identity: { clusterId: 'cluster-1', incarnation: 1 }, folder });
  const isHost = (name: string): boolean => name === NODE;
  const witness = networkOf(WITNESS, port);
  const stop = witness.listen(`${WITNESS}/cluster`, (channel) => {
    void new Rpc(channel, {
      clock: machineClock,
      handlers: { acceptor: (body, host) => voteHandler(isHost, local)['acceptor']?.(body, host) ?? assert.fail() },
    });
  });
  const links = new HostLinks({ network: networkOf(NODE, port), clock: machineClock });
  cleanUps.push(stop);
  return {
    open: (identity) => {
      local = new FileAcceptor({ name: WITNESS, identity, folder });
      const vote = openVote(config, { kind: 'process', name: WITNESS }, links, undefined);
      return acceptorFrom(vote.name, identity, vote.ask);
    },
    wipe: () => rm(path),
    damage: async () => {
      const bytes = await readFile(path);
      bytes[bytes.length >> 1]! ^= 1;
      await writeFile(path, bytes);
    },
  };
});
