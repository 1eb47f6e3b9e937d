/**
 * `holdfast eseutil`: the files of a copy, dumped, checked, recovered, repaired, defragmented. The words are those of the
 * tool that administrators know. Results go to standard output, progress to standard error; the exit code is 0 only
 * when the work was done and nothing damaged was found. Each of them may be killed at any moment.
 */
import { escapeControl } from '../admin/format.ts';
import { isProblem, Problem } from '../base/problem.ts';
import { describeFinding, type Finding } from '../store/maintenance/finding.ts';
import { errorLine } from './error-line.ts';
import { checkIntegrity, verify } from './eseutil/checks.ts';
import { dumpHeader, dumpLog, dumpSpace, type Print } from './eseutil/dumps.ts';
import { defragmentCopy, repairCopy, softRecovery } from './eseutil/offline.ts';
import { Progress } from './eseutil/progress.ts';

const usage = `holdfast eseutil MODE PATH

  /mh PATH   header of the database: state, position, which log files it needs
  /ml PATH   a log folder (every file, and whether the sequence is whole), or one log file
  /ms PATH   space: tables, packs, log
  /k PATH    checksums of a copy's log, packs and database, or of one part; also while the copy is in use
  /g PATH    integrity of the database: pages, trees, indexes, and whether the rows agree; also while it is in use
  /r PATH    soft recovery: replays the log into the database ( /a: also records that may have been answered to nobody)
  /p PATH    repair: keeps every readable message and lists what it could not keep
  /d PATH    defragmentation of packs and database into new files

PATH is the folder of a copy (DIR/HOST/copies/STORAGE GROUP) or a part of it. /r, /p and /d need the host to be stopped.
`;

interface Out {
  readonly print: Print;
  readonly progress: Progress;
}

const modes: Readonly<Record<string, (path: string, out: Out, all: boolean) => Promise<readonly Finding[]>>> = {
  mh: (path, { print }) => dumpHeader(path, print),
  ml: (path, { print, progress }) => dumpLog(path, print, progress),
  ms: (path, { print }) => dumpSpace(path, print),
  k: (path, { print, progress }) => verify(path, print, progress),
  g: (path, { print, progress }) => checkIntegrity(path, print, progress),
  r: (path, out, all) => softRecovery(path, { all }, out),
  p: (path, out) => repairCopy(path, out),
  d: (path, out) => defragmentCopy(path, out),
};

/** Sets the exit code. Problem('ArgumentInvalid') */
export async function runEseutil(words: readonly string[]): Promise<void> {
  if (words.length === 0 || words.includes('--help') || words.includes('/?')) {
    process.stdout.write(usage);
    return;
  }
  const { mode, path, all } = parse(words);
  const print: Print = (line) => process.stdout.write(`${escapeControl(line)}\n`);
  const progress = new Progress((text) => process.stderr.write(text));
  try {
    const findings = (await modes[mode]?.(path, { print, progress }, all)) ?? [];
    for (const finding of findings) print(`damaged: ${describeFinding(finding)}`);
    const seconds = progress.elapsedSeconds.toFixed(1);
    if (findings.length === 0) return print(`Operation completed successfully in ${seconds} seconds.`);
    print(`Operation terminated with error DamageFound (${findings.length} damaged ranges) after ${seconds} seconds.`);
  } catch (error) {
    const code = isProblem(error) ? error.code : 'Failed';
    const text = errorLine(error, 'Run it with NODE_DEBUG=holdfast to see where.');
    if (!isProblem(error) && process.env['NODE_DEBUG'] === 'holdfast') console.error(error);
    print(`Operation terminated with error ${code} (${text}) after ${progress.elapsedSeconds.toFixed(1)} seconds.`);
  }
  process.exitCode = 1;
}

function parse(words: readonly string[]): { mode: string; path: string; all: boolean } {
  const isSwitch = (word: string): boolean => /^[/-][a-z]{1,2}$/i.test(word);
  const switches = words.filter(isSwitch).map((word) => word.slice(1).toLowerCase());
  const paths = words.filter((word) => !isSwitch(word));
  const chosen = switches.filter((word) => Object.hasOwn(modes, word));
  const rest = switches.filter((word) => !Object.hasOwn(modes, word));
  const [mode] = chosen;
  const [path] = paths;
  const all = rest.includes('a');
  if (mode === undefined || chosen.length > 1)
    throw invalid(
      `one of ${Object.keys(modes)
        .map((word) => `/${word}`)
        .join(' ')} is wanted`,
    );
  if (rest.some((word) => word !== 'a') || (all && mode !== 'r'))
    throw invalid(`/${rest.join(' /')} does not go with /${mode}`);
  if (path === undefined || paths.length > 1) throw invalid('one PATH is wanted');
  return { mode, path, all };
}

function invalid(reason: string): Problem {
  return new Problem('ArgumentInvalid', `Cannot run eseutil: ${reason}. "holdfast eseutil --help" explains it.`);
}
