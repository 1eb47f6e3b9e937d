/**
 * Get-LossReport: the last takeover of each storage group that may have lost records, as the register keeps it. What a
 * copy lacks can be counted in closed log files only; the records of the open one were published nowhere, so "no log
 * file" does not mean "nothing".
 */
import { z } from 'zod';
import type { LossyTakeOver } from '../../cluster/register-document.ts';
import { formatLsn } from '../../log/lsn.ts';
import { type ClusterFacts, gatherFacts, reportOf } from '../cluster-facts.ts';
import { declareCommand, type Row } from '../command.ts';
import { describeMissing } from '../loss.ts';
import { type StorageGroup, selectStorageGroups } from '../objects.ts';
import { storageGroupIdentity } from '../schemas.ts';

const causes: Readonly<Record<LossyTakeOver['cause'], string>> = {
  dial: 'by itself, within AutoDatabaseMountDial',
  'forced-after': 'by itself, after the hours of ForcedDatabaseMountAfter',
  administrator: "by an administrator's word (Restore-StorageGroupCopy)",
};

export const getLossReport = declareCommand({
  name: 'Get-LossReport',
  synopsis: 'Shows what the last takeovers may have lost.',
  description:
    'Shows for each storage group the last takeover by a copy that did not certainly hold everything acknowledged: from whom to whom, why it was allowed, and what is missing as far as it can be counted. A takeover that lost nothing does not take it off the record, the next one that may have lost something replaces it. What is missing is on the disk of the host it was taken from; when that is back, Get-QuarantinedChange lists it record by record.',
  parameters: z.strictObject({ Identity: storageGroupIdentity.optional() }),
  positional: ['Identity'],
  permission: 'View-Only Administrator',
  columns: [
    { name: 'Identity', type: 'text', description: 'server\\name' },
    { name: 'Report', type: 'text', description: 'All of it in one sentence.' },
    { name: 'Epoch', type: 'number', description: 'The epoch that began with it; empty when there was none.' },
    { name: 'From', type: 'text', description: 'The host that owned it before; empty when it had been given up.' },
    { name: 'To', type: 'text', description: 'The host that took it over.' },
    { name: 'Cause', type: 'text', description: 'dial, forced-after or administrator.' },
    { name: 'MissingLogFiles', type: 'number', description: 'Closed log files that are missing.' },
    { name: 'LastKeptLog', type: 'number', description: 'Generation of the last log file that was kept.' },
    { name: 'LastKeptRecord', type: 'text', description: 'The last record that was kept, as epoch:number.' },
    { name: 'LastPromisedLog', type: 'number', description: 'Generation of the log file of the last known record.' },
    { name: 'LastPromisedRecord', type: 'text', description: 'The last record that was known to be acknowledged.' },
    {
      name: 'QuarantinedMessages',
      type: 'number',
      description: 'Messages in the quarantines of the copies that answer, of this takeover and earlier ones.',
    },
    {
      name: 'QuarantinedChanges',
      type: 'number',
      description: 'Other changes there. Get-QuarantinedChange lists both.',
    },
  ],
  table: ['Identity', 'Report'],
  defaultFormat: 'List',
  examples: [{ line: 'Get-LossReport', what: 'Shows what may have been lost, for every storage group.' }],
  handler: async (context, { Identity: identity }) => {
    const facts = await gatherFacts(context);
    return selectStorageGroups(facts.document, { identity, server: undefined }).map((group) => rowOf(facts, group));
  },
});

function rowOf(facts: ClusterFacts, { identity, name, record }: StorageGroup): Row {
  const quarantines = record.copies.map((host) => reportOf(facts, name, host)?.upkeep?.quarantine);
  const { lossy } = record;
  return {
    Identity: identity,
    Report: lossy === undefined ? 'No takeover that may have lost anything is on record' : sentence(lossy),
    Epoch: lossy?.epoch ?? null,
    From: lossy?.from ?? null,
    To: lossy?.to ?? null,
    Cause: lossy?.cause ?? null,
    MissingLogFiles: lossy?.missingGenerations ?? null,
    LastKeptLog: lossy?.lastKept.generation ?? null,
    LastKeptRecord: lossy === undefined ? null : formatLsn(lossy.lastKept.lsn),
    LastPromisedLog: lossy?.hint.generation ?? null,
    LastPromisedRecord: lossy === undefined ? null : formatLsn(lossy.hint.lsn),
    QuarantinedMessages: quarantines.reduce((sum, found) => sum + (found?.messages ?? 0), 0),
    QuarantinedChanges: quarantines.reduce((sum, found) => sum + (found?.changes ?? 0), 0),
  };
}

function sentence(lossy: LossyTakeOver): string {
  const from = lossy.from === null || lossy.from === lossy.to ? '' : ` from ${lossy.from}`;
  return `${lossy.to} took it over${from} in epoch ${lossy.epoch}, ${causes[lossy.cause]}: ${describeMissing(lossy)}`;
}
