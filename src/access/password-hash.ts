/**
 * Passwords at rest: argon2id in PHC form, with the parameters of OWASP's first choice for interactive logins (19 MiB,
 * two passes, one lane). The parameters stand in each hash, so that they can be raised without touching old ones; what
 * a hash may ask for is bounded, because it decides how much work a stranger can make us do.
 */
import { type Argon2Algorithm, argon2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { Random } from '../base/random.ts';

const argon2Async = promisify(argon2);
const ALGORITHM: Argon2Algorithm = 'argon2id';

const PARAMETERS = { memory: 19_456, passes: 2, parallelism: 1 };
const SALT_BYTES = 16;
const TAG_BYTES = 32;
const MAX = { memory: 65_536, passes: 10, parallelism: 4, saltBytes: 64, tagBytes: 64 };
/** Longer ones are refused before they cost anything. */
export const MAX_PASSWORD_BYTES = 1_024;

interface PasswordHash {
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly salt: Buffer;
  readonly tag: Buffer;
}

/** PHC string for `password`. */
export async function hashPassword(password: string, random: Random): Promise<string> {
  const salt = random.bytes(SALT_BYTES);
  const tag = await derive(password, { ...PARAMETERS, salt }, TAG_BYTES);
  const { memory, passes, parallelism } = PARAMETERS;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`;
}

/** False also for a hash that cannot be read. Takes the same time for every password. */
export async function verifyPassword(password: string, phc: string): Promise<boolean> {
  const hash = parsePhc(phc);
  if (hash === undefined) return false;
  return timingSafeEqual(await derive(password, hash, hash.tag.length), hash.tag);
}

const PHC = /^\$argon2id\$v=19\$m=(\d{1,6}),t=(\d{1,2}),p=(\d)\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

function parsePhc(phc: string): PasswordHash | undefined {
  const [, memory, passes, parallelism, salt, tag] = PHC.exec(phc) ?? [];
  if (salt === undefined || tag === undefined) return undefined;
  const hash = {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  };
  const isInBounds =
    hash.parallelism >= 1 &&
    hash.parallelism <= MAX.parallelism &&
    hash.memory >= 8 * hash.parallelism &&
    hash.memory <= MAX.memory &&
    hash.passes >= 1 &&
    hash.passes <= MAX.passes &&
    hash.salt.length >= 8 &&
    hash.salt.length <= MAX.saltBytes &&
    hash.tag.length >= 16 &&
    hash.tag.length <= MAX.tagBytes;
  return isInBounds ? hash : undefined;
}

/** NFKC, so that one password typed on two keyboards is one password (RFC 8265 would go further). */
function derive(password: string, hash: Omit<PasswordHash, 'tag'>, tagBytes: number): Promise<Buffer> {
  const { memory, passes, parallelism, salt } = hash;
  const message = Buffer.from(password.normalize('NFKC'));
  return argon2Async(ALGORITHM, { message, nonce: salt, memory, passes, parallelism, tagLength: tagBytes });
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}
