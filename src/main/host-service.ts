/**
 * A host's one service: the cluster service (register, lease, decisions), the supervision of the role processes, and the
 * door for administrators and other hosts. No mail passes through here, so that nothing a client sends can delay a
 * renewal of the lease.
 */
import type { Logger } from '../base/logger.ts';
import type { Channel } from '../base/network.ts';
import { isProblem, messageOf } from '../base/problem.ts';
import { Rpc, type RpcHandler } from '../base/rpc.ts';
import { AcceptorSet } from '../cluster/acceptor-set.ts';
import { ClusterService } from '../cluster/cluster-service.ts';
import { formatRange } from '../cluster/format-level.ts';
import type { Register } from '../cluster/register.ts';
import type { Periodical } from '../cluster/run-periodically.ts';
import { defaultTiming } from '../cluster/timing.ts';
import { type HostConfig, hostEntry, loadConfig } from '../host/config.ts';
import { locateEndpoint } from '../host/endpoints.ts';
import { machineClock, machineRandom } from '../host/machine.ts';
import { pinoLogger } from '../host/pino-logger.ts';
import { type TlsIdentity, TlsNetwork } from '../host/tls-network.ts';
import { AdminService } from './admin-service.ts';
import { hostFiles } from './cluster-files.ts';
import { programVersion } from './command-line.ts';
import { lockFolder } from './folder-lock.ts';
import { HostCopies } from './host-copies.ts';
import { readHostIdentity } from './host-identity.ts';
import { HostLinks } from './host-links.ts';
import { HostList, refuseEvicted } from './host-list.ts';
import { watchHostList } from './host-list-watch.ts';
import { openHostNetworks } from './host-networks.ts';
import { endOnInternalError, HOSTS_CHANGED } from './lifeline.ts';
import { localVote, openVote, voteHandler } from './open-votes.ts';
import { MailboxRestores } from './restore-orders.ts';
import { RoleProcess } from './role-process.ts';
import { VoteMemory } from './vote-memory.ts';

const EVICTED_ANSWER_MS = 500;

/** Runs until SIGTERM or SIGINT; Problems at the start are the caller's to print. */
export async function runHost(dataFolder: string): Promise<void> {
  const config = loadConfig(dataFolder);
  refuseEvicted(dataFolder, config.host);
  const identity = readHostIdentity(dataFolder, config.host, machineClock.wallMs());
  const lock = lockFolder(dataFolder);
  const logger = pinoLogger({ host: config.host, role: 'service' });
  endOnInternalError(logger, (error) => {
    if (isProblem(error)) process.stderr.write(`${messageOf(error)}\n`);
  });
  const fail = (reason: string): never => {
    logger.error({ reason }, 'the host stops');
    process.stderr.write(`${reason}\n`);
    process.exit(1);
  };
  const host = openHost({ config, dataFolder, identity, logger, fail });
  await host.start();
  logger.info({ roles: hostEntry(config, config.host).roles }, 'the host is up');
  await untilAskedToStop();
  await host.stop();
  lock.release();
  logger.info({}, 'the host has stopped');
  process.exit(0);
}

interface HostParts {
  readonly config: HostConfig;
  readonly dataFolder: string;
  readonly identity: TlsIdentity;
  readonly logger: Logger;
  readonly fail: (reason: string) => never;
}

