/**
 * What the acceptors keep as text: the document, and for each proposer the id of its last write that is part of it.
 *
 * The ids settle a question that Paxos leaves open to a client. A proposer's accept got lost half-way; another one
 * may have picked the value up and built on it. Reading again, the proposer finds a newer document: with its own change
 * in it, or made from the one before? The id tells, so no change is made twice and no outcome stays unknown for
 * longer than a majority does.
 */
import { assert } from '../base/assert.ts';
import { Problem } from '../base/problem.ts';
import { MAX_NODES, MAX_REGISTER_VALUE_BYTES } from './limits.ts';
import { isPossibleName } from './possible-name.ts';
import { parseRegisterDocument, type RegisterDocument } from './register-document.ts';

const FORMAT = 1;
/** Every node proposes, and an administrator's tool beside each. */
const MAX_PROPOSERS = 2 * MAX_NODES;

export interface RegisterValue {
  readonly document: RegisterDocument;
  /** Proposer to the id of its last write. */
  readonly writes: Readonly<Record<string, string>>;
}

export function encodeRegisterValue(value: RegisterValue): string {
  parseRegisterDocument(value.document);
  const text = JSON.stringify({ format: FORMAT, writes: value.writes, document: value.document });
  assert(Buffer.byteLength(text) <= MAX_REGISTER_VALUE_BYTES, 'The register stays small');
  return text;
}

/** Throws Problem('RegisterDocumentInvalid') or Problem('RegisterFormatUnknown'). */
export function parseRegisterValue(text: string): RegisterValue {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null) throw invalid('it is not an object');
  const { format, writes, document } = value as Record<string, unknown>;
  if (format !== FORMAT) {
    throw new Problem(
      'RegisterFormatUnknown',
      `Cannot use the cluster register: format ${String(format)}. Update this host.`,
    );
  }
  if (!isWrites(writes)) throw invalid('its list of writes is damaged');
  return { document: parseRegisterDocument(document), writes };
}

function parseJson(text: string): unknown {
  if (text.length > MAX_REGISTER_VALUE_BYTES) throw invalid('it is too large');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid('it is not JSON', cause);
  }
}

function isWrites(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  if (entries.length > MAX_PROPOSERS) return false;
  return entries.every(([proposer, id]) => isPossibleName(proposer) && isPossibleName(id));
}

function invalid(state: string, cause?: unknown): Problem {
  return new Problem('RegisterDocumentInvalid', `Cannot use the cluster register: ${state}. Restore an acceptor.`, {
    cause,
  });
}
