/** What we announce, in one place, and nothing that does not work. */
import { appendLimitBytes } from '../limits.ts';

const ALWAYS = ['IMAP4rev1', 'LITERAL+', 'ID'];

/** RFC 3501 6.2.3, 7.2.1: without TLS no password may be sent, and the client is told so before it sends one. */
export function capabilitiesBeforeLogin(state: { startTls: boolean; login: boolean }): string {
  const login = state.login ? ['SASL-IR', 'AUTH=PLAIN'] : ['LOGINDISABLED'];
  return [...ALWAYS, ...(state.startTls ? ['STARTTLS'] : []), ...login].join(' ');
}

export const capabilitiesAfterLogin = [
  ...ALWAYS,
  'NAMESPACE', // RFC 2342
  'CHILDREN', // RFC 3348
  'LIST-EXTENDED', // RFC 5258
  'LIST-STATUS', // RFC 5819
  'SPECIAL-USE', // RFC 6154
  'UIDPLUS', // RFC 4315
  'MOVE', // RFC 6851
  'MULTIAPPEND', // RFC 3502
  'ESEARCH', // RFC 4731
  'IDLE', // RFC 2177
  'UNSELECT', // RFC 3691
  'STATUS=SIZE', // RFC 8438
  'ACL', // RFC 4314
  'RIGHTS=kxte',
  'QUOTA', // RFC 9208
  'QUOTA=RES-STORAGE',
  'QUOTA=RES-MESSAGE',
  'METADATA', // RFC 5464
  `APPENDLIMIT=${appendLimitBytes}`, // RFC 7889
].join(' ');
