/** What the demo prints when it is up: what listens where, how to log in, what to try next. */

import { resolve } from 'node:path';
import type { ClientPorts } from '../../host/config.ts';
import { clusterFiles } from '../cluster-files.ts';
import { DEFAULT_DATA_FOLDER } from '../default-data-folder.ts';
import { PASSWORD, SERVER_NAME } from './specification.ts';

export interface Summary {
  readonly clients: ClientPorts;
  readonly users: readonly string[];
  readonly folder: string;
  readonly hosts: readonly { readonly name: string; readonly address: string; readonly processGroup: number }[];
  readonly activeHost: string;
  readonly passiveHost: string;
}

export function summaryText(summary: Summary): string {
  const rows = [...serviceRows(summary.clients), ...hostRows(summary), ...loginRows(summary), ...nextRows(summary)];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `\n${lines.join('\n')}\n\n`;
}

type TableRow = readonly [string, string, string];

function serviceRows({ address, smtp, lmtp, submission, imap, imaps, api }: ClientPorts): readonly TableRow[] {
  return [
    ['Listens', 'SMTP', `${address}:${smtp}`],
    ['', 'LMTP', `${address}:${lmtp}`],
    ['', 'Submission', `${address}:${submission}`],
    ['', 'IMAP', `${address}:${imap}`],
    ['', 'IMAPS', `${address}:${imaps}`],
    ['', 'API', `http://${address}:${api}`],
  ];
}

function hostRows({ hosts, activeHost }: Summary): readonly TableRow[] {
  return hosts.map((host, index) => [
    index === 0 ? 'Hosts' : '',
    host.name,
    `${host.address}, process group ${host.processGroup}${host.name === activeHost ? ', active' : ''}`,
  ]);
}

function loginRows({ users, folder }: Summary): readonly TableRow[] {
  const last = users.at(-1);
  const names = users.length > 1 ? `${users[0]} … ${last}` : (last ?? 'none');
  return [
    ['Log in', names, `password ${PASSWORD}`],
    ['API token', clusterFiles.token(folder), ''],
  ];
}

/** As they can be pasted, with --data only where the shell would not find the folder by itself. */
function nextRows({ folder, hosts, activeHost, passiveHost }: Summary): readonly TableRow[] {
  const data = dataOption(folder);
  const group = hosts.find((host) => host.name === activeHost)?.processGroup ?? 0;
  return [
    ['Try next', 'see replication', `bin/holdfast Get-StorageGroupCopyStatus${data}`],
    [
      '',
      'move the server',
      `bin/holdfast Move-ClusteredMailboxServer ${SERVER_NAME} -TargetMachine ${passiveHost} -MoveComment try${data}`,
    ],
    ['', 'kill the active', `kill -9 -- -${group}; bin/holdfast Get-ClusteredMailboxServerStatus${data}`],
  ];
}

export function dataOption(folder: string): string {
  return folder === resolve(DEFAULT_DATA_FOLDER) ? '' : ` --data ${shellWord(folder)}`;
}

/** Quoted for a Unix shell where it needs it. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
