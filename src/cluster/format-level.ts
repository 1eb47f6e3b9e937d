/**
 * Which formats two hosts with different versions of the software have in common (C11): kinds of records, frames between
 * copies, fields of the register. Each version reads a range of levels. The register carries the one at which the cluster
 * writes, and it stays where it is, whatever is installed, until an administrator raises it: up to then a host may go back
 * to the version that it had. Raised by itself the moment the last host is updated, that way back would be gone unasked.
 *
 * A level only rises, and never above what every member has announced in the register; who cannot read it does not join.
 * Both are decided on the same document, so whichever comes first is seen by the other.
 */
import { Problem } from '../base/problem.ts';
import { member, type NodeRecord, type RegisterDocument } from './register-document.ts';

/** Levels, both included. */
export interface FormatRange {
  readonly lowest: number;
  readonly highest: number;
}

/** What a host announces when it joins. */
export interface SoftwareFormats extends FormatRange {
  /** For people: the version of the software. */
  readonly software: string;
}

/** Of a cluster, and of a host, that says nothing: both are older than levels. */
export const FIRST_LEVEL = 1;

/** What this version of the software reads; it writes at any of these levels. */
export const formatRange: FormatRange = { lowest: FIRST_LEVEL, highest: FIRST_LEVEL };

export function formatLevelOf(document: RegisterDocument): number {
  return document.formatLevel ?? FIRST_LEVEL;
}

export function announcedBy(node: NodeRecord | undefined): FormatRange {
  return node?.formats ?? { lowest: FIRST_LEVEL, highest: FIRST_LEVEL };
}

export function reads({ lowest, highest }: FormatRange, level: number): boolean {
  return level >= lowest && level <= highest;
}

/** Every host that has or may get a copy; in the order of the alphabet. */
export function membersOf(document: RegisterDocument): readonly string[] {
  const copies = Object.values(document.storageGroups).flatMap((group) => group.copies);
  const machines = Object.values(document.clusteredMailboxServers).flatMap((server) => server.redundantMachines);
  return [...new Set([...copies, ...machines])].sort();
}

/** Members that would be shut out if the cluster wrote at `level`. */
export function whoDoesNotRead(document: RegisterDocument, level: number): readonly string[] {
  return membersOf(document).filter((host) => !reads(announcedBy(member(document.nodes, host)), level));
}

/** The highest level that every member reads; the present one when there is no higher. */
export function highestCommonLevel(document: RegisterDocument): number {
  const highest = membersOf(document).map((host) => announcedBy(member(document.nodes, host)).highest);
  const level = Math.min(...highest);
  return Number.isFinite(level) && whoDoesNotRead(document, level).length === 0
    ? Math.max(level, formatLevelOf(document))
    : formatLevelOf(document);
}

/** An administrator's word. undefined when it is no rise, or a member does not read it. */
export function raiseFormatLevel(document: RegisterDocument, level: number): RegisterDocument | undefined {
  if (level <= formatLevelOf(document) || whoDoesNotRead(document, level).length > 0) return undefined;
  return { ...document, version: document.version + 1, formatLevel: level };
}

/** Why a host with software of `range` must stay out of this cluster, or undefined. */
export function unreadableLevel(document: RegisterDocument, host: string, range: FormatRange): Problem | undefined {
  const level = formatLevelOf(document);
  if (reads(range, level)) return undefined;
  return new Problem(
    'FormatLevelUnreadable',
    `Cannot join the cluster as ${host}: it writes at format level ${level}, and this version of the software reads ${range.lowest} to ${range.highest}. Install a version that reads it; Get-ClusterVersion on another host shows which one runs there.`,
  );
}
