/**
 * The judge: a pure comparison of what clients were told with what is there. Acknowledged is present, refused is not,
 * everything at most once, every byte and flag as acknowledged. An unknown outcome allows both sides, but never two
 * copies and never other bytes.
 */
import type { ExpungeEntry, FlagsEntry, History, MessageEntry, Outcome, PresentMessage } from './history.ts';

export interface Verdict {
  /** Messages whose acknowledged presence was compared. */
  readonly acknowledged: number;
  readonly acknowledgedFlags: number;
  /** Each with one line per message, as "mailbox id: what". */
  readonly lost: readonly string[];
  readonly duplicated: readonly string[];
  readonly altered: readonly string[];
  readonly flagsLost: readonly string[];
  /** There, although its change was refused, or its expunge acknowledged. */
  readonly resurrected: readonly string[];
  /** There, and in nobody's history. */
  readonly foreign: readonly string[];
}

export function checkHistory(history: History, present: readonly PresentMessage[]): Verdict {
  const there = Map.groupBy(present, keyOf);
  const expunged = lastByKey(history.expunges);
  const wanted = new Map(history.messages.map((message) => [keyOf(message), message]));
  const flags = Map.groupBy(history.flags, keyOf);
  const findings = history.messages.flatMap((message) =>
    judge(
      message,
      there.get(keyOf(message)) ?? [],
      expunged.get(keyOf(message))?.outcome,
      flags.get(keyOf(message)) ?? [],
    ),
  );
  const of = (kind: Finding['kind']) => findings.filter((each) => each.kind === kind).map((each) => each.text);
  return {
    acknowledged: history.messages.filter((message) => message.outcome === 'acknowledged').length,
    acknowledgedFlags: history.flags.filter((change) => change.outcome === 'acknowledged').length,
    lost: of('lost'),
    duplicated: of('duplicated'),
    altered: of('altered'),
    flagsLost: of('flagsLost'),
    resurrected: of('resurrected'),
    foreign: present.filter((each) => !wanted.has(keyOf(each))).map((each) => `${placeOf(each)}: not in the history`),
  };
}

/** What went wrong, as lines; empty when nothing did. */
export function faultsOf(verdict: Verdict): readonly string[] {
  const kinds = ['lost', 'duplicated', 'altered', 'flagsLost', 'resurrected', 'foreign'] as const;
  return kinds.flatMap((kind) => verdict[kind].map((line) => `${kind}: ${line}`));
}

interface Finding {
  readonly kind: 'lost' | 'duplicated' | 'altered' | 'flagsLost' | 'resurrected';
  readonly text: string;
}

function judge(
  message: MessageEntry,
  there: readonly PresentMessage[],
  expunged: Outcome | undefined,
  flags: readonly FlagsEntry[],
): readonly Finding[] {
  const found: Finding[] = [];
  const note = (kind: Finding['kind'], what: string): void => {
    found.push({ kind, text: `${message.mailbox} ${message.id} (${message.via}, ${message.outcome}): ${what}` });
  };
  const mustBeThere = message.outcome === 'acknowledged' && (expunged === undefined || expunged === 'refused');
  if (there.length === 0 && mustBeThere) note('lost', 'not there');
  if (there.length > 1) note('duplicated', `there ${there.length} times, as ${there.map(placeOf).join(', ')}`);
  if (there.length > 0 && message.outcome === 'refused') note('resurrected', 'there, although it was refused');
  if (there.length > 0 && expunged === 'acknowledged') note('resurrected', 'there, although it was expunged');
  for (const each of there) {
    if (each.sha256 !== message.sha256) note('altered', `other bytes at ${placeOf(each)}`);
    if (each.folder !== message.folder) note('altered', `in ${each.folder} instead of ${message.folder}`);
    const allowed = allowedFlags(flags);
    if (!allowed.some((set) => sameFlags(set, each.flags))) {
      note(
        'flagsLost',
        `(${each.flags.join(' ')}) instead of ${allowed.map((set) => `(${set.join(' ')})`).join(' or ')}`,
      );
    }
  }
  return found;
}

/** The last acknowledged set, or that of an unknown change after it. Before the first acknowledged change there are none. */
function allowedFlags(changes: readonly FlagsEntry[]): readonly (readonly string[])[] {
  const last = changes.findLastIndex((change) => change.outcome === 'acknowledged');
  const after = changes.slice(last + 1).filter((change) => change.outcome === 'unknown');
  return [changes[last]?.flags ?? [], ...after.map((change) => change.flags)];
}

function sameFlags(left: readonly string[], right: readonly string[]): boolean {
  const canonical = (flags: readonly string[]): string =>
    flags
      .map((flag) => flag.toLowerCase())
      .toSorted()
      .join(' ');
  return canonical(left) === canonical(right);
}

function keyOf({ mailbox, id }: { readonly mailbox: string; readonly id: string }): string {
  return `${mailbox} ${id}`;
}

function placeOf({ mailbox, folder, uid }: PresentMessage): string {
  return `${mailbox} ${folder} UID ${uid}`;
}

function lastByKey(entries: readonly ExpungeEntry[]): ReadonlyMap<string, ExpungeEntry> {
  return new Map(entries.map((entry) => [keyOf(entry), entry]));
}
