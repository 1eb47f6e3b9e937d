/**
 * ENVELOPE and BODYSTRUCTURE (RFC 3501 7.4.2) from the structure that was parsed when the message came. Recursion is
 * as deep as the message's nesting, which mail/limits.ts bounds.
 */
import type { EnvelopeAddress } from '../../mail/address-list.ts';
import type { Envelope } from '../../mail/envelope.ts';
import type { Part } from '../../mail/mime.ts';
import type { Disposition, Parameter } from '../../mail/parameters.ts';
import { list, nstring, string } from './wire/print.ts';

export function printEnvelope(envelope: Envelope): string {
  const { from, sender, replyTo, to, cc, bcc } = envelope;
  return list([
    nstring(envelope.date),
    nstring(envelope.subject),
    ...[from, sender, replyTo, to, cc, bcc].map(printAddresses),
    nstring(envelope.inReplyTo),
    nstring(envelope.messageId),
  ]);
}

function printAddresses(addresses: readonly EnvelopeAddress[]): string {
  if (addresses.length === 0) return 'NIL';
  const printed = addresses.map(({ name, route, mailbox, host }) => list([name, route, mailbox, host].map(nstring)));
  return `(${printed.join('')})`;
}

/** `extended` = BODYSTRUCTURE, otherwise BODY. */
export function printBody(part: Part, extended: boolean): string {
  if (part.type === 'multipart' && part.children.length > 0) return printMultipart(part, extended);
  const fields = [
    string(part.type.toUpperCase()),
    string(part.subtype.toUpperCase()),
    printParameters(part.parameters),
    nstring(part.id),
    nstring(part.description),
    string(part.encoding === '' ? '7BIT' : part.encoding.toUpperCase()),
    String(part.sizeBytes),
  ];
  if (part.message !== null) {
    fields.push(printEnvelope(part.message.envelope), printBody(part.message.root, extended), String(part.lines));
  } else if (part.type === 'text') {
    fields.push(String(part.lines));
  }
  if (extended) fields.push(nstring(part.md5), ...printCommonExtension(part));
  return list(fields);
}

function printMultipart(part: Part, extended: boolean): string {
  const children = part.children.map((child) => printBody(child, extended)).join('');
  const fields = [`${children} ${string(part.subtype.toUpperCase())}`];
  if (extended) fields.push(printParameters(part.parameters), ...printCommonExtension(part));
  return list(fields);
}

function printCommonExtension(part: Part): string[] {
  return [printDisposition(part.disposition), printLanguages(part.languages), nstring(part.location)];
}

function printParameters(parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return 'NIL';
  return list(parameters.map(({ name, value }) => `${string(name.toUpperCase())} ${string(value)}`));
}

function printDisposition(disposition: Disposition | null): string {
  return disposition === null ? 'NIL' : list([string(disposition.type), printParameters(disposition.parameters)]);
}

function printLanguages(languages: readonly string[]): string {
  if (languages.length === 0) return 'NIL';
  return languages.length === 1 ? nstring(languages[0]) : list(languages.map(string));
}
