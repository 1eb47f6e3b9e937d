/**
 * What commands need of the cluster: the port that the cluster service implements on the host that was asked. Facts
 * come in, requests go out; what the facts mean is computed by the pure functions of cluster/ and by the commands.
 */
import type { AcceptorPlace, Witness } from '../cluster/acceptor-places.ts';
import type { CopyView } from '../cluster/copy-control.ts';
import type { LinkStatus } from '../cluster/heartbeat/heartbeats.ts';
import type { ClusterNetwork, NetworkHost } from '../cluster/networks/cluster-network.ts';
import type { RegisterDocument } from '../cluster/register-document.ts';
import type { LogMarks } from '../replication/log-marks.ts';
import type { QuarantineFacts } from '../replication/quarantine.ts';
import type { RoomFacts } from '../replication/room-watch.ts';
import type { SeedReport } from '../replication/seed-progress.ts';

/** What a copy's own maintenance knows: damage that is not mended yet, and how it compares with the other copies. */
export interface CopyMaintenanceReport {
  readonly damage: readonly string[];
  readonly repairedBodies: number;
  /** Milliseconds since 1970; null before the first pass since its process started. */
  readonly lastScrubMs: number | null;
  readonly comparisons: readonly CopyComparison[];
  /** What it does now, or null; when one was finished last. */
  readonly defragmentation: { readonly progress: string | null; readonly lastMs: number | null };
}

export interface CopyComparison {
  readonly host: string;
  readonly lsn: number;
  readonly otherLsn: number;
  readonly result: 'Equal' | 'Different' | 'NotComparable';
  /** Ids; 0 stands for what belongs to no folder. */
  readonly differentFolders: readonly number[];
  readonly reason: string | null;
}

/** Facts of one copy, as its host reported them a moment ago. */
export interface CopyReport {
  readonly storageGroup: string;
  readonly host: string;
  /** Null when the host's service, or the copy's process, does not answer. */
  readonly view: CopyView | null;
  readonly logs: LogMarks | null;
  readonly maintenance?: CopyMaintenanceReport | null;
  readonly upkeep?: CopyUpkeepReport | null;
}

/** Backups of the storage group that the copy knows of, its content index, and the seed that it receives. Times in milliseconds since 1970. */
export interface CopyUpkeepReport {
  readonly backups: { readonly latestFullMs: number | null; readonly latestIncrementalMs: number | null };
  readonly contentIndex: {
    readonly state: string;
    /** Messages that are not in the index yet. */
    readonly backlog: number;
    readonly indexedLsn: number;
    readonly databaseLsn: number;
    readonly failure: string | null;
  } | null;
  readonly seed?: SeedReport | null;
  /** Committed by the active copy and, as far as it has heard in this epoch, durable on no other; null on a passive one. */
  readonly exposedChanges?: number | null;
  readonly quarantine?: QuarantineFacts;
  /** Of its disk; absent from a host of an earlier version. */
  readonly room?: RoomFacts;
}

/** What the host that was asked sees of the rest. */
export interface HostReport {
  readonly host: string;
  /** Whether its cluster service answers. */
  readonly reachable: boolean;
  readonly roles: readonly string[];
  /** What its heartbeats say; absent when it does not answer or sends none. */
  readonly links?: readonly LinkStatus[];
}

/** The networks of the cluster and the hosts that they join, as configured. */
export interface ClusterNetworks {
  readonly networks: readonly ClusterNetwork[];
  readonly hosts: readonly NetworkHost[];
}

/** A host as the configuration names it. */
export interface ConfiguredHost {
  readonly name: string;
  readonly roles: readonly string[];
  readonly address: string;
  readonly clusterPort: number;
  /** By storage group. */
  readonly copyPorts: Readonly<Record<string, number>>;
}

/** What the host that was asked has in its holdfast.yaml about the cluster. */
export interface ClusterConfiguration {
  readonly hosts: readonly ConfiguredHost[];
  /** It votes beside an even number of nodes. */
  readonly witness: Witness | undefined;
}

/** One vote of the register. */
export interface AcceptorReport {
  readonly name: string;
  readonly kind: 'host' | 'process' | 'share' | 'disk';
  /** Of a share or a quorum disk. */
  readonly path: string | null;
  /** Null = it answered with its state; otherwise why its vote does not count now. */
  readonly failure: string | null;
}

export type HostMethod =
  | 'copy-report'
  | 'suspend-copy'
  | 'resume-copy'
  | 'update-copy'
  | 'restore-copy'
  | 'hand-off'
  | 'compare-copy'
  | 'back-up-copy'
  | 'rebuild-content-index'
  | 'optimize-copy'
  | 'restore-mailbox'
  | 'add-host'
  | 'remove-host'
  | 'change-networks'
  | 'log-files'
  | 'quarantined-changes'
  | 'return-quarantined';
export type CopyMethod =
  | 'mailboxes'
  | 'create-mailbox'
  | 'get-limits'
  | 'set-limits'
  | 'deleted-items'
  | 'restore-items';

export interface AdminContext {
  /** The host that was asked. */
  readonly hostName: string;
  readonly networks: ClusterNetworks;
  readonly configuration: ClusterConfiguration;
  /** As decided: read through a majority. Problem('NoQuorum') */
  register(): Promise<RegisterDocument>;
  /**
   * Makes one change of the register: `change` returns the next document, or undefined when there is nothing to change.
   * True when it was changed. Problem('NoQuorum' | 'OutcomeUnknown')
   */
  changeRegister(change: (document: RegisterDocument) => RegisterDocument | undefined): Promise<boolean>;
  /** One for each copy that the register names, the unreachable ones included. */
  copyReports(): Promise<readonly CopyReport[]>;
  hostReports(): Promise<readonly HostReport[]>;
  acceptorReports(): Promise<readonly AcceptorReport[]>;
  /** Gives its vote back to an acceptor that is empty. Problem('CannotAdmit' | 'AcceptorOutbid' | 'VotesNotMoved' | 'VotesChanged' | 'NoQuorum') */
  admitAcceptor(name: string): Promise<void>;
  /** Makes these the ones that vote. Problem('VotesSame' | 'CannotAdmit' | 'VotesNotMoved' | 'VotesChanged' | 'NoQuorum') */
  changeAcceptors(places: readonly AcceptorPlace[]): Promise<void>;
  /** Domains whose recipients are ours. */
  readonly acceptedDomains: readonly string[];
  /** Asks the process of the active copy; `body` and the answer are plain JSON. Problem('NotActive') when nobody serves it. */
  askActiveCopy(storageGroup: string, method: CopyMethod, body: object): Promise<unknown>;
  /** Asks a host's cluster service. Progress that it reports meanwhile goes to `onProgress`. Problem('Unreachable') */
  askHost(host: string, method: HostMethod, body: object, onProgress?: (line: string) => void): Promise<unknown>;
  /** False when it does not answer within a bound that lets a host start. */
  untilHostAnswers(host: string): Promise<boolean>;
  /** One line for whoever runs the command, while it runs. */
  reportProgress(line: string): void;
  /** PHC form. */
  hashPassword(password: string): Promise<string>;
}
