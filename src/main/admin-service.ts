/**
 * What a host's service answers to administrators and to the services of other hosts. It implements the port that the
 * commands work through (admin/context.ts): facts are gathered from the register and from every host, orders go to the
 * host that can carry them out.
 */

import { hashPassword } from '../access/password-hash.ts';
import type { AcceptorReport, AdminContext, CopyMethod, CopyReport, HostMethod, HostReport } from '../admin/context.ts';
import { execute } from '../admin/registry.ts';
import { type Clock, sleep } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Network } from '../base/network.ts';
import { isProblem, messageOf, Problem } from '../base/problem.ts';
import { Rpc, type RpcHandler } from '../base/rpc.ts';
import type { Acceptor } from '../cluster/acceptor.ts';
import type { AcceptorSet } from '../cluster/acceptor-set.ts';
import type { ClusterService } from '../cluster/cluster-service.ts';
import { recordMove, resumeCopy, suspendCopy } from '../cluster/configuration-changes.ts';
import type { LinkStatus } from '../cluster/heartbeat/heartbeats.ts';
import type { NetworkChange } from '../cluster/networks/network-changes.ts';
import { member, type RegisterDocument } from '../cluster/register-document.ts';
import { withinTime } from '../cluster/within-time.ts';
import { copyEndpoint, copyMethods, encodeHello, MAIL_SERVICE } from '../directory/copy-protocol.ts';
import { type HostConfig, hostEntry, networkHosts, networksOf } from '../host/config.ts';
import { machineRandom } from '../host/machine.ts';
import { PROGRESS_NOTICE } from './admin-client.ts';
import { changeRegister, restoreCopy } from './admin-orders.ts';
import { type BackupNotice, type BackupOrder, backUpCopy } from './backup-orders.ts';
import type { HostCopies } from './host-copies.ts';
import { type HostLinks, STEP_PROGRESS_NOTICE } from './host-links.ts';
import type { AddHostOrder, HostList, RemoveHostOrder } from './host-list.ts';
import type { HostNetworks } from './host-networks.ts';
import type { MailboxRestoreOrder, MailboxRestores } from './restore-orders.ts';

const REGISTER_TIMEOUT_MS = 3_000;
const REPORT_TIMEOUT_MS = 1_500;
const COPY_TIMEOUT_MS = 10_000;
/** A move drains the log to the target, which may have to catch up. */
const MOVE_TIMEOUT_MS = 60_000;
const LONG_METHODS: ReadonlySet<HostMethod> = new Set(['hand-off', 'compare-copy']);
/** Those that tell how far they are. */
const STEPWISE_METHODS: ReadonlySet<HostMethod> = new Set([
  'update-copy',
  'back-up-copy',
  'optimize-copy',
  'restore-mailbox',
]);
const HOST_START_LIMIT_MS = 30_000;
const HOST_POLL_MS = 200;
const MOVED_POLL_MS = 25;
const MOVED_LIMIT_MS = 15_000;

type Notify = (notice: string, line: string) => void;

export interface AdminServiceOptions {
  readonly config: HostConfig;
  readonly register: AcceptorSet;
  readonly cluster: ClusterService;
  readonly copies: HostCopies;
  readonly links: HostLinks;
  readonly network: Network;
  readonly networks: HostNetworks;
  readonly mailboxRestores: MailboxRestores;
  readonly hostList: HostList;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class AdminService {
  readonly #options: AdminServiceOptions;

  constructor(options: AdminServiceOptions) {
    this.#options = options;
  }

  reportInternalError(method: string, error: unknown): void {
    this.#options.logger.error(
      { method, reason: error instanceof Error ? error.stack : String(error) },
      'a request failed',
    );
  }

