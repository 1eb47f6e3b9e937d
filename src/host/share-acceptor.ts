/**
 * A vote on a file share: a directory that several hosts reach (NFS, SMB, or local), and no process behind it. A quorum disk
 * is the same thing alone: two hosts write it at once, and the link, unlike a lock, is never left behind by a host that died
 * holding it, nor believed in by one that was paused until it had expired. The
 * state lies in numbered files, and the highest number counts. A change is one exclusive link:
 *
 *   tmp-00000042-9f3c...   written and synced by whoever wants to make version 42
 *      | link()            fails if state-00000042 exists: the compare-and-set; atomic on every share worth the name
 *   state-00000042         complete from the moment it can be seen, so a half-made file is never believed
 *
 * Old versions are removed, but not the newest few. That opens the one trap of this scheme: a writer that read
 * version 5 and was then paused while the others went on to 40 could find number 6 free again and take it. So whoever made a link
 * looks once more, and if there is any higher number, its change counts as failed: the newest file is never
 * removed, so a link in the past always sees it. (A change that was right but was overtaken within that moment also reads
 * as failed. "May have happened" is an answer that a register can live with; a broken promise is not.)
 *
 * A client's cache of the directory makes it slow, not wrong: its link meets the newer file. Mount NFS with lookupcache=none or
 * a short actimeo all the same, so that watching is prompt.
 */
