/** What `bin/holdfast` understands besides the commands of the shell. Each part is loaded only when it is asked for. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { messageOf, Problem } from '../base/problem.ts';

const NODE_FLOOR = '24.21.0';
/** Older ones can corrupt a WAL database that two connections use. */
const SQLITE_FLOOR = '3.51.3';

/** What writes a log of its own. */
export const serviceCommands: readonly string[] = ['demo', 'host', 'copy', 'hub', 'access'];
export const subCommands: readonly string[] = [...serviceCommands, 'restore', 'form-cluster', 'init-host'];

export const usage: readonly string[] = [
  'holdfast demo [--data DIR] [--port BASE] [--users N] [--mode sync|sync-strict|async] [--fresh] [--mail]',
  'holdfast demo start-host NAME [--data DIR]',
  'holdfast form-cluster --plan FILE --to DIR    makes a cluster for several machines',
  'holdfast init-host NAME --from DIR --authority DIR --to DIR [--address ADDRESS] [--network NETWORK=ADDRESS …]',
  'holdfast host --data DIR                  the service of one host',
  'holdfast eseutil /mh|/ml|/ms|/k|/g|/r|/p|/d PATH   dumps, checks and repairs the files of a copy',
  'holdfast restore --from DIR --to DIR [--until TIME|LSN] [--mailbox ADDRESS]',
  'holdfast <Cmdlet> [-Parameter value …] [-Format Table|List|Json] [--data DIR]',
  'holdfast --help | --version',
];

/** Problem('RuntimeTooOld') */
export function checkRuntime(versions: Readonly<Record<string, string | undefined>>): void {
  const { node = '0', sqlite = '0' } = versions;
  if (isAtLeast(node, NODE_FLOOR) && isAtLeast(sqlite, SQLITE_FLOOR)) return;
  throw new Problem(
    'RuntimeTooOld',
    `Cannot run on Node ${node} with SQLite ${sqlite}: Holdfast needs Node ${NODE_FLOOR} with SQLite ${SQLITE_FLOOR}, or newer. Run "npm ci", which brings one, and start it as bin/holdfast.`,
  );
}

export function isAtLeast(version: string, floor: string): boolean {
  const have = version.split('.').map((part) => Number.parseInt(part, 10));
  for (const [index, least] of floor.split('.').map(Number).entries()) {
    const part = have[index] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}

export function programVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(text) as { version?: unknown }).version);
}

/** What a host's service hands over to the process of a copy. Problem('ArgumentInvalid') for everybody else's words. */
export function copyArguments<T>(words: readonly string[]): T {
  try {
    if (words.length === 1 && words[0]?.startsWith('{')) return JSON.parse(words[0]) as T;
  } catch (error) {
    throw new Problem(
      'ArgumentInvalid',
      `Cannot start a copy: ${messageOf(error)}. Only the service of its host starts it.`,
      { cause: error },
    );
  }
  throw new Problem(
    'ArgumentInvalid',
    'Cannot start a copy: only the service of its host starts it. Use "holdfast host --data DIR".',
  );
}

/** The one option of the processes of a host. Problem('ArgumentInvalid') */
export function dataFolderOption(words: readonly string[]): string {
  try {
    const { values } = parseArgs({ args: [...words], options: { data: { type: 'string' } }, strict: true });
    if (values.data !== undefined && values.data !== '') return values.data;
  } catch (error) {
    throw new Problem('ArgumentInvalid', `Cannot start: ${messageOf(error).split(/\.\s/)[0]}. Usage: --data DIR.`, {
      cause: error,
    });
  }
  throw new Problem('ArgumentInvalid', 'Cannot start: --data DIR is missing; it names the data folder of the host.');
}
