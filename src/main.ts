/**
 * The command line. It chooses one part and loads only that: an administrator's question must not wait for the code of a
 * mail server. Whatever goes wrong ends as one line on stderr and an exit code that is not 0.
 */
import { isProblem } from './base/problem.ts';
import {
  checkRuntime,
  copyArguments,
  dataFolderOption,
  programVersion,
  serviceCommands,
  usage,
} from './main/command-line.ts';
import { errorLine } from './main/error-line.ts';

async function run(words: readonly string[]): Promise<void> {
  checkRuntime(process.versions);
  const [first = '--help', ...rest] = words;
  switch (first) {
    case '--help':
    case '-h':
    case 'help':
      return await printOverview();
    case '--version':
    case '-v':
      return void process.stdout.write(`holdfast ${programVersion()}\n`);
    case 'demo':
      return await (await import('./main/demo/demo.ts')).runDemo(rest);
    case 'form-cluster':
      return await (await import('./main/provision/form.ts')).runFormCluster(rest, printLine);
    case 'init-host':
      return await (await import('./main/provision/init-host.ts')).runInitHost(rest, printLine);
    case 'host':
      return await (await import('./main/host-service.ts')).runHost(dataFolderOption(rest));
    case 'copy':
      return await (await import('./main/copy-process.ts')).runCopy(copyArguments(rest));
    case 'hub':
      return await (await import('./main/hub-process.ts')).runHub(dataFolderOption(rest));
    case 'restore':
      return await (await import('./main/restore/restore.ts')).runRestore(rest, printLine);
    case 'access':
      return await (await import('./main/access-process.ts')).runAccess(dataFolderOption(rest));
    case 'eseutil':
      return await (await import('./main/eseutil.ts')).runEseutil(rest);
    default:
      return await runCommand(words);
  }
}

function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function printOverview(): Promise<void> {
  const [{ overview }, { registry }] = await Promise.all([import('./admin/help.ts'), import('./admin/registry.ts')]);
  process.stdout.write(overview(registry.commands, usage));
}

async function runCommand(words: readonly string[]): Promise<void> {
  const { askOnTerminal, runShell } = await import('./main/shell.ts');
  await runShell(words, {
    out: (text) => process.stdout.write(text),
    error: (text) => process.stderr.write(text),
    ask: process.stdin.isTTY && process.stderr.isTTY ? askOnTerminal : undefined,
  });
}

// A reader that has seen enough (`| head`) closes the pipe; that is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const words = process.argv.slice(2);
try {
  await run(words);
} catch (error) {
  const isService = serviceCommands.includes(words[0] ?? '');
  const hint = isService
    ? 'The log is in the folder log of the data folder.'
    : 'Run it with NODE_DEBUG=holdfast to see where.';
  process.stderr.write(`${errorLine(error, hint)}\n`);
  if (!isProblem(error) && (isService || process.env['NODE_DEBUG'] === 'holdfast')) console.error(error);
  process.exitCode = 1;
}
