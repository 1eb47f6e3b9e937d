/**
 * `holdfast restore`: backups become a copy's folder again, or one mailbox a Maildir. It works on files only and needs
 * no cluster: the day that it is needed there may be none. A copy is restored into place by naming its own folder while
 * its host is stopped; the other copies are then seeded from it.
 */
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf, Problem } from '../../base/problem.ts';
import { machineClock } from '../../host/machine.ts';
import { formatLsn } from '../../log/lsn.ts';
import { folderOfBackups } from '../backup-folder.ts';
import { assembleCopy, freshFolder } from './assemble-copy.ts';
import { exportMailbox } from './export-mailbox.ts';
import { parseRestorePoint } from './restore-point.ts';

interface RestoreArguments {
  readonly from: string;
  readonly to: string;
  readonly until: string | undefined;
  readonly mailbox: string | undefined;
}

export async function runRestore(words: readonly string[], print: (line: string) => void): Promise<void> {
  const { to, until, mailbox, ...given } = restoreArguments(words);
  const from = await folderOfBackups(resolve(given.from), machineClock);
  const point = until === undefined ? undefined : parseRestorePoint(until);
  const target = mailbox === undefined ? undefined : freshFolder(to);
  const copyFolder = target === undefined ? to : `${target.temporary}.copy`;
  if (target !== undefined) rmSync(copyFolder, { recursive: true, force: true });
  try {
    const copy = await assembleCopy({ from, to: copyFolder, until: point, onProgress: print });
    const sources = copy.backups.join(' + ');
    print(`${copy.storageGroup} as of ${formatLsn(copy.lsn)}, from ${sources}; digest ${copy.digest.slice(0, 16)}`);
    if (target === undefined || mailbox === undefined) {
      print(`restored to ${to}`);
      return;
    }
    const exported = exportMailbox(copyFolder, copy.signature, mailbox, target.temporary);
    target.finish();
    print(`restored ${mailbox} to ${to}: ${exported.messages} messages in ${exported.folders} folders, as Maildir`);
    if (exported.keywordsLost > 0) {
      print(`${exported.keywordsLost} messages have keywords that Maildir has no letter for; those are not restored`);
    }
  } finally {
    if (target !== undefined) {
      rmSync(copyFolder, { recursive: true, force: true });
      rmSync(target.temporary, { recursive: true, force: true });
    }
  }
}

/** Problem('ArgumentInvalid') */
function restoreArguments(words: readonly string[]): RestoreArguments {
  const usage = 'Usage: --from DIR --to DIR [--until TIME|LSN] [--mailbox ADDRESS].';
  try {
    const option = { type: 'string' } as const;
    const options = { from: option, to: option, until: option, mailbox: option };
    const { from = '', to = '', until, mailbox } = parseArgs({ args: [...words], options, strict: true }).values;
    if (from !== '' && to !== '') return { from, to, until, mailbox };
  } catch (error) {
    throw new Problem('ArgumentInvalid', `Cannot restore: ${messageOf(error).split(/\.\s/)[0]}. ${usage}`, {
      cause: error,
    });
  }
  throw new Problem('ArgumentInvalid', `Cannot restore: --from and --to are needed. ${usage}`);
}
