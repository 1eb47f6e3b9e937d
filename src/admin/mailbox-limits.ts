/** Limits of mailboxes and deleted items as administrators write and read them: sizes with a unit, days, `unlimited`. */
import { z } from 'zod';
import type { Column, Row } from './command.ts';
import { UNLIMITED } from './limits.ts';
import type { MailboxLimitsRow } from './mailboxes.ts';

const UNITS: Readonly<Record<string, number>> = { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 };
const SIZE = /^(\d{1,12}) ?(B|KB|MB|GB|TB)?$/i;
const COUNT = /^\d{1,12}$/;
const DAY_MS = 86_400_000;

/** What is left out stays; `default` (null) takes the setting back. */
export interface GivenLimits {
  readonly retentionMs?: number | null;
  readonly warningBytes?: number | null;
  readonly storageBytes?: number | null;
  readonly messages?: number | null;
}

const limitText = (wanted: RegExp, example: string) =>
  z
    .string()
    .max(20, 'at most 20 characters')
    .refine(
      (text) => /^(unlimited|default)$/i.test(text) || (wanted.test(text) && Number.isSafeInteger(bytesOf(text))),
      `${example}, unlimited or default is wanted`,
    );

/** The parameters that Set-Mailbox and Set-MailboxDatabase share. */
export const limitParameters = {
  IssueWarningQuota: limitText(SIZE, 'a size such as 900MB')
    .describe('The size above which clients and administrators are warned: such as 900MB, unlimited, default.')
    .optional(),
  ProhibitSendReceiveQuota: limitText(SIZE, 'a size such as 1GB')
    .describe('The size above which nothing more is taken: such as 1GB, unlimited, default.')
    .optional(),
  MessageLimit: limitText(COUNT, 'a number of messages')
    .describe('How many messages the mailbox may hold: a number, unlimited, default.')
    .optional(),
};

/** Days for which deleted items can be got back. */
export const retentionParameter = z
  .string()
  .regex(/^(\d{1,4}|default)$/i, 'a number of days, or default, is wanted')
  .optional();

export function givenLimits(parameters: {
  readonly IssueWarningQuota?: string | undefined;
  readonly ProhibitSendReceiveQuota?: string | undefined;
  readonly MessageLimit?: string | undefined;
  readonly retentionDays?: string | undefined;
}): GivenLimits {
  const { IssueWarningQuota, ProhibitSendReceiveQuota, MessageLimit, retentionDays } = parameters;
  return {
    ...(IssueWarningQuota === undefined ? {} : { warningBytes: limitOf(IssueWarningQuota) }),
    ...(ProhibitSendReceiveQuota === undefined ? {} : { storageBytes: limitOf(ProhibitSendReceiveQuota) }),
    ...(MessageLimit === undefined ? {} : { messages: limitOf(MessageLimit) }),
    ...(retentionDays === undefined ? {} : { retentionMs: daysOf(retentionDays) }),
  };
}

/** Null where nothing is set. */
export function printSize(sizeBytes: number | null): string | null {
  if (sizeBytes === null) return null;
  if (sizeBytes === UNLIMITED) return 'unlimited';
  const unit = ['TB', 'GB', 'MB', 'KB'].find(
    (each) => sizeBytes >= (UNITS[each] ?? 1) && sizeBytes % (UNITS[each] ?? 1) === 0,
  );
  return unit === undefined ? `${sizeBytes}B` : `${sizeBytes / (UNITS[unit] ?? 1)}${unit}`;
}

function printCount(count: number | null): string | null {
  return count === UNLIMITED ? 'unlimited' : (count?.toString() ?? null);
}

function printDays(durationMs: number | null): number | null {
  return durationMs === null ? null : durationMs / DAY_MS;
}

/** Of a mailbox, and of a storage group's defaults. */
export const limitColumns: readonly Column[] = [
  { name: 'IssueWarningQuota', type: 'text', description: 'The size above which clients are warned.' },
  { name: 'ProhibitSendReceiveQuota', type: 'text', description: 'The size above which nothing more is taken.' },
  { name: 'MessageLimit', type: 'text', description: 'How many messages it may hold.' },
  { name: 'RetainDeletedItemsFor', type: 'number', description: 'Days for which deleted items can be got back.' },
];

export function limitCells(limits: { readonly [K in keyof GivenLimits]-?: number | null } | undefined): Row {
  return {
    IssueWarningQuota: printSize(limits?.warningBytes ?? null),
    ProhibitSendReceiveQuota: printSize(limits?.storageBytes ?? null),
    MessageLimit: printCount(limits?.messages ?? null),
    RetainDeletedItemsFor: printDays(limits?.retentionMs ?? null),
  };
}

/** Exchange's word for where a mailbox stands. */
export function limitStatus(quota: MailboxLimitsRow): string {
  const { usedBytes, usedMessages, storageBytes, warningBytes, messages } = quota;
  if (usedBytes >= storageBytes || usedMessages >= messages) return 'MailboxDisabled';
  return usedBytes >= warningBytes ? 'IssueWarning' : 'BelowLimit';
}

function limitOf(text: string): number | null {
  if (/^default$/i.test(text)) return null;
  return /^unlimited$/i.test(text) ? UNLIMITED : bytesOf(text);
}

function bytesOf(text: string): number {
  const [, count = '', unit = 'B'] = SIZE.exec(text) ?? [];
  return Number(count) * (UNITS[unit.toUpperCase()] ?? 1);
}

function daysOf(text: string): number | null {
  return /^default$/i.test(text) ? null : Number(text) * DAY_MS;
}
