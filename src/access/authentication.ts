/**
 * Who logs in? The active copy keeps the hash, this process does the work of checking against it. Hashing is slow on
 * purpose, and that makes it a weapon against us: so few run at a time, few wait, and a password that was right a moment
 * ago is recognised without hashing, as long as the stored hash is the same. A wrong one waits, the longer the more
 * wrong ones came from its address. An unknown user costs the same as a known one.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { type Clock, sleep } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { isProblem } from '../base/problem.ts';
import type { Random } from '../base/random.ts';
import type { CopyFinder } from '../directory/copy-finder.ts';
import { copyMethods, credentialAnswerSchema, decodeBody, encodeBody } from '../directory/copy-protocol.ts';
import { canonicalAddress } from '../mail/address.ts';
import { FailureDelays } from './failure-delays.ts';
import { hashPassword, MAX_PASSWORD_BYTES, verifyPassword } from './password-hash.ts';

export type LoginResult =
  | { readonly outcome: 'ok'; readonly mailboxId: number; readonly address: string; readonly storageGroup: string }
  | { readonly outcome: 'wrong' | 'unavailable' };

export interface LoginRequest {
  readonly user: string;
  readonly password: string;
  readonly remoteAddress: string;
}

export const authenticationLimits = {
  /** Hashes being computed: each takes one of the four threads of libuv's pool for about 60 ms. */
  maxConcurrentHashes: 2,
  /** Logins that wait for their hash; more are told to come back. */
  maxWaitingHashes: 256,
  /** How long a login waits for an active copy, and then for its answer. */
  waitForActiveMs: 3_000,
  askTimeoutMs: 3_000,
  /** A right password is recognised without hashing for this long. */
  cacheMs: 60_000,
  maxCacheEntries: 10_000,
};

export interface AuthenticatorOptions {
  /** One for each storage group. */
  readonly finders: readonly CopyFinder[];
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

interface Credential {
  readonly mailboxId: number;
  readonly address: string;
  readonly phc: string;
  readonly storageGroup: string;
}

interface Recognised {
  readonly proof: Buffer;
  readonly untilMs: number;
}

export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #delays: FailureDelays;
  /** Never leaves this process. */
  readonly #cacheKey = randomBytes(32);
  /** By storage group and mailbox, oldest first. */
  readonly #recognised = new Map<string, Recognised>();
  #hashesUnderWay = 0;
  readonly #hashQueue: (() => void)[] = [];
  #dummy: Promise<string> | undefined;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#delays = new FailureDelays(options.clock);
  }

  /** Checks one login. `unavailable`: nobody can say at the moment; it does not count as a failure. */
  async verify(request: LoginRequest): Promise<LoginResult> {
    if (Buffer.byteLength(request.password) > MAX_PASSWORD_BYTES) return this.#wrong(request);
    const found = await this.#find(request.user);
    if (found === 'unavailable') return { outcome: 'unavailable' };
    const isRight = await this.#check(request.password, found);
    if (isRight === undefined) return { outcome: 'unavailable' };
    if (!isRight || found === undefined) return this.#wrong(request);
    const { mailboxId, address, storageGroup } = found;
    return { outcome: 'ok', mailboxId, address, storageGroup };
  }

  async #wrong(request: LoginRequest): Promise<LoginResult> {
    const delayMs = this.#delays.failed(request.remoteAddress);
    this.#options.logger.warn({ remoteAddress: request.remoteAddress, delayMs }, 'login: wrong user or password');
    await sleep(this.#options.clock, delayMs);
    return { outcome: 'wrong' };
  }

  /** The first storage group that knows the user; `unavailable` when one that might could not be asked. */
  async #find(user: string): Promise<Credential | undefined | 'unavailable'> {
    const answers = await Promise.all(this.#options.finders.map((finder) => this.#ask(finder, user)));
    const known = answers.find((answer) => typeof answer === 'object');
    return known ?? (answers.includes('unavailable') ? 'unavailable' : undefined);
  }

  async #ask(finder: CopyFinder, user: string): Promise<Credential | undefined | 'unavailable'> {
    const address = canonicalAddress(user);
    if (address.length > 512) return undefined;
    const copy = await finder.whenActive(authenticationLimits.waitForActiveMs);
    if (copy === undefined) return 'unavailable';
    try {
      const question = encodeBody({ address });
      const body = await copy.rpc.ask(copyMethods.credential, question, authenticationLimits.askTimeoutMs);
      const { found } = decodeBody(credentialAnswerSchema, body);
      if (found === null || found.phc === null) return undefined;
      return { ...found, phc: found.phc, storageGroup: finder.storageGroup };
    } catch (error) {
      if (!isProblem(error)) throw error;
      return 'unavailable';
    }
  }

  /** Undefined when too many wait. */
  async #check(password: string, credential: Credential | undefined): Promise<boolean | undefined> {
    if (credential !== undefined && this.#recognises(password, credential)) return true;
    if (this.#hashQueue.length >= authenticationLimits.maxWaitingHashes) return undefined;
    const isRight = await this.#inTurn(async () =>
      verifyPassword(password, credential?.phc ?? (await this.#dummyHash())),
    );
    if (isRight && credential !== undefined) this.#recognise(password, credential);
    return isRight && credential !== undefined;
  }

  #dummyHash(): Promise<string> {
    this.#dummy ??= hashPassword(this.#options.random.bytes(16).toString('hex'), this.#options.random);
    return this.#dummy;
  }

  async #inTurn<T>(task: () => Promise<T>): Promise<T> {
    if (this.#hashesUnderWay < authenticationLimits.maxConcurrentHashes) this.#hashesUnderWay += 1;
    else await new Promise<void>((resolve) => this.#hashQueue.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.#hashQueue.shift();
      if (next === undefined) this.#hashesUnderWay -= 1;
      else next();
    }
  }

  #recognises(password: string, credential: Credential): boolean {
    const known = this.#recognised.get(cacheNameOf(credential));
    if (known === undefined || known.untilMs < this.#options.clock.monotonicMs()) return false;
    return timingSafeEqual(known.proof, this.#proofOf(password, credential));
  }

  #recognise(password: string, credential: Credential): void {
    const name = cacheNameOf(credential);
    const untilMs = this.#options.clock.monotonicMs() + authenticationLimits.cacheMs;
    this.#recognised.delete(name);
    this.#recognised.set(name, { proof: this.#proofOf(password, credential), untilMs });
    for (const oldest of this.#recognised.keys()) {
      if (this.#recognised.size <= authenticationLimits.maxCacheEntries) break;
      this.#recognised.delete(oldest);
    }
  }

  /** Bound to the stored hash: a changed password makes it worthless at once. */
  #proofOf(password: string, credential: Credential): Buffer {
    const hmac = createHmac('sha256', this.#cacheKey).update(credential.phc).update('\0');
    return hmac.update(password.normalize('NFKC')).digest();
  }
}

function cacheNameOf(credential: Credential): string {
  return `${credential.mailboxId}/${credential.storageGroup}`;
}
