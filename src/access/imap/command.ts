/**
 * The shape of a command: its name, where it may be said, what it takes, what it does. One file under commands/ holds
 * each; dispatch.ts is the list of them.
 */
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { MailStore } from '../../store/mail-store.ts';
import type { SessionLimits } from '../limits.ts';
import type { Output } from './output.ts';
import type { RecentRegistry } from './recent.ts';
import type { SelectedFolder } from './selected-folder.ts';
import type { Slice } from './slice.ts';
import type { ArgumentReader } from './wire/arguments.ts';

/** What a command sees of its session. */
export interface SessionContext {
  readonly store: MailStore;
  readonly mailboxId: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: SessionLimits;
  readonly recent: RecentRegistry;
  readonly out: Output;
  readonly slice: Slice;
  /** Of the command under way. */
  readonly tag: string;
  readonly selected: SelectedFolder | undefined;
  /** Leaves the folder that was selected, if any, and enters this one. */
  select(folder: SelectedFolder | undefined): void;
  /** Like `selected`, where the command's states say that there is one. */
  selectedFolder(): SelectedFolder;
}

/** The tagged OK. */
export interface Completion {
  readonly text?: string;
  readonly code?: string;
  /** 'idle': the tagged OK comes when the client says DONE. 'logout': the connection closes behind it. */
  readonly next?: 'idle' | 'logout';
}

/** What of the changes that others made may be told before the tagged reply (RFC 3501 5.2, 7.4.1). */
export type Announcement = 'all' | 'withoutExpunge' | 'nothing';

export interface CommandDefinition {
  readonly name: string;
  /** Needs a folder selected. */
  readonly needsSelected: boolean;
  readonly announcement: Announcement;
  /** Reads all arguments; SyntaxFault when they are wrong. What comes back carries the command out. */
  readonly prepare: (args: ArgumentReader, limits: SessionLimits) => (session: SessionContext) => Promise<Completion>;
}

interface CommandParts<Arguments> {
  readonly name: string;
  readonly needsSelected?: boolean;
  readonly announcement?: Announcement;
  readonly parse: (args: ArgumentReader, limits: SessionLimits) => Arguments;
  readonly run: (session: SessionContext, args: Arguments) => Promise<Completion> | Completion;
}

export function defineCommand<Arguments>(parts: CommandParts<Arguments>): CommandDefinition {
  return {
    name: parts.name,
    needsSelected: parts.needsSelected ?? false,
    announcement: parts.announcement ?? 'all',
    prepare: (args, limits) => {
      const parsed = parts.parse(args, limits);
      args.end();
      return async (session) => parts.run(session, parsed);
    },
  };
}

/** For commands without arguments. */
export function nothing(): undefined {
  return undefined;
}
