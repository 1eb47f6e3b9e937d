/**
 * From a fresh machine to a running program: whatever is missing is installed, then the real script runs on the Node
 * that the project brings along. This file is plain JavaScript, because the Node that starts it may be as old as 20 and
 * can read no TypeScript.
 *
 *   node scripts/bootstrap.mjs scripts/ok.ts --option   everything, then that script
 *   node scripts/bootstrap.mjs --production             only what serving needs; runs nothing
 *
 * The binary of the package `node` comes by its install script. Where npm was told to run none, the package is there
 * and the binary is not, and npm would fall back to the old Node without a word: hence the check of what really runs.
 */
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const binaries = join(root, 'node_modules', '.bin');
const state = join(root, 'node_modules', '.cache', 'holdfast');
const ready = join(state, 'ready');

const nodeFloor = '24.21.0';
/** Older ones can corrupt a WAL database that two connections use. */
const sqliteFloor = '3.51.3';

/** An end that needs one line and no stack. */
class Impossible extends Error {}

/**
 * Whether a dotted version is `floor` or newer.
 * @param {string} version
 * @param {string} floor
 */
export function atLeast(version, floor) {
  const have = version.split('.').map((part) => Number.parseInt(part, 10));
  const need = floor.split('.').map((part) => Number.parseInt(part, 10));
  for (const [index, least] of need.entries()) {
    const part = have[index] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}

/**
 * The packages that the lockfile names and the installed tree lacks or has in another version. Optional ones are left
 * out: which of them are there depends on the machine.
 * @typedef {{ packages?: Record<string, { version?: string, dev?: boolean, optional?: boolean, devOptional?: boolean, link?: boolean }> }} Lock
 * @param {Lock} lock
 * @param {Lock} installed
 * @param {{ production: boolean }} options
 */
export function outOfStep(lock, installed, { production }) {
  const missing = [];
  for (const [path, wanted] of Object.entries(lock.packages ?? {})) {
    const unneeded = path === '' || wanted.link || wanted.optional || wanted.devOptional || (production && wanted.dev);
    if (!unneeded && installed.packages?.[path]?.version !== wanted.version) missing.push(path);
  }
  return missing;
}

/** @param {string} path @returns {Lock | undefined} */
function readLock(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

/** @param {string[]} args @param {boolean} shown whether npm may write to the terminal */
function npm(args, shown) {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== binaries);
  const child = spawnSync('npm', [...args, '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    // npm removes the very folder from which an `npm run` may have taken its Node.
    env: { ...process.env, PATH: path.join(delimiter) },
    encoding: 'utf8',
    stdio: ['ignore', shown ? 2 : 'pipe', shown ? 2 : 'pipe'],
  });
  if (child.error) throw new Impossible(`Cannot run npm: ${child.error.message}. Install npm, then try again.`);
  return { ok: child.status === 0, output: `${child.stdout ?? ''}${child.stderr ?? ''}` };
}

/**
 * A lockfile that was written where the registry lacks the optional packages of other platforms does not list them,
 * and `npm ci` refuses such a file (EUSAGE). `npm install --no-save` takes the same exact versions from it and writes
 * nothing back; that it did is checked afterwards in both cases.
 * @param {{ production: boolean }} options
 */
function installPackages(options) {
  const lock = readLock(join(root, 'package-lock.json'));
  if (!lock)
    throw new Impossible('Cannot install packages: package-lock.json is missing. Take it from the repository.');
  const installed = () => readLock(join(root, 'node_modules', '.package-lock.json')) ?? {};
  if (outOfStep(lock, installed(), options).length === 0) return;
  console.error('Installing packages (npm ci); this happens once.');
  const clean = npm(['ci'], false);
  if (!clean.ok && !clean.output.includes('code EUSAGE')) {
    throw new Impossible(`${clean.output}\nCannot install packages: npm ci failed, its reason stands above.`);
  }
  if (!clean.ok && !npm(['install', '--no-save'], true).ok) {
    throw new Impossible('Cannot install packages: npm install failed, its reason stands above.');
  }
  const wrong = outOfStep(lock, installed(), { production: false });
  if (wrong.length > 0) {
    throw new Impossible(`Cannot install packages: ${wrong.slice(0, 3).join(', ')} differ from package-lock.json.`);
  }
}

/** Whether this is a Debian on which programs may be installed. */
export function canUseApt() {
  return existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get') && process.getuid?.() === 0;
}

/** @param {string[]} packages */
export function aptInstall(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  console.error(`Installing ${packages.join(', ')} (apt-get).`);
  const quiet = ['-qq', '-o', 'Dpkg::Use-Pty=0'];
  const steps = [
    ['apt-get', ...quiet, 'update'],
    ['apt-get', ...quiet, 'install', '-y', '--no-install-recommends', ...packages],
  ];
  return steps.every(([command = '', ...args]) => {
    return spawnSync(command, args, { env, stdio: ['ignore', 'ignore', 2], timeout: 300_000 }).status === 0;
  });
}

/** @param {string} binary @returns {{ node: string, sqlite: string } | { failure: string }} */
function versionsOf(binary) {
  const program = 'console.log(process.versions.node, process.versions.sqlite ?? "0")';
  const child = spawnSync(binary, ['-e', program], { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } });
  if (child.status !== 0) return { failure: child.error?.message ?? child.stderr.trim() };
  const [node = '0', sqlite = '0'] = child.stdout.trim().split(' ');
  return { node, sqlite };
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The versions of `binary`, after the one library that slim systems lack has been brought. @param {string} binary */
function startedVersions(binary) {
  const versions = versionsOf(binary);
  if (!('failure' in versions)) return versions;
  if (!versions.failure.includes('libatomic.so.1')) {
    throw new Impossible(
      `Cannot start ${binary}: ${versions.failure.split('\n')[0]}. Remove node_modules and try again.`,
    );
  }
  const again = canUseApt() && aptInstall(['libatomic1']) ? versionsOf(binary) : versions;
  if (!('failure' in again)) return again;
  throw new Impossible(
    'Cannot start Node: the library libatomic.so.1 is missing. Install the package libatomic1 (Fedora: libatomic), then try again.',
  );
}

/** The Node to use: the one that the project brings, or, in its absence, the one that runs this if it is new enough. */
function findRuntime() {
  const own = join(binaries, 'node');
  const usesOwn = isExecutable(own);
  const { node, sqlite } = usesOwn
    ? startedVersions(own)
    : { node: process.versions.node, sqlite: process.versions['sqlite'] ?? '0' };
  if (atLeast(node, nodeFloor) && atLeast(sqlite, sqliteFloor)) return usesOwn ? own : process.execPath;
  const cause = usesOwn
    ? ''
    : ' The package "node" has no binary: npm ran with ignore-scripts or omit=dev. Run "npm ci --include=dev --ignore-scripts=false" or';
  throw new Impossible(
    `Cannot use Node ${node} with SQLite ${sqlite}: Holdfast needs Node ${nodeFloor} with SQLite ${sqliteFloor}, or newer.${cause || ' Run "npm ci" or'} install such a Node.`,
  );
}

/** Installs and checks what is missing; returns the Node to run with. @param {{ production: boolean }} options */
function prepare(options) {
  installPackages(options);
  const own = join(binaries, 'node');
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  if (existsSync(ready) && isExecutable(own) && readFileSync(ready, 'utf8') === lock) return own;
  const runtime = findRuntime();
  try {
    mkdirSync(state, { recursive: true });
    writeFileSync(ready, lock);
  } catch (error) {
    // An installation that this user may only read works as well; the check is then made at every start.
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'EACCES' && code !== 'EROFS' && code !== 'EPERM') throw error;
  }
  return runtime;
}

/**
 * Becomes, as far as Node can, the program that it starts: same signals, same exit code.
 * @param {string} runtime
 * @param {string[]} args
 */
function become(runtime, args) {
  const env = {
    ...process.env,
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(state, 'compiled'),
    PATH: `${binaries}${delimiter}${process.env['PATH'] ?? ''}`,
  };
  const child = spawn(runtime, args, { cwd: root, env, stdio: 'inherit' });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'])) {
    process.on(signal, () => child.kill(signal));
  }
  child.on('error', (error) => {
    console.error(`Cannot start ${runtime}: ${error.message}.`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    process.exit(signal === null ? (code ?? 1) : 128 + osConstants.signals[signal]);
  });
}

/** @param {string[]} args */
function main(args) {
  const production = args[0] === '--production';
  try {
    const runtime = prepare({ production });
    if (!production && args.length > 0) become(runtime, args);
  } catch (error) {
    if (!(error instanceof Impossible)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
