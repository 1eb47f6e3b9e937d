/** A cluster of facts for the commands' tests: a story sets what is so, and what was asked is kept. */
import { present } from '../../base/assert.ts';
import { Problem } from '../../base/problem.ts';
import type { AcceptorPlace, Witness } from '../../cluster/acceptor-places.ts';
import type { CopyView } from '../../cluster/copy-control.ts';
import type { LinkState } from '../../cluster/heartbeat/heartbeat-link.ts';
import type { LinkStatus } from '../../cluster/heartbeat/heartbeats.ts';
import { addressOn, type ClusterNetwork, defaultHeartbeat } from '../../cluster/networks/cluster-network.ts';
import {
  type ClusteredMailboxServerRecord,
  parseRegisterDocument,
  type RegisterDocument,
  type StorageGroupRecord,
} from '../../cluster/register-document.ts';
import type { LogMarks } from '../../replication/log-marks.ts';
import type { AcceptorReport, AdminContext, ClusterConfiguration, ClusterNetworks, CopyReport } from '../context.ts';

export const GROUP = 'First Storage Group';
export const IDENTITY = `mbx01\\${GROUP}`;
const ACTIVE = 'mbx01-node1';
const PASSIVE = 'mbx01-node2';

export const passiveView: CopyView = {
  state: 'passive',
  epochSeen: 1,
  endLsn: 0x1_0000_0010,
  durableLsn: 0x1_0000_0010,
  generation: 7,
  copyQueueLength: 0,
  replayQueueLength: 0,
  failedMessage: null,
  seeding: false,
  resynchronizing: false,
  initializing: false,
  mayTakeOver: true,
};

const marks = (generation: number): LogMarks => {
  const mark = { generation, timeMs: Date.UTC(2026, 10, 22, 14, 42, generation) };
  return { generated: mark, copyNotified: mark, copied: mark, inspected: mark, replayed: mark };
};

/** What a copy's process says about its files. */
const filesAnswers: Readonly<Record<string, unknown>> = {
  'return-quarantined': 1,
  'compare-copy': [
    { host: PASSIVE, lsn: 0x1_0000_0010, otherLsn: 0x1_0000_0010, result: 'Equal', differentFolders: [], reason: null },
  ],
  'quarantined-changes': [
    {
      folder: 'quarantine/before-epoch-2',
      lsn: 0x1_0000_0011,
      type: 'MessageDelivered',
      mailbox: 'alice@example.test',
      mailFolder: null,
      what: 'a message from <bob@example.test> was delivered, 512 bytes',
      state: 'There',
    },
  ],
  'log-files': [
    { name: 'E0000000001.log', generation: 1, lastLsn: 0x1_0000_0010, sizeBytes: 1_048_576, createdMs: 0, reasons: [] },
  ],
};

export interface Asked {
  readonly to: string;
  readonly method: string;
  readonly body: unknown;
}

function rolesOf(isNode: boolean): readonly string[] {
  return isNode ? ['mailbox'] : ['hub', 'access', 'witness'];
}

function fakeNetwork(
  name: string,
  role: ClusterNetwork['role'],
  priority: number,
  addresses: Readonly<Record<string, string>>,
): ClusterNetwork {
  return { name, role, priority, prefixLength: 24, heartbeat: defaultHeartbeat, addresses };
}

export class FakeCluster implements AdminContext {
  readonly hostName = 'hub1';
  readonly acceptedDomains = ['example.test'];
  readonly asked: Asked[] = [];
  readonly progress: string[] = [];
  readonly silentHosts = new Set<string>();
  acceptorPlaces: readonly AcceptorPlace[] = [
    { kind: 'host', name: ACTIVE },
    { kind: 'host', name: PASSIVE },
    { kind: 'share', name: 'witness', path: '/mnt/witness' },
  ];
  readonly acceptorFailures = new Map<string, string>();
  readonly mailboxes: { guid: string; address: string; displayName: string; createdMs: number; quota?: object }[] = [];
  /** What the active copy says to a question about mailboxes. */
  copyAnswers: Record<string, unknown> = {};
  readonly credentials: (string | null)[] = [];
  networks: ClusterNetworks = {
    hosts: [
      { name: ACTIVE, isNode: true },
      { name: PASSIVE, isNode: true },
      { name: 'hub1', isNode: false },
    ],
    networks: [
      fakeNetwork('Public', 'mixed', 2, { [ACTIVE]: '192.0.2.1', [PASSIVE]: '192.0.2.2', hub1: '192.0.2.3' }),
      fakeNetwork('Private', 'private', 1, { [ACTIVE]: '10.0.0.1', [PASSIVE]: '10.0.0.2' }),
    ],
  };
  /** What the nodes' heartbeats say of the way between them, by network. */
  linkStates: Record<string, LinkState> = {};
  hasQuorum = true;
  /** Null: the copies say nothing of what is done for them. */
  exposedChanges: number | null = null;
  group: StorageGroupRecord = {
    epoch: 1,
    active: ACTIVE,
    inSync: [ACTIVE, PASSIVE],
    mounted: true,
    hint: { lsn: 0x1_0000_0001, generation: 1 },
    mode: 'sync',
    copies: [ACTIVE, PASSIVE],
    sharedStorage: false,
    circularLogging: false,
    suspended: {},
  };
  server: ClusteredMailboxServerRecord = {
    storageGroups: [GROUP],
    redundantMachines: [ACTIVE, PASSIVE],
    autoDatabaseMountDial: 'BestAvailability',
    forcedDatabaseMountAfterHours: null,
  };
  nodes: RegisterDocument['nodes'] = {};
  formatLevel: number | undefined;
  evicted: readonly string[] = [];
  places: RegisterDocument['places'];
  readonly admitted: string[] = [];
  witness: Witness | undefined = { share: '/mnt/witness' };
  views: Record<string, CopyView> = { [ACTIVE]: { ...passiveView, state: 'active' }, [PASSIVE]: passiveView };
  /** Called with every order to a host; a story may change the facts. */
  onAskHost: (asked: Asked, onProgress: (line: string) => void) => void = () => undefined;