import { randomBytes } from 'node:crypto';
import { link, open, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '../base/problem.ts';
import { type AcceptorReply, type AcceptorRequest, AskedAcceptor } from '../cluster/acceptor.ts';
import { decodeAcceptorState, encodeAcceptorState } from '../cluster/acceptor-codec.ts';
import { type AcceptorState, stepAcceptor } from '../cluster/acceptor-state.ts';
import { inOurWords } from './disk-problem.ts';
import { type AcceptorFolder, isMissing } from './file-acceptor.ts';
import { syncFolderOnPool } from './folders.ts';
import { OneAtATime } from './one-at-a-time.ts';

const MAX_WAITING_REQUESTS = 32;
/** Lost races in a row before a request is given back. The register pauses at random and tries again. */
const MAX_ATTEMPTS = 16;
/**
 * Newest versions that stay. Two would do if listing a directory were atomic; a few more keep the newest in sight of
 * a listing during which files come and go, and the whole still fits into one reply of a file server.
 */
const KEPT_VERSIONS = 8;
const VERSION_DIGITS = 12;
const RANDOM_BYTES = 8;

const statePattern = /^state-(\d{12})$/;
const temporaryPattern = /^tmp-(\d{12})-[0-9a-f]{16}$/;

export type AtStep = (step: 'write' | 'link') => Promise<void>;

interface Found {
  /** 0 when there is none. */
  readonly version: number;
  readonly state: AcceptorState | undefined;
}

export class ShareAcceptor extends AskedAcceptor {
  readonly #folder: string;
  readonly #turns: OneAtATime;

  readonly #atStep: AtStep;

  /** `atStep` is told before each step, so that a test can stop a writer exactly there. */
  constructor(options: AcceptorFolder, atStep: AtStep = async () => undefined) {
    super(options.name, options.identity);
    this.#folder = options.folder;
    this.#atStep = atStep;
    this.#turns = new OneAtATime(options.folder, MAX_WAITING_REQUESTS);
  }

  /** Problem('AcceptorUnreachable') when the directory is not there, Problem('AcceptorRace') when others were faster. */
  ask(request: AcceptorRequest): Promise<AcceptorReply> {
    return this.#turns.run(() => this.#ask(request)).catch(inOurWords(`use the vote on the share ${this.#folder}`));
  }

  async #ask(request: AcceptorRequest): Promise<AcceptorReply> {
    if (request.kind === 'initialise' || request.kind === 'invite') await this.#mustLinkExclusively();
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const found = await this.#newest();
      if (found === undefined) continue;
      const step = stepAcceptor(found.state, request);
      if (step.state === undefined || step.state === found.state) return step.reply;
      if (await this.#publish(found.version + 1, encodeAcceptorState(step.state))) return step.reply;
    }
    throw this.#raced();
  }

  /** A share that cannot, or that links over what is there, would let two hosts make one version. Tried before it first votes. */
  async #mustLinkExclusively(): Promise<void> {
    await this.#list();
    const name = this.#path(`tmp-${digits(0)}-${randomBytes(RANDOM_BYTES).toString('hex')}`);
    const paths = [name, `${name}-first`, `${name}-second`] as const;
    const [target, first, second] = paths;
    try {
      for (const path of [first, second]) await writeSynced(path, Buffer.from(path));
      const made = [await canLink(first, target), await canLink(second, target)];
      const isFirst = made[0] === true && (await readFile(target, 'utf8')) === first;
      if (!isFirst || made[1] === true) throw notExclusive(this.#folder);
    } finally {
      for (const path of paths) await removeIfThere(path);
    }
  }

  /** undefined: removed while we looked; others have gone on. */
  async #newest(): Promise<Found | undefined> {
    const version = newestVersion(await this.#list());
    if (version === 0) return { version, state: undefined };
    try {
      return { version, state: decodeAcceptorState(await readFile(this.#path(stateName(version)))) };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** False when somebody else made this version first. */
  async #publish(version: number, bytes: Buffer): Promise<boolean> {
    const temporary = this.#path(`tmp-${digits(version)}-${randomBytes(RANDOM_BYTES).toString('hex')}`);
    await this.#atStep('write');
    try {
      await writeSynced(temporary, bytes);
      await this.#atStep('link');
      const isOurs = await linkExclusively(temporary, this.#path(stateName(version)));
      if (isOurs === undefined) throw this.#raced();
      if (!isOurs) return false;
      await syncFolderOnPool(this.#folder);
    } finally {
      await removeIfThere(temporary);
    }
    const names = await this.#list();
    if (newestVersion(names) !== version) throw this.#raced();
    await this.#removeOld(names, version);
    return true;
  }

  /** Temporary files of dead or paused writers go by their number, not by age: whoever comes that late has lost anyway. */
  async #removeOld(names: readonly string[], newest: number): Promise<void> {
    const isOld = (name: string) => {
      const number = statePattern.exec(name)?.[1] ?? temporaryPattern.exec(name)?.[1];
      return number !== undefined && Number(number) <= newest - KEPT_VERSIONS;
    };
    for (const name of names.filter(isOld)) await removeIfThere(this.#path(name));
  }

  async #list(): Promise<string[]> {
    try {
      return await readdir(this.#folder);
    } catch (cause) {
      throw new Problem('AcceptorUnreachable', `Cannot reach the share ${this.#folder}: it is not there. Mount it.`, {
        temporary: true,
        cause,
      });
    }
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }

  #raced(): Problem {
    return new Problem('AcceptorRace', `Cannot change the vote in ${this.#folder}: others were faster. Try again.`, {
      temporary: true,
    });
  }
}

function newestVersion(names: readonly string[]): number {
  let newest = 0;
  for (const name of names) newest = Math.max(newest, Number(statePattern.exec(name)?.[1] ?? 0));
  return newest;
}

function stateName(version: number): string {
  return `state-${digits(version)}`;
}

function digits(version: number): string {
  return String(version).padStart(VERSION_DIGITS, '0');
}

async function writeSynced(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'wx', 0o660);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * A file server that repeats a request whose answer got lost reports "exists" for a link that it has made itself: then
 * the file has two names, and one of them is ours. Where links are not counted (SFTP) it reads as lost, which is what one
 * may always say. Which error says "exists" is a matter of the share, too (SFTP has no word for it): that the name is there
 * tells. Where there is that word it is enough: the name may have been removed since. Undefined: our own file is gone, because others
 * have gone on for long.
 */
async function linkExclusively(from: string, to: string): Promise<boolean | undefined> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    const links = await linksOf(from);
    if (links === 0) return undefined;
    if (!isTaken(error) && !(await isThere(to))) throw error;
    return links === 2;
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST';
}

/** 0: it is gone. */
async function linksOf(path: string): Promise<number> {
  try {
    return (await stat(path)).nlink;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

async function canLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}

function notExclusive(folder: string): Problem {
  return new Problem(
    'ShareNotExclusive',
    `Cannot use the share ${folder} for a vote: it does not make links exclusively (hard links that fail where the name is taken). Mount it with hard links, or take another share, or a witness process.`,
  );
}

async function isThere(path: string): Promise<boolean> {
  return (await linksOf(path)) > 0;
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
