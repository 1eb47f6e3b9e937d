/**
 * Mailbox addresses as RFC 5321 has them on the wire, with the UTF-8 of RFC 6531. One strict parser serves every
 * envelope: a second, more lenient one is how mail gets routed to another domain than the one that was checked (quoted
 * local parts with an @ inside, source routes, percent hacks). Display names, comments and groups belong to headers
 * and live in address-list.ts.
 */
import { MAX_ADDRESS_BYTES, MAX_DOMAIN_BYTES, MAX_DOMAIN_LABEL_BYTES, MAX_LOCAL_PART_BYTES } from './limits.ts';

export interface Address {
  /** What the quotes meant, not the quotes: `"a b"@x` has the local part `a b`. Never empty. */
  readonly localPart: string;
  /** As written: a domain name, or a literal with its brackets. */
  readonly domain: string;
}

/** The address that `text` is, without angle brackets; undefined when it is none (RFC 5321 4.1.2 Mailbox). */
export function parseAddress(text: string): Address | undefined {
  if (text.length > MAX_ADDRESS_BYTES || !text.isWellFormed() || hasControl(text)) return undefined;
  if (Buffer.byteLength(text) > MAX_ADDRESS_BYTES) return undefined;
  const localEnd = text.startsWith('"') ? quotedStringEnd(text) : dotStringEnd(text);
  if (localEnd === undefined || text[localEnd] !== '@') return undefined;
  if (Buffer.byteLength(text.slice(0, localEnd)) > MAX_LOCAL_PART_BYTES) return undefined;
  const localPart = text.startsWith('"') ? unquote(text.slice(1, localEnd - 1)) : text.slice(0, localEnd);
  const domain = text.slice(localEnd + 1);
  // RFC 5321 allows "" as a local part; no mailbox can be called that, and it has crashed servers.
  if (localPart === '' || !isDomain(domain)) return undefined;
  return { localPart, domain };
}

/** The address as it goes out, quoted only when it must be. `parseAddress(formatAddress(a))` equals `a`. */
export function formatAddress(address: Address): string {
  const { localPart, domain } = address;
  const plain = dotStringEnd(`${localPart}@`) === localPart.length;
  return `${plain ? localPart : `"${localPart.replace(/["\\]/g, '\\$&')}"`}@${domain}`;
}

/**
 * The key under which a recipient is known: two spellings of one mailbox have one key. Lower case throughout (RFC 5321
 * lets a local part distinguish case; users do not) and NFC. Text that is no address, such as a login name without a
 * domain, is folded alike, so that it can be looked up; whether it may become an address is parseAddress's question.
 */
export function canonicalAddress(address: Address | string): string {
  if (typeof address !== 'string') return fold(formatAddress(address));
  const parsed = parseAddress(address);
  return fold(parsed === undefined ? address : formatAddress(parsed));
}

/** Folding once more changes nothing: lower-casing may leave a decomposed letter, which NFC then joins. */
function fold(text: string): string {
  return text.normalize('NFC').toLowerCase().normalize('NFC');
}

function hasControl(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0x2028 || code === 0x2029) return true;
  }
  return false;
}

const ATEXT_SPECIALS = "!#$%&'*+-/=?^_`{|}~";

function isAtext(character: string): boolean {
  return isLetterOrDigit(character) || ATEXT_SPECIALS.includes(character);
}

/** Every character outside ASCII counts as a letter (RFC 6531 3.3). */
function isLetterOrDigit(character: string): boolean {
  return (
    (character >= 'a' && character <= 'z') ||
    (character >= 'A' && character <= 'Z') ||
    (character >= '0' && character <= '9') ||
    character >= '\u0080'
  );
}

/** Index behind the dot-string at the start, undefined when none is there or it has an empty atom. */
function dotStringEnd(text: string): number | undefined {
  let atomStart = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    if (isAtext(character)) continue;
    if (index === atomStart) return undefined;
    if (character !== '.') return index;
    atomStart = index + 1;
  }
  return undefined;
}

/** Index behind the closing quote of the quoted string at the start. */
function quotedStringEnd(text: string): number | undefined {
  for (let index = 1; index < text.length; index++) {
    if (text[index] === '"') return index + 1;
    if (text[index] !== '\\') continue;
    index += 1;
    // A quoted pair is a backslash and a printable ASCII character.
    if (index >= text.length || text.charCodeAt(index) > 0x7e) return undefined;
  }
  return undefined;
}

function unquote(content: string): string {
  return content.replace(/\\(.)/g, '$1');
}

function isDomain(domain: string): boolean {
  if (domain === '' || Buffer.byteLength(domain) > MAX_DOMAIN_BYTES) return false;
  if (domain.startsWith('[')) return domain.endsWith(']') && isAddressLiteral(domain.slice(1, -1));
  return domain.split('.').every(isDomainLabel);
}

function isDomainLabel(label: string): boolean {
  if (label === '' || Buffer.byteLength(label) > MAX_DOMAIN_LABEL_BYTES) return false;
  if (label.startsWith('-') || label.endsWith('-')) return false;
  for (let index = 0; index < label.length; index++) {
    const character = label.charAt(index);
    // U+00A0 and its like are spaces to the eye and to IDNA; no label has them.
    if (!isLetterOrDigit(character) && character !== '-') return false;
    if (character.trim() === '') return false;
  }
  return true;
}

/** The inside of the brackets: IPv4 or `IPv6:` and an address (RFC 5321 4.1.3); no other kind was ever registered. */
function isAddressLiteral(text: string): boolean {
  return /^ipv6:/i.test(text) ? isIpv6(text.slice(5)) : isIpv4(text);
}

function isIpv4(text: string): boolean {
  const numbers = text.split('.');
  return numbers.length === 4 && numbers.every((number) => /^\d{1,3}$/.test(number) && Number(number) <= 255);
}

function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [half, part] of halves.entries()) {
    if (part === '') continue;
    const pieces = part.split(':');
    for (const [index, piece] of pieces.entries()) {
      const last = half === halves.length - 1 && index === pieces.length - 1;
      if (last && piece.includes('.')) {
        if (!isIpv4(piece)) return false;
        groups += 2;
      } else if (/^[0-9a-f]{1,4}$/i.test(piece)) groups += 1;
      else return false;
    }
  }
  return halves.length === 2 ? groups <= 7 : groups === 8;
}
