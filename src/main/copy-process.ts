/**
 * The process of one copy: "one database, one process". It holds the database and the sessions that work on it, does
 * what the cluster service tells it through the pipe, and ends with it: a copy whose service is gone cannot know
 * whether it still owns anything.
 */
import { join } from 'node:path';
import type { Logger } from '../base/logger.ts';
import type { Channel } from '../base/network.ts';
import { messageOf } from '../base/problem.ts';
import { formatRange } from '../cluster/format-level.ts';
import { defaultTiming } from '../cluster/timing.ts';
import { copyEndpoint } from '../directory/copy-protocol.ts';
import { CopyService } from '../directory/copy-service.ts';
import { returnMailTo } from '../directory/returned-mail.ts';
import { adoptHosts } from '../host/adopt-hosts.ts';
import type { HostConfig } from '../host/config.ts';
import { ThreadContentIndex } from '../host/content-index.ts';
import { CopyFolder } from '../host/copy-folder.ts';
import { locateEndpoint } from '../host/endpoints.ts';
import { identityFolders, readIdentity } from '../host/identity.ts';
import { IpcChannel } from '../host/ipc-channel.ts';
import { machineClock, machineRandom, yieldTurn } from '../host/machine.ts';
import { pinoLogger } from '../host/pino-logger.ts';
import { TlsNetwork } from '../host/tls-network.ts';
import { Copy } from '../replication/copy.ts';
import { CopyHosts } from '../replication/copy-hosts.ts';
import { replicationLimits } from '../replication/limits.ts';
import { recordFormats } from '../store/record-formats.ts';
import { takeSnapshot } from '../store/snapshot.ts';
import { hostFiles } from './cluster-files.ts';
import { CopyDoor } from './copy-door.ts';
import { ServiceLink } from './copy-ipc.ts';
import { CopyMaintenance } from './copy-maintenance.ts';
import { ImapSessions } from './imap-sessions.ts';
import { endOnInternalError } from './lifeline.ts';

/** What the cluster service hands over at the start, as arguments of the process. */
export interface CopyArguments {
  /** As the service read it: this process need not load what reads it. */
  readonly config: HostConfig;
  readonly dataFolder: string;
  readonly storageGroup: string;
  readonly copies: readonly string[];
  readonly incarnation: number;
  readonly circularLogging: boolean;
  readonly suspended: string | null;
}

export async function runCopy(args: CopyArguments): Promise<void> {
  const { config, storageGroup } = args;
  const logger = pinoLogger({ host: config.host, role: 'copy', storageGroup });
  const stop = (reason: string): void => {
    logger.error({ reason }, 'the copy process ends');
    process.exit(1);
  };
  const link = new ServiceLink({
    channel: new IpcChannel(process, 'service'),
    clock: machineClock,
    onClose: (reason) => stop(`the cluster service is gone: ${reason}`),
    onInternalError: (method, error) =>
      logger.error({ method, reason: messageOf(error) }, 'a step asked by the cluster service failed'),
    onHostsChanged: (latest) => adoptHosts(config, latest, network),
    onNetworkLost: (peer, name) => network.closeOver(peer, name, `${name} is lost`),
    onNetworkBack: (peer, name) => network.returnTo(peer, name),
  });
  const network = openNetwork(args, logger, stop);
  const mail = new CopyService({ storageGroup, host: config.host, clock: machineClock, logger });
  const sessions = new ImapSessions({ clock: machineClock, logger, yieldTurn });
  const root = hostFiles.copy(args.dataFolder, storageGroup);
  const thread = new URL('./content-index-thread.ts', import.meta.url);
  const contentIndex = new ThreadContentIndex({ root, thread, clock: machineClock, logger });
  const folder = new CopyFolder(root, takeSnapshot, contentIndex);
  const at = { host: config.host, storageGroup, copies: new CopyHosts(config.host, args.copies) };
  const common = { ...at, network, clock: machineClock, logger };
  const copy = new Copy({
    ...common,
    incarnation: args.incarnation,
    circularLogging: args.circularLogging,
    storage: folder,
    requests: link,
    random: machineRandom,
    formats: { ...formatRange, ...recordFormats },
    clockJumpMs: defaultTiming.clockJumpMs,
    yieldTurn,
    onServing: (serving) => {
      if (serving === undefined) mail.deactivate(copy.view().epochSeen);
      else mail.activate(serving);
      sessions.serve(serving?.store);
      link.sendView();
    },
    onFatal: (error) => stop(messageOf(error)),
    returnMail: (host) => returnMailTo(host, { ...common, answerTimeoutMs: replicationLimits.returnAnswerMs }),
    onMended: () => maintenance.partMended(),
    onUnreadableFile: (generation, what) => maintenance.logFileDamaged(generation, what),
  });
  const maintenance = new CopyMaintenance({
    ...common,
    root,
    inTurn: (work) => copy.upkeep.inTurn(work),
    state: () => ({ endLsn: copy.view().endLsn, isActive: copy.view().state === 'active' }),
    parts: copy.parts,
    onDatabaseDamaged: (what) => copy.databaseDamaged(what),
  });
  folder.onBodyDamaged = (bodyId) => maintenance.bodyDamaged(bodyId);
  endOnInternalError(logger);
  await copy.open({ suspended: args.suspended });
  link.connect(copy, maintenance);
  maintenance.start();
  const door = new CopyDoor({ copy, mail, sessions, maintenance, logger });
  const close = network.listen(copyEndpoint(config.host, storageGroup), (channel: Channel) => door.accept(channel));
  stopOnSignal(stop, [
    async () => close(),
    () => maintenance.stop(),
    () => copy.close('the host stops'),
    () => folder.close(),
  ]);
}

function openNetwork(
  { config, dataFolder }: CopyArguments,
  logger: Logger,
  stop: (reason: string) => void,
): TlsNetwork {
  return new TlsNetwork({
    identity: readIdentity(join(dataFolder, identityFolders.host)),
    locate: (endpoint) => locateEndpoint(config, endpoint),
    logger,
    onListenError: (_endpoint, problem) => stop(problem.message),
  });
}

/** In this order, one after the other. */
function stopOnSignal(fail: (reason: string) => void, steps: readonly (() => Promise<void>)[]): void {
  const end = async (): Promise<void> => {
    for (const step of steps) await step();
  };
  process.once('SIGTERM', () => {
    end().then(
      () => process.exit(0),
      (error: unknown) => fail(messageOf(error)),
    );
  });
}