  document(): RegisterDocument {
    return {
      clusterId: '0123456789abcdef0123456789abcdef',
      version: 9,
      ...(this.formatLevel === undefined ? {} : { formatLevel: this.formatLevel }),
      ...(this.evicted.length === 0 ? {} : { evicted: this.evicted }),
      ...(this.places === undefined ? {} : { places: this.places }),
      nodes: this.nodes,
      storageGroups: { [GROUP]: this.group },
      clusteredMailboxServers: {
        mbx01: this.server,
      },
    };
  }

  async changeRegister(change: (document: RegisterDocument) => RegisterDocument | undefined): Promise<boolean> {
    const changed = change(await this.register());
    if (changed === undefined) return false;
    const {
      storageGroups,
      clusteredMailboxServers,
      formatLevel,
      evicted = [],
      places,
    } = parseRegisterDocument(changed);
    this.formatLevel = formatLevel;
    this.evicted = evicted;
    this.places = places;
    this.group = present(storageGroups[GROUP], 'The storage group stays');
    this.server = present(clusteredMailboxServers['mbx01'], 'The server stays');
    return true;
  }

  async changeAcceptors(places: readonly AcceptorPlace[]): Promise<void> {
    this.acceptorPlaces = places;
  }

  async admitAcceptor(name: string): Promise<void> {
    this.admitted.push(name);
  }

  changeView(host: string, change: Partial<CopyView>): void {
    this.views[host] = { ...(this.views[host] ?? passiveView), ...change };
  }

  async register(): Promise<RegisterDocument> {
    if (this.hasQuorum) return this.document();
    throw new Problem('NoQuorum', 'Cannot read the cluster register: no majority answers', { temporary: true });
  }

  async copyReports(): Promise<readonly CopyReport[]> {
    return this.group.copies.map((host) => {
      const view = this.silentHosts.has(host) ? null : (this.views[host] ?? null);
      const logs = view === null ? null : marks(host === ACTIVE ? 8 : 7);
      const report = { storageGroup: GROUP, host, view, logs };
      if (view === null || this.exposedChanges === null) return report;
      const exposedChanges = host === this.group.active ? this.exposedChanges : null;
      const backups = { latestFullMs: null, latestIncrementalMs: null };
      return { ...report, upkeep: { backups, contentIndex: null, exposedChanges } };
    });
  }

  get configuration(): ClusterConfiguration {
    const hosts = this.networks.hosts.map(({ name, isNode }) => ({
      name,
      roles: rolesOf(isNode),
      address: addressOn(this.networks.networks[0] ?? fakeNetwork('', 'mixed', 1, {}), name) ?? '',
      clusterPort: 3343,
      copyPorts: isNode ? { [GROUP]: 3344 } : {},
    }));
    return { hosts, witness: this.witness };
  }

  async untilHostAnswers(host: string): Promise<boolean> {
    return !this.silentHosts.has(host);
  }

  async hostReports() {
    return this.networks.hosts.map(({ name: host, isNode }) => {
      return { host, roles: rolesOf(isNode), reachable: !this.silentHosts.has(host), links: this.#linksOf(host) };
    });
  }

  #linksOf(host: string): readonly LinkStatus[] {
    if (host !== ACTIVE && host !== PASSIVE) return [];
    const peer = host === ACTIVE ? PASSIVE : ACTIVE;
    return Object.entries(this.linkStates).map(([network, state]) => ({ network, peer, state, isLate: false }));
  }

  async acceptorReports(): Promise<readonly AcceptorReport[]> {
    return this.acceptorPlaces.map((place) => ({
      name: place.name,
      kind: place.kind,
      path: 'path' in place ? place.path : null,
      failure: this.acceptorFailures.get(place.name) ?? null,
    }));
  }

  async askActiveCopy(storageGroup: string, method: string, body: object): Promise<unknown> {
    this.asked.push({ to: storageGroup, method, body });
    if (method === 'mailboxes') return this.mailboxes;
    if (method !== 'create-mailbox') return this.copyAnswers[method] ?? {};
    const { address, displayName, credential } = body as { address: string; displayName: string; credential: string };
    if (this.mailboxes.some((mailbox) => mailbox.address === address)) {
      throw new Problem('MailboxExists', `Cannot make mailbox ${address}: it exists`);
    }
    this.credentials.push(credential);
    const guid = String(this.mailboxes.length + 1).padStart(32, '0');
    const mailbox = { guid, address, displayName, createdMs: Date.UTC(2026, 10, 22) };
    this.mailboxes.push(mailbox);
    return mailbox;
  }

  async askHost(
    host: string,
    method: string,
    body: object,
    onProgress: (line: string) => void = () => undefined,
  ): Promise<unknown> {
    if (this.silentHosts.has(host)) throw new Problem('Unreachable', `Cannot reach ${host}`, { temporary: true });
    const asked = { to: host, method, body };
    this.asked.push(asked);
    this.onAskHost(asked, onProgress);
    return filesAnswers[method] ?? {};
  }

  reportProgress(line: string): void {
    this.progress.push(line);
  }

  async hashPassword(password: string): Promise<string> {
    return `$hash$${password}`;
  }
}
