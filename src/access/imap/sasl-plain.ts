/** SASL PLAIN (RFC 4616): one message, `authzid NUL authcid NUL password`, in base64. */
import { decodeText } from './wire/arguments.ts';
import { SyntaxFault } from './wire/token.ts';

export interface PlainCredentials {
  /** Whom the client wants to act as; '' for itself. */
  readonly authorizationId: string;
  readonly user: string;
  readonly password: string;
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Throws a SyntaxFault for anything that is not exactly such a message. */
export function parsePlain(base64: string): PlainCredentials {
  if (!BASE64.test(base64)) throw new SyntaxFault('Not base64');
  const parts = decodeText(Buffer.from(base64, 'base64')).split('\0', 4);
  const [authorizationId, user, password] = parts;
  if (parts.length !== 3 || authorizationId === undefined || !user || !password) {
    throw new SyntaxFault('Not a PLAIN message');
  }
  return { authorizationId, user, password };
}
