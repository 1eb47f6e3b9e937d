/**
 * What clients asked for and what they were told: the one thing that a promise can be held to. Writers add to it while
 * they work; history-check.ts compares it with what is there at the end. Nothing here knows a protocol.
 *
 * An outcome is what the client may conclude. `acknowledged`: it read a success. `refused`: every attempt was answered
 * by an error or broke off before the change could have been understood. `unknown`: the connection broke while the
 * answer was due, so both are allowed.
 */
import { createHash } from 'node:crypto';

export type Outcome = 'acknowledged' | 'refused' | 'unknown';

/** A copy of a message in one mailbox: by delivery or by APPEND. */
export interface MessageEntry {
  /** Unique in the whole history, and found in the message's own header. */
  readonly id: string;
  /** The address of the mailbox. */
  readonly mailbox: string;
  readonly folder: string;
  readonly via: 'smtp' | 'lmtp' | 'append';
  /** Of the bytes, as hex. */
  readonly sha256: string;
  readonly outcome: Outcome;
}

/** One change of a message's flags, written down as the whole set that it leads to. */
export interface FlagsEntry {
  readonly id: string;
  readonly mailbox: string;
  readonly flags: readonly string[];
  readonly outcome: Outcome;
}

export interface ExpungeEntry {
  readonly id: string;
  readonly mailbox: string;
  readonly outcome: Outcome;
}

/** What is there now. */
export interface PresentMessage {
  /** From the header; empty where there is none. */
  readonly id: string;
  readonly mailbox: string;
  readonly folder: string;
  readonly uid: number;
  readonly sha256: string;
  /** Without \Recent, which belongs to a session. */
  readonly flags: readonly string[];
}

export class History {
  readonly messages: MessageEntry[] = [];
  /** In the order of their ends; one message has one writer, who waits for each answer. */
  readonly flags: FlagsEntry[] = [];
  readonly expunges: ExpungeEntry[] = [];
}

const ID_HEADER = 'X-Holdfast-History';

/** The lines that make a message findable; CRLF after each. */
export function idHeader(id: string): string {
  return `Message-ID: <${id}@history.example.org>\r\n${ID_HEADER}: ${id}\r\n`;
}

export function idOf(message: Buffer): string {
  const header = message.toString('latin1', 0, Math.min(message.length, 4096));
  return new RegExp(`^${ID_HEADER}: ([A-Za-z0-9.-]{1,80})\r$`, 'm').exec(header)?.[1] ?? '';
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
