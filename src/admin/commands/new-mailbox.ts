/** New-Mailbox: makes a mailbox in a storage group, through its active copy and its log like any other change. */
import { z } from 'zod';
import { Problem } from '../../base/problem.ts';
import type { RegisterDocument } from '../../cluster/register-document.ts';
import { declareCommand } from '../command.ts';
import { adminLimits } from '../limits.ts';
import { createMailbox, mailboxColumns, mailboxRow } from '../mailboxes.ts';
import { findStorageGroup, type StorageGroup, storageGroupsOf } from '../objects.ts';
import { lineOfText, mailAddress, name } from '../schemas.ts';

export const newMailbox = declareCommand({
  name: 'New-Mailbox',
  synopsis: 'Makes a mailbox.',
  description:
    'Makes a mailbox with its folders INBOX, Drafts, Sent, Trash, Junk and Archive. When the command succeeds, the mailbox is on every copy that the mode of the storage group names. Without a password nobody can log in.',
  parameters: z.strictObject({
    Identity: mailAddress.describe('The mail address; its domain must be an accepted one.'),
    DisplayName: lineOfText(adminLimits.nameCharacters).default('').describe('The name that people see.'),
    Password: z
      .string()
      .min(1, 'it is empty')
      .max(adminLimits.passwordCharacters, `at most ${adminLimits.passwordCharacters} characters`)
      .optional()
      .describe('The password to log in with. Other users of this machine may see it while the command runs.'),
    StorageGroup: name(
      'The storage group, as server\\name or by its name; needed only when there are several.',
    ).optional(),
  }),
  positional: ['Identity'],
  aliases: { Name: 'DisplayName', PrimarySmtpAddress: 'Identity', UserPrincipalName: 'Identity' },
  permission: 'Server Administrator',
  change: { asks: false, describe: ({ Identity: address }) => `Make mailbox ${address}` },
  columns: mailboxColumns,
  table: ['Name', 'PrimarySmtpAddress', 'ServerName', 'StorageGroup'],
  examples: [
    {
      line: "New-Mailbox anna@example.test -DisplayName 'Anna Berg' -Password secret",
      what: 'Makes a mailbox that Anna can log in to at once.',
    },
  ],
  handler: async (context, parameters) => {
    const { Identity: address, DisplayName: displayName, Password: password } = parameters;
    refuseForeignDomain(address, context.acceptedDomains);
    const group = chooseStorageGroup(await context.register(), parameters.StorageGroup);
    const credential = password === undefined ? null : await context.hashPassword(password);
    return [mailboxRow(group, await createMailbox(context, group, { address, displayName, credential }))];
  },
});

/** Mail for it would never be routed here. */
function refuseForeignDomain(address: string, accepted: readonly string[]): void {
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
  if (accepted.some((each) => each.toLowerCase() === domain)) return;
  throw new Problem(
    'DomainNotAccepted',
    `Cannot make mailbox ${address}: ${domain} is not an accepted domain. Accepted: ${accepted.join(', ')}.`,
  );
}

function chooseStorageGroup(document: RegisterDocument, identity: string | undefined): StorageGroup {
  if (identity !== undefined) return findStorageGroup(document, identity);
  const groups = storageGroupsOf(document);
  if (groups.length === 1 && groups[0] !== undefined) return groups[0];
  const names = groups.map((group) => group.identity).join(', ');
  throw new Problem(
    'ParameterInvalid',
    `Cannot make the mailbox: there are several storage groups (${names}). Say which with -StorageGroup.`,
  );
}