  /** For the services of other hosts. */
  handlers(): Record<string, RpcHandler> {
    const { cluster } = this.#options;
    return {
      ping: this.#forHosts(async () => ({ links: this.#options.networks.status() })),
      nudge: this.#forHosts(async () => {
        cluster.nudge();
        return {};
      }),
      'copy-report': this.#forHosts(async () => this.#localReports()),
      'suspend-copy': this.#forHosts((args: SuspendRequest) =>
        this.#setSuspended(args.storageGroup, args.host, args.comment),
      ),
      'resume-copy': this.#forHosts((args: SuspendRequest) => this.#setSuspended(args.storageGroup, args.host, null)),
      'copy-suspended': this.#forHosts(async (args: { storageGroup: string; comment: string | null }) => {
        await this.#options.copies.remote(args.storageGroup).setSuspended(args.comment);
        return {};
      }),
      'compare-copy': this.#forHosts((args: CopyQuestion) => this.#options.copies.remote(args.storageGroup).compare()),
      'log-files': this.#forHosts((args: CopyQuestion) => this.#options.copies.remote(args.storageGroup).logFiles()),
      'quarantined-changes': this.#forHosts((args: CopyQuestion) =>
        this.#options.copies.remote(args.storageGroup).quarantinedChanges(),
      ),
      'return-quarantined': this.#forHosts((args: CopyQuestion) =>
        this.#options.copies.remote(args.storageGroup).returnQuarantined(),
      ),
      'restore-copy': this.#forHosts((args: CopyQuestion) => restoreCopy(this.#options, args.storageGroup)),
      'backup-taken': this.#forHosts(({ storageGroup, taken }: BackupNotice) =>
        this.#options.copies.remote(storageGroup).noteBackup(taken),
      ),
      'rebuild-content-index': this.#forHosts((args: CopyQuestion) =>
        this.#options.copies.remote(args.storageGroup).rebuildContentIndex(),
      ),
      'hand-off': this.#forHosts((args: HandOffRequest) => this.#handOff(args)),
      'add-host': this.#forHosts(async (args: AddHostOrder) => this.#options.hostList.add(args)),
      'change-networks': this.#forHosts((args: NetworkChange) => this.#options.hostList.changeNetworks(args)),
      'remove-host': this.#forHosts(async (args: RemoveHostOrder) => this.#options.hostList.remove(args)),
    };
  }

  /** Those that tell how far they are, on the channel that they were asked on. */
  longHandlers(notify: Notify): Record<string, RpcHandler> {
    return {
      admin: (body, remoteHost) => this.#admin(body, remoteHost, notify),
      'update-copy': this.#forHosts((args: UpdateRequest) =>
        this.#updateCopy(args, (line) => notify(STEP_PROGRESS_NOTICE, line)),
      ),
      'back-up-copy': this.#forHosts((args: BackupOrder) =>
        backUpCopy(this.#options, args, (line) => notify(STEP_PROGRESS_NOTICE, line)),
      ),
      'optimize-copy': this.#forHosts((args: CopyQuestion) =>
        this.#optimizeCopy(args, (line) => notify(STEP_PROGRESS_NOTICE, line)),
      ),
      'restore-mailbox': this.#forHosts((args: MailboxRestoreOrder) =>
        this.#options.mailboxRestores.run(args, (line) => notify(STEP_PROGRESS_NOTICE, line)),
      ),
    };
  }

  /** What only hosts of this cluster may ask; an administrator's certificate is for commands. */
  #forHosts<A>(carryOut: (args: A) => Promise<unknown>): RpcHandler {
    return async (body, remoteHost) => {
      if (!this.#isHost(remoteHost)) throw notAllowed(remoteHost);
      return Buffer.from(JSON.stringify((await carryOut(JSON.parse(body.toString('utf8')) as A)) ?? null));
    };
  }

  #isHost(name: string): boolean {
    return this.#options.config.hosts.some((host) => host.name === name);
  }

  async #admin(body: Buffer, remoteHost: string, notify: Notify): Promise<Buffer> {
    const isAdministrator = remoteHost === `administrator of ${this.#options.config.cluster.name}`;
    // The access role's HTTP interface has checked its caller's token.
    const isAccess = this.#isHost(remoteHost) && hostEntry(this.#options.config, remoteHost).roles.includes('access');
    if (!isAdministrator && !isAccess) throw notAllowed(remoteHost);
    const request: unknown = JSON.parse(body.toString('utf8'));
    this.#options.logger.info({ from: remoteHost, ...loggedParts(request) }, 'command');
    const answer = await execute(
      this.#context((line) => notify(PROGRESS_NOTICE, line)),
      request,
      'Server Administrator',
    );
    return Buffer.from(JSON.stringify(answer));
  }

  #context(reportProgress: (line: string) => void): AdminContext {
    const { config } = this.#options;
    return {
      hostName: config.host,
      acceptedDomains: config.acceptedDomains,
      networks: { networks: networksOf(config), hosts: networkHosts(config) },
      configuration: { hosts: config.hosts, witness: config.witness },
      register: () => this.#readRegister(),
      copyReports: () => this.#copyReports(),
      hostReports: () => this.#hostReports(),
      changeRegister: (change) => changeRegister(this.#options.register, change),
      acceptorReports: () => this.#acceptorReports(),
      admitAcceptor: (name) => this.#options.register.admit(name),
      changeAcceptors: (places) => this.#options.register.changePlaces(places),
      askActiveCopy: (storageGroup, method, body) => this.#askActiveCopy(storageGroup, method, body),
      askHost: (host, method, body, onProgress) => this.#askHost(host, method, body, onProgress ?? (() => undefined)),
      untilHostAnswers: (host) => this.#untilHostAnswers(host),
      reportProgress,
      hashPassword: (password) => hashPassword(password, machineRandom),
    };
  }

  // ── facts ────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #readRegister(): Promise<RegisterDocument> {
    const outcome = await this.#options.register.change(() => undefined, { timeoutMs: REGISTER_TIMEOUT_MS });
    if (outcome.kind === 'unchanged' && outcome.document !== undefined) return outcome.document;
    if (this.#options.cluster.status().isEvicted) throw evicted(this.#options.config.host);
    const said = 'reason' in outcome && outcome.reason !== '' ? ` (${outcome.reason})` : '';
    throw new Problem(
      'NoQuorum',
      `Cannot read the cluster register: no majority of its acceptors answers. Start the hosts that are down, or bring the witness back.${said}`,
      { temporary: true },
    );
  }

  #localReports(): CopyReport[] {
    const { copies, config } = this.#options;
    return copies.names.map((storageGroup) => {
      const facts = copies.facts(storageGroup);
      const { view = null, logs = null, maintenance = null, upkeep = null } = facts ?? {};
      return { storageGroup, host: config.host, view, logs, maintenance, upkeep };
    });
  }

  async #copyReports(): Promise<readonly CopyReport[]> {
    const document = await this.#readRegister();
    const hosts = new Set(Object.values(document.storageGroups).flatMap((group) => group.copies));
    const byHost = new Map(
      await Promise.all([...hosts].map(async (host) => [host, await this.#reportsOf(host)] as const)),
    );
    return Object.entries(document.storageGroups).flatMap(([storageGroup, group]) =>
      group.copies.map((host) => {
        const found = byHost.get(host)?.find((report) => report.storageGroup === storageGroup);
        return found ?? { storageGroup, host, view: null, logs: null };
      }),
    );
  }

  async #reportsOf(host: string): Promise<readonly CopyReport[]> {
    const { config, links, logger } = this.#options;
    if (host === config.host) return this.#localReports();
    try {
      return (await links.ask(host, 'copy-report', {}, REPORT_TIMEOUT_MS)) as CopyReport[];
    } catch (error) {
      if (!isProblem(error)) throw error;
      logger.info({ peer: host, reason: error.message }, 'a host did not report');
      return [];
    }
  }

  #hostReports(): Promise<readonly HostReport[]> {
    const { config, links, networks } = this.#options;
    return Promise.all(
      config.hosts.map(async ({ name, roles }) => {
        if (name === config.host) return { host: name, reachable: true, roles, links: networks.status() };
        try {
          const answer = (await links.ask(name, 'ping', {}, REPORT_TIMEOUT_MS)) as { links?: readonly LinkStatus[] };
          return { host: name, reachable: true, roles, links: answer.links ?? [] };
        } catch (error) {
          if (!isProblem(error)) throw error;
          return { host: name, reachable: false, roles };
        }
      }),
    );
  }

  async #untilHostAnswers(host: string): Promise<boolean> {
    const { config, links, clock } = this.#options;
    const deadlineMs = clock.monotonicMs() + HOST_START_LIMIT_MS;
    while (host !== config.host && !(await links.answers(host, REPORT_TIMEOUT_MS))) {
      if (clock.monotonicMs() > deadlineMs) return false;
      await sleep(clock, HOST_POLL_MS);
    }
    return true;
  }

  /** The look at the register first: by it a host learns that the set of acceptors has changed. */
  async #acceptorReports(): Promise<readonly AcceptorReport[]> {
    const { register } = this.#options;
    await register.peek({ timeoutMs: REPORT_TIMEOUT_MS });
    return Promise.all(register.acceptors.map((acceptor) => this.#acceptorReport(acceptor)));
  }

  async #acceptorReport(acceptor: Acceptor): Promise<AcceptorReport> {
    const { clock, register } = this.#options;
    const place = register.places.find((each) => each.name === acceptor.name);
    const kind = place?.kind ?? 'host';
    const path = place !== undefined && 'path' in place ? place.path : null;
    try {
      await withinTime(clock, clock.monotonicMs() + REPORT_TIMEOUT_MS, `ask ${acceptor.name}`, acceptor.peek());
      return { name: acceptor.name, kind, path, failure: null };
    } catch (error) {
      const where = path === null ? '' : ` (${path})`;
      return { name: acceptor.name, kind, path, failure: `${messageOf(error)}${where}` };
    }
  }

  // ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────

  async #askHost(host: string, method: HostMethod, body: object, onProgress: (line: string) => void): Promise<unknown> {
    const { config, links } = this.#options;
    if (STEPWISE_METHODS.has(method)) {
      if (host !== config.host) return links.askLong(host, method, body, 24 * 60 * 60_000, onProgress);
      if (method === 'back-up-copy') return backUpCopy(this.#options, body as BackupOrder, onProgress);
      if (method === 'optimize-copy') return this.#optimizeCopy(body as CopyQuestion, onProgress);
      if (method === 'restore-mailbox')
        return this.#options.mailboxRestores.run(body as MailboxRestoreOrder, onProgress);
      return this.#updateCopy(body as UpdateRequest, onProgress);
    }
    if (host !== config.host)
      return links.ask(host, method, body, LONG_METHODS.has(method) ? MOVE_TIMEOUT_MS : COPY_TIMEOUT_MS);
    const answer = await this.handlers()[method]?.(Buffer.from(JSON.stringify(body)), host);
    return answer === undefined ? null : JSON.parse(Buffer.from(answer).toString('utf8'));
  }

  async #askActiveCopy(storageGroup: string, method: CopyMethod, body: object): Promise<unknown> {
    const { network, clock } = this.#options;
    const active = member((await this.#readRegister()).storageGroups, storageGroup)?.active ?? null;
    if (active === null)
      throw new Problem('NotActive', `Cannot ask ${storageGroup}: no copy of it is active. Try again in a moment.`, {
        temporary: true,
      });
    const channel = await network.connect(copyEndpoint(active, storageGroup), REPORT_TIMEOUT_MS);
    const rpc = new Rpc(channel, { clock });
    channel.send(encodeHello({ service: MAIL_SERVICE }));
    try {
      const name = method === 'mailboxes' ? copyMethods.listMailboxes : method;
      return JSON.parse((await rpc.ask(name, Buffer.from(JSON.stringify(body)), COPY_TIMEOUT_MS)).toString('utf8'));
    } finally {
      channel.close('done');
    }
  }

  async #setSuspended(storageGroup: string, host: string, comment: string | null): Promise<unknown> {
    const { register, config, copies, links, logger } = this.#options;
    const outcome = await register.change(
      (document) =>
        document &&
        (comment === null
          ? resumeCopy(document, storageGroup, host)
          : suspendCopy(document, storageGroup, host, comment)),
      { timeoutMs: REGISTER_TIMEOUT_MS },
    );
    if (outcome.kind === 'unavailable' || outcome.kind === 'unknown') {
      throw new Problem('NoQuorum', `Cannot change the copy on ${host}: ${outcome.reason}. Try again.`, {
        temporary: true,
      });
    }
    try {
      if (host === config.host) await copies.remote(storageGroup).setSuspended(comment);
      else await links.ask(host, 'copy-suspended', { storageGroup, comment }, COPY_TIMEOUT_MS);
    } catch (error) {
      if (!isProblem(error)) throw error;
      // It reads the register when it starts; the order stands.
      logger.warn(
        { host, storageGroup, reason: error.message },
        'a copy learns later that it was suspended or resumed',
      );
    }
    return {};
  }

  async #handOff(request: HandOffRequest): Promise<unknown> {
    const { cluster, config, links, register, clock, logger } = this.#options;
    const startedMs = clock.monotonicMs();
    const document = await this.#readRegister();
    const server = member(document.clusteredMailboxServers, request.clusteredMailboxServer);
    const groups = (server?.storageGroups ?? []).filter(
      (name) => member(document.storageGroups, name)?.active === config.host,
    );
    for (const storageGroup of groups) {
      const answer = await cluster.handOff(storageGroup, request.target);
      if (answer.kind !== 'moved') {
        throw new Problem(
          'MoveFailed',
          `Cannot move ${storageGroup} to ${request.target}: ${answer.reason}. Get-ClusteredMailboxServerStatus says where it is now.`,
          { temporary: true },
        );
      }
      await links.ask(request.target, 'nudge', {}, REPORT_TIMEOUT_MS);
      await this.#untilActive(storageGroup, request.target);
    }
    const move = { from: config.host, to: request.target, comment: request.comment, atMs: Math.floor(clock.wallMs()) };
    await register.change((current) => current && recordMove(current, request.clusteredMailboxServer, move), {
      timeoutMs: REGISTER_TIMEOUT_MS,
    });
    logger.info(
      { ...move, elapsedMs: Math.round(clock.monotonicMs() - startedMs), event: 100 },
      'a clustered mailbox server was moved',
    );
    return {};
  }

  async #untilActive(storageGroup: string, host: string): Promise<void> {
    const { clock } = this.#options;
    const deadlineMs = clock.monotonicMs() + MOVED_LIMIT_MS;
    while (clock.monotonicMs() < deadlineMs) {
      const report = (await this.#reportsOf(host)).find((each) => each.storageGroup === storageGroup);
      if (report?.view?.state === 'active') return;
      await sleep(clock, MOVED_POLL_MS);
    }
    throw new Problem(
      'MoveUnfinished',
      `Cannot say that ${storageGroup} serves on ${host} yet: it was moved, but is not active after ${MOVED_LIMIT_MS} ms. See Get-StorageGroupCopyStatus.`,
    );
  }

  #optimizeCopy({ storageGroup }: CopyQuestion, onProgress: (line: string) => void): Promise<unknown> {
    return this.#options.copies.remote(storageGroup).defragment(onProgress);
  }

  async #updateCopy(request: UpdateRequest, onProgress: (line: string) => void): Promise<unknown> {
    const { config, copies } = this.#options;
    const { storageGroup, deleteExistingFiles, manualResume } = request;
    const { storageGroups, version } = await this.#readRegister();
    const group = member(storageGroups, storageGroup);
    const source = group?.active ?? null;
    if (group === undefined || source === null || source === config.host) {
      throw new Problem(
        'CannotSeed',
        `Cannot seed the copy of ${storageGroup} on ${config.host}: no other copy is active. Bring the active copy back first.`,
      );
    }
    if (
      !deleteExistingFiles &&
      member(group.suspended, config.host) === undefined &&
      copies.view(storageGroup)?.failedMessage === null
    ) {
      throw new Problem(
        'CannotSeed',
        `Cannot seed the copy of ${storageGroup} on ${config.host}: it is in use. Suspend it first with Suspend-StorageGroupCopy, or give -DeleteExistingFiles.`,
      );
    }
    const { maxBytesPerSecond, network = null } = request;
    const copy = await copies.whenOpen(storageGroup, version);
    await copy.seed({ source, maxBytesPerSecond, keepLog: false, network }, onProgress);
    if (!manualResume) await this.#setSuspended(storageGroup, config.host, null);
    return {};
  }
}

