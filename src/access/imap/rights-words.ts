/**
 * Rights and identifiers as RFC 4314 writes them. The two rights of RFC 2086 that were split since stand for their parts
 * when they come in (c is k and x, d is t and e) and go out beside them (section 2.1.1).
 */
import { ALL_RIGHTS, ANYONE } from '../../store/mailbox-keeping.ts';
import type { SessionContext } from './command.ts';
import { CommandRefused } from './errors.ts';
import { SyntaxFault } from './wire/token.ts';

const OLD_RIGHTS: ReadonlyMap<string, string> = new Map([
  ['c', 'kx'],
  ['d', 'te'],
]);

export interface RightsChange {
  readonly operation: 'replace' | 'add' | 'remove';
  readonly rights: string;
}

export function parseRights(text: string): RightsChange {
  const operation = text.startsWith('+') ? 'add' : text.startsWith('-') ? 'remove' : 'replace';
  const letters = operation === 'replace' ? text : text.slice(1);
  const rights = letters
    .split('')
    .map((letter) => OLD_RIGHTS.get(letter) ?? letter)
    .join('');
  if (rights.split('').some((right) => !ALL_RIGHTS.includes(right))) throw new SyntaxFault('Unknown right');
  return { operation, rights };
}

export function changedRights(before: string, { operation, rights }: RightsChange): string {
  if (operation === 'replace') return rights;
  if (operation === 'add') return before + rights;
  return before
    .split('')
    .filter((right) => !rights.includes(right))
    .join('');
}

export function printRights(rights: string): string {
  const old = [...OLD_RIGHTS].filter(([, parts]) => parts.split('').some((part) => rights.includes(part)));
  const text = rights + old.map(([letter]) => letter).join('');
  return text === '' ? '""' : text;
}

/** `anyone`, or a mailbox of this storage group by its address. */
export function granteeOf(session: SessionContext, identifier: string): number {
  if (identifier === 'anyone') return ANYONE;
  // Negative rights are optional (RFC 4314 2), and are not kept here.
  const mailbox = identifier.startsWith('-') ? undefined : session.store.mailboxByAddress(identifier);
  if (mailbox === undefined) throw new CommandRefused('CANNOT', 'No such identifier');
  return mailbox.id;
}

export function identifierOf(session: SessionContext, granteeId: number): string | undefined {
  return granteeId === ANYONE ? 'anyone' : session.store.mailboxById(granteeId)?.address;
}
