/**
 * A vote in a local file: a node's own, or a witness process's. Every change replaces the file as a whole: write beside it,
 * sync, rename over it, sync the folder; only then does the answer leave. The lock on the host's data folder keeps
 * other processes away; within this one, requests take turns.
 *
 * After a failure past the sync of the new file nobody knows which state the folder holds after a power loss, so the
 * vote is silent until the process starts anew and reads what is there (a failed fsync is final). A failure before
 * that leaves the old file as it was.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Problem } from '../base/problem.ts';
import { type AcceptorIdentity, type AcceptorReply, type AcceptorRequest, AskedAcceptor } from '../cluster/acceptor.ts';
import { decodeAcceptorState, encodeAcceptorState } from '../cluster/acceptor-codec.ts';
import { type AcceptorState, stepAcceptor } from '../cluster/acceptor-state.ts';
import { inOurWords } from './disk-problem.ts';
import { syncFolderOnPool } from './folders.ts';
import { OneAtATime } from './one-at-a-time.ts';

/** Requests that may wait for one vote. A register asks few at a time, so more means that the disk hangs. */
const MAX_WAITING_REQUESTS = 32;

const FILE_NAME = 'acceptor';

export interface AcceptorFolder {
  readonly name: string;
  readonly identity: AcceptorIdentity;
  readonly folder: string;
}

export class FileAcceptor extends AskedAcceptor {
  readonly #path: string;
  readonly #turns: OneAtATime;
  #loaded: { state: AcceptorState | undefined } | undefined;
  #isPoisoned = false;

  constructor(options: AcceptorFolder) {
    super(options.name, options.identity);
    this.#path = join(options.folder, FILE_NAME);
    this.#turns = new OneAtATime(this.#path, MAX_WAITING_REQUESTS);
  }

  ask(request: AcceptorRequest): Promise<AcceptorReply> {
    return this.#turns.run(() => this.#ask(request)).catch(inOurWords(`use the vote in ${this.#path}`));
  }

  async #ask(request: AcceptorRequest): Promise<AcceptorReply> {
    if (this.#isPoisoned) throw this.#failed();
    this.#loaded ??= { state: await this.#load() };
    const before = this.#loaded.state;
    // An administrator says that this vote is new: its folder may be gone with the disk.
    if (request.kind === 'initialise' || request.kind === 'invite')
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    const step = stepAcceptor(before, request);
    if (step.state !== undefined && step.state !== before) {
      await this.#replace(encodeAcceptorState(step.state));
      this.#loaded = { state: step.state };
    }
    return step.reply;
  }

  async #load(): Promise<AcceptorState | undefined> {
    try {
      const state = decodeAcceptorState(await readFile(this.#path));
      // A killed process may have put it in place and not lived to sync that: nobody is told before it is durable.
      await syncFolderOnPool(dirname(this.#path));
      return state;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async #replace(bytes: Buffer): Promise<void> {
    const temporary = `${this.#path}.new`;
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    try {
      await rename(temporary, this.#path);
      await syncFolderOnPool(dirname(this.#path));
    } catch (cause) {
      this.#isPoisoned = true;
      throw this.#failed(cause);
    }
  }

  #failed(cause?: unknown): Problem {
    return new Problem(
      'AcceptorFailed',
      `Cannot use the vote in ${this.#path}: storing it failed. Check the disk, restart.`,
      {
        cause,
      },
    );
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