function openHost(parts: HostParts): { start(): Promise<void>; stop(): Promise<void> } {
  const { config, dataFolder, logger } = parts;
  const { network, networks, onLost, onBack, links, local, register } = openRegister(parts);
  const cluster = openClusterService(parts, register, () => hostList.evictedByRegister());
  const copies = new HostCopies({ config, dataFolder, cluster, clock: machineClock, logger });
  onLost.push((peer, name) => copies.networkLost(peer, name));
  onBack.push((peer, name) => copies.networkBack(peer, name));
  const roles = roleProcesses(config, dataFolder, logger);
  const onChanged = (): void => {
    networks.hostsChanged();
    network.placesChanged();
    copies.hostsChanged();
    for (const role of roles) role.tell(HOSTS_CHANGED);
  };
  /** After the answer to whoever gave the order. */
  const onEvicted = (): void => void machineClock.after(EVICTED_ANSWER_MS, () => process.kill(process.pid, 'SIGTERM'));
  const hostList = new HostList({ config, dataFolder, logger, onChanged, onEvicted });
  const common = { config, register, cluster, copies, links, network, networks, hostList };
  const mailboxRestores = new MailboxRestores({ dataFolder, register, network, clock: machineClock });
  const admin = new AdminService({ ...common, mailboxRestores, clock: machineClock, logger });
  const handlers = {
    ...admin.handlers(),
    ...voteHandler((name) => config.hosts.some((host) => host.name === name), local),
  };
  const stopListening = network.listen(`${config.host}/cluster`, (channel: Channel) => serve(channel, handlers, admin));
  const isMailboxHost = hostEntry(config, config.host).roles.includes('mailbox');
  let watch: Periodical | undefined;
  return {
    start: async () => {
      networks.start();
      if (isMailboxHost) {
        cluster.start();
        copies.start();
      }
      for (const role of roles) role.start();
      watch = watchHostList({ config, register, hostList, clock: machineClock, logger });
    },
    stop: async () => {
      watch?.stop();
      stopListening();
      networks.stop();
      await Promise.all(roles.map((role) => role.stop()));
      if (isMailboxHost) await cluster.stop();
      await copies.stop();
    },
  };
}

type OnNetwork = (peer: string, network: string) => void;

function openRegister({ config, dataFolder, identity, logger, fail }: HostParts) {
  const onLost: OnNetwork[] = [];
  const onBack: OnNetwork[] = [];
  const networks = openHostNetworks({
    config,
    dataFolder,
    logger,
    onLost: (peer, name) => {
      for (const tell of onLost) tell(peer, name);
    },
    onBack: (peer, name) => {
      for (const tell of onBack) tell(peer, name);
    },
  });
  const network = new TlsNetwork({
    identity,
    locate: (endpoint) => locateEndpoint(config, endpoint, (peer, { name }) => networks.isDown(peer, name)),
    logger,
    onListenError: (_endpoint, problem) => fail(problem.message),
  });
  onLost.push((peer, name) => network.closeOver(peer, name, `${name} is lost`));
  const links = new HostLinks({ network, clock: machineClock });
  const local = localVote(config, dataFolder);
  const memory = new VoteMemory({ path: hostFiles.votes(dataFolder), config, logger });
  const register = new AcceptorSet({
    clusterId: config.cluster.id,
    first: memory.known,
    openVote: (place) => openVote(config, place, links, local),
    onLearned: (set) => memory.learn(set),
    proposer: config.host,
    clock: machineClock,
    random: machineRandom,
    logger,
  });
  return { network, networks, onLost, onBack, links, local, register };
}

function openClusterService(
  { config, logger, fail }: HostParts,
  register: Register,
  onEvicted: () => void,
): ClusterService {
  return new ClusterService({
    host: config.host,
    register,
    clock: machineClock,
    logger,
    timing: defaultTiming,
    formats: { ...formatRange, software: programVersion() },
    onUnfit: (problem) => fail(problem.message),
    onEvicted,
    onSuperseded: () =>
      fail(
        `Cannot go on as ${config.host}: another process with this host's name has joined the cluster. Stop one of them.`,
      ),
  });
}

function serve(channel: Channel, handlers: Readonly<Record<string, RpcHandler>>, admin: AdminService): void {
  const rpc: Rpc = new Rpc(channel, {
    clock: machineClock,
    handlers: { ...handlers, ...admin.longHandlers((notice, line) => rpc.notify(notice, Buffer.from(line))) },
    onInternalError: (method, error) => admin.reportInternalError(method, error),
  });
}

function roleProcesses(config: HostConfig, dataFolder: string, logger: Logger): RoleProcess[] {
  const { roles } = hostEntry(config, config.host);
  return (['hub', 'access'] as const)
    .filter((role) => roles.includes(role))
    .map(
      (role) =>
        new RoleProcess({
          name: role,
          args: () => [role, '--data', dataFolder],
          clock: machineClock,
          logger,
          onStarted: () => undefined,
          onEnded: () => Promise.resolve(),
        }),
    );
}

function untilAskedToStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
}
