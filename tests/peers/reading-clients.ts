/**
 * Four mail programs that other people wrote, each reading whole mailboxes over IMAP with TLS, the cluster's authority
 * being the only one that they trust. curl and imapflow hand over the bytes as they came; mbsync and mutt keep them as
 * they keep mail: in a Maildir with LF, and with fields of their own.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImapFlow } from 'imapflow';
import type { Demo } from '../support/demo.ts';
import { type RunOptions, runProgram } from '../support/program.ts';
import type { Account } from '../support/read-mail.ts';
import type { Habits } from './compare-mail.ts';

export interface ReadingClient {
  readonly name: string;
  /** Programs that it needs; none for a library. */
  readonly programs: readonly string[];
  readonly habits: Habits;
  /** How many of the demo's mailboxes it reads. */
  readonly mailboxes: number;
  readonly read: (demo: Demo, account: Account) => Promise<readonly Buffer[]>;
}

const AS_SENT: Habits = { storesLf: false, ownFields: [] };
const CLIENT_TIMEOUT_MS = 120_000;
/** By name, because mutt checks it against the certificate. */
const SERVER_NAME = 'localhost';

export const readingClients: readonly ReadingClient[] = [
  { name: 'imapflow', programs: [], habits: AS_SENT, mailboxes: Number.POSITIVE_INFINITY, read: readWithImapflow },
  { name: 'curl', programs: ['curl'], habits: AS_SENT, mailboxes: 2, read: readWithCurl },
  {
    name: 'mbsync',
    programs: ['mbsync'],
    // X-TUID: by which it finds a message again whose copying was interrupted.
    habits: { storesLf: true, ownFields: ['x-tuid'] },
    mailboxes: 2,
    read: readWithMbsync,
  },
  {
    name: 'mutt',
    programs: ['mutt', 'script'],
    // What it writes of every message that it copies, in place of what may have been there.
    habits: { storesLf: true, ownFields: ['content-length', 'lines', 'status', 'x-status'] },
    mailboxes: 1,
    read: readWithMutt,
  },
];

/** PEM file of the authority that issued the server's certificate. */
export function authorityOf(demo: Demo): string {
  return join(demo.folder, 'ca', 'ca.pem');
}

async function readWithImapflow(demo: Demo, { address, password }: Account): Promise<readonly Buffer[]> {
  const client = new ImapFlow({
    host: SERVER_NAME,
    port: demo.description.ports.imaps,
    secure: true,
    auth: { user: address, pass: password },
    tls: { ca: [readFileSync(authorityOf(demo))] },
    logger: false,
  });
  await client.connect();
  const messages: Buffer[] = [];
  const lock = await client.getMailboxLock('INBOX');
  try {
    for await (const { source } of client.fetch('1:*', { source: true }))
      if (source !== undefined) messages.push(source);
  } finally {
    lock.release();
  }
  await client.logout();
  return messages;
}

async function readWithCurl(demo: Demo, account: Account): Promise<readonly Buffer[]> {
  const url = `imaps://${SERVER_NAME}:${demo.description.ports.imaps}`;
  const common = ['--silent', '--show-error', '--fail', '--cacert', authorityOf(demo)];
  common.push('--user', `${account.address}:${account.password}`);
  const status = await run('curl', [...common, '--request', 'STATUS INBOX (MESSAGES)', `${url}/`]);
  const count = Number(/MESSAGES (\d+)/.exec(status)?.[1] ?? 0);
  return await inFolder(async (folder) => {
    await run('curl', [...common, '--output', join(folder, '#1'), `${url}/INBOX;MAILINDEX=[1-${count}]`]);
    return readdirSync(folder).map((name) => readFileSync(join(folder, name)));
  });
}

async function readWithMbsync(demo: Demo, account: Account): Promise<readonly Buffer[]> {
  return await inFolder(async (folder) => {
    const config = [
      'IMAPAccount demo',
      `Host ${SERVER_NAME}`,
      `Port ${demo.description.ports.imaps}`,
      `User ${account.address}`,
      `Pass ${account.password}`,
      'SSLType IMAPS',
      `CertificateFile ${authorityOf(demo)}`,
      '',
      'IMAPStore there',
      'Account demo',
      '',
      'MaildirStore here',
      `Path ${folder}/`,
      `Inbox ${folder}/INBOX`,
      '',
      'Channel all',
      'Far :there:',
      'Near :here:',
      'Patterns INBOX',
      'Create Near',
      'Sync Pull',
      'SyncState *',
    ];
    writeFileSync(join(folder, 'mbsyncrc'), `${config.join('\n')}\n`);
    await run('mbsync', ['--config', join(folder, 'mbsyncrc'), '--all']);
    return readMaildir(join(folder, 'INBOX'));
  });
}

/** mutt has no batch mode: `script` lends it a terminal, and the keys are pushed into it. */
async function readWithMutt(demo: Demo, account: Account): Promise<readonly Buffer[]> {
  return await inFolder(async (folder) => {
    const inbox = `imaps://${SERVER_NAME}:${demo.description.ports.imaps}/INBOX`;
    const copy = join(folder, 'copy');
    const keys = `<tag-pattern>~A<enter><tag-prefix><copy-message><kill-line>${copy}<enter><exit>`;
    const config = [
      `set imap_user="${account.address}" imap_pass="${account.password}"`,
      `set ssl_ca_certificates_file="${authorityOf(demo)}" certificate_file="${folder}/certificates"`,
      'set mbox_type=Maildir confirmappend=no confirmcreate=no delete=no quit=yes wait_key=no sleep_time=0',
      'unset mark_old',
      `set folder="${folder}"`, // one that is there: mutt asks before it makes one, and takes the keys for the answer
      `push "${keys}"`,
    ];
    writeFileSync(join(folder, 'muttrc'), `${config.join('\n')}\n`);
    const command = `mutt -n -F ${join(folder, 'muttrc')} -f ${inbox}`;
    const options = { env: { HOME: folder, TERM: 'xterm' } };
    await run('script', ['--quiet', '--return', '--command', command, '/dev/null'], options);
    return readMaildir(copy);
  });
}

function readMaildir(folder: string): readonly Buffer[] {
  return ['new', 'cur'].flatMap((part) =>
    readdirSync(join(folder, part)).map((name) => readFileSync(join(folder, part, name))),
  );
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-client-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await runProgram(command, args, { ...options, withinMs: CLIENT_TIMEOUT_MS });
  if (code !== 0)
    throw new Error(`${command} ended with exit code ${code}: ${stderr}${stdout.toString('utf8').slice(-500)}`);
  return stdout.toString('utf8');
}
