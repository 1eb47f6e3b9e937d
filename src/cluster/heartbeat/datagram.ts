/**
 * A heartbeat as it travels: one small datagram, authenticated with the cluster's key. Its layout stands in
 * docs/formats.md. The code is checked before anything else is read, so that only hosts of this cluster reach the parser;
 * the parser takes any bytes all the same. Sender, receiver and network are inside, so that a datagram cannot be sent
 * back to where it came from, or played on another network.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { assert } from '../../base/assert.ts';

export interface Beat {
  readonly from: string;
  readonly to: string;
  readonly network: string;
  /** 16 hex digits, drawn by every start of the sender. */
  readonly run: string;
  /** The run of the receiver that the sender last heard: only who hears us can know it. */
  readonly echo: string;
  /** Grows with every datagram of a run. */
  readonly sequence: number;
}

export interface HeartbeatSecret {
  /** 32 hex digits. */
  readonly clusterId: string;
  readonly key: Uint8Array;
}

export const HEARTBEAT_KEY_BYTES = 32;
export const NOBODY_HEARD = '0'.repeat(16);

const MAGIC = 0x42484648; // "HFHB"
const FORMAT = 1;
const CODE_BYTES = 32;
const FIXED_BYTES = 4 + 1 + 16 + 8 + 8 + 8;
const MAX_NAME_BYTES = 63;
const MAX_DATAGRAM_BYTES = FIXED_BYTES + 3 * (1 + MAX_NAME_BYTES) + CODE_BYTES;

export function encodeBeat(beat: Beat, secret: HeartbeatSecret): Buffer {
  const head = Buffer.alloc(FIXED_BYTES);
  head.writeUInt32LE(MAGIC, 0);
  head.writeUInt8(FORMAT, 4);
  head.write(secret.clusterId, 5, 'hex');
  head.write(beat.run, 21, 'hex');
  head.write(beat.echo, 29, 'hex');
  head.writeBigUInt64LE(BigInt(beat.sequence), 37);
  const body = Buffer.concat([head, name(beat.from), name(beat.to), name(beat.network)]);
  return Buffer.concat([body, codeOf(body, secret)]);
}

function name(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  assert(bytes.length > 0 && bytes.length <= MAX_NAME_BYTES, `${text} is no name for a heartbeat`);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function codeOf(body: Uint8Array, secret: HeartbeatSecret): Buffer {
  return createHmac('sha256', secret.key).update(body).digest();
}

/** undefined for whatever no host of this cluster made. */
export function parseBeat(bytes: Buffer, secret: HeartbeatSecret): Beat | undefined {
  if (bytes.length < FIXED_BYTES + CODE_BYTES || bytes.length > MAX_DATAGRAM_BYTES) return undefined;
  if (bytes.readUInt32LE(0) !== MAGIC || bytes.readUInt8(4) !== FORMAT) return undefined;
  const body = bytes.subarray(0, bytes.length - CODE_BYTES);
  if (!timingSafeEqual(bytes.subarray(body.length), codeOf(body, secret))) return undefined;
  if (body.toString('hex', 5, 21) !== secret.clusterId) return undefined;
  const names = readNames(body);
  const sequence = Number(body.readBigUInt64LE(37));
  if (names === undefined || !Number.isSafeInteger(sequence)) return undefined;
  const [from, to, network] = names;
  return { from, to, network, run: body.toString('hex', 21, 29), echo: body.toString('hex', 29, 37), sequence };
}

function readNames(body: Buffer): readonly [string, string, string] | undefined {
  const found: string[] = [];
  let position = FIXED_BYTES;
  while (position < body.length && found.length < 3) {
    const end = position + 1 + body.readUInt8(position);
    if (end > body.length) return undefined;
    found.push(body.toString('utf8', position + 1, end));
    position = end;
  }
  const [from, to, network] = found;
  if (position !== body.length || from === undefined || to === undefined || network === undefined) return undefined;
  return [from, to, network];
}
