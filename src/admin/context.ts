/**
 * What commands need of the cluster: the port that the cluster service implements on the host that was asked. Facts
 * come in, requests go out; what the facts mean is computed by the pure functions of cluster/ and by the commands.
 */
import type { CopyView } from '../cluster/copy-control.ts';
import type { RegisterDocument } from '../cluster/register-document.ts';

/** One end of the pipeline that a log file goes through: its generation, and when it was made (the source's clock). */
export interface LogMark {
  readonly generation: number;
  /** Milliseconds since 1970; null before the first one. */
  readonly timeMs: number | null;
}

/** Generated >= copyNotified >= copied >= inspected >= replayed. */
export interface CopyLogMarks {
  readonly generated: LogMark;
  readonly copyNotified: LogMark;
  readonly copied: LogMark;
  readonly inspected: LogMark;
  readonly replayed: LogMark;
}

/** Facts of one copy, as its host reported them a moment ago. */
export interface CopyReport {
  readonly storageGroup: string;
  readonly host: string;
  /** Null when the host's service, or the copy's process, does not answer. */
  readonly view: CopyView | null;
  readonly logs: CopyLogMarks | null;
}

/** What the host that was asked sees of the rest. */
export interface HostReport {
  readonly host: string;
  /** Whether its cluster service answers. */
  readonly reachable: boolean;
  readonly roles: readonly string[];
}

/** One vote of the register. */
export interface AcceptorReport {
  readonly name: string;
  readonly kind: 'host' | 'share';
  /** Null = it answered with its state; otherwise why its vote does not count now. */
  readonly failure: string | null;
}

export type HostMethod = 'copy-report' | 'suspend-copy' | 'resume-copy' | 'update-copy' | 'hand-off';
export type CopyMethod = 'mailboxes' | 'create-mailbox';

export interface AdminContext {
  /** The host that was asked. */
  readonly hostName: string;
  /** As decided: read through a majority. Problem('NoQuorum') */
  register(): Promise<RegisterDocument>;
  /** One for each copy that the register names, the unreachable ones included. */
  copyReports(): Promise<readonly CopyReport[]>;
  hostReports(): Promise<readonly HostReport[]>;
  acceptorReports(): Promise<readonly AcceptorReport[]>;
  /** Domains whose recipients are ours. */
  readonly acceptedDomains: readonly string[];
  /** Asks the process of the active copy; `body` and the answer are plain JSON. Problem('NotActive') when nobody serves it. */
  askActiveCopy(storageGroup: string, method: CopyMethod, body: object): Promise<unknown>;
  /** Asks a host's cluster service. Progress that it reports meanwhile goes to `onProgress`. Problem('Unreachable') */
  askHost(host: string, method: HostMethod, body: object, onProgress?: (line: string) => void): Promise<unknown>;
  /** One line for whoever runs the command, while it runs. */
  reportProgress(line: string): void;
  /** PHC form. */
  hashPassword(password: string): Promise<string>;
}