interface SuspendRequest {
  readonly storageGroup: string;
  readonly host: string;
  readonly comment: string;
}

interface CopyQuestion {
  readonly storageGroup: string;
}

interface HandOffRequest {
  readonly clusteredMailboxServer: string;
  readonly target: string;
  readonly comment: string;
}

interface UpdateRequest {
  readonly storageGroup: string;
  readonly deleteExistingFiles: boolean;
  readonly manualResume: boolean;
  readonly maxBytesPerSecond: number | null;
  /** Absent from a host of an earlier version. */
  readonly network?: string | null;
}

function evicted(host: string): Problem {
  return new Problem(
    'HostEvicted',
    `Cannot read the cluster register from ${host}: it was evicted from the cluster. Ask another host; Add-ClusterNode takes it in again.`,
  );
}

function notAllowed(name: string): Problem {
  return new Problem('NotAllowed', `Cannot do that for ${name}: its certificate is not one that may ask it`);
}

function commandOf(request: unknown): string {
  const command = (request as { command?: unknown } | null)?.command;
  return typeof command === 'string' ? command.slice(0, 100) : '';
}

/** What an administrator ordered, without passwords. */
function loggedParts(request: unknown): { command: string; parameters: Readonly<Record<string, unknown>> } {
  const parameters = (request as { parameters?: unknown } | null)?.parameters;
  const isRecord = typeof parameters === 'object' && parameters !== null && !Array.isArray(parameters);
  const named = isRecord ? Object.entries(parameters) : [];
  return {
    command: commandOf(request),
    parameters: Object.fromEntries(
      named.slice(0, 20).map(([name, value]) => [name.slice(0, 50), /password/i.test(name) ? '…' : value]),
    ),
  };
}
