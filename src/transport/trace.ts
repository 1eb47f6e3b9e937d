/**
 * What a Received field would say (RFC 5321 4.4): who brought the message, to whom, how and when. It is kept beside the
 * message, whose bytes stay exactly as they were sent.
 */
import type { SMTPServerSession } from 'smtp-server';
import { deliveryLimits } from '../mail/delivery.ts';

export function traceOf(session: SMTPServerSession, hostName: string, wallMs: number): string {
  const { hostNameAppearsAs, remoteAddress, transmissionType, tlsOptions, id } = session;
  const cipher = tlsOptions === false || tlsOptions === undefined ? '' : ` (${tlsOptions.version} ${tlsOptions.name})`;
  const date = new Date(wallMs).toUTCString().replace('GMT', '+0000');
  const text = `from ${hostNameAppearsAs} ([${remoteAddress}]) by ${hostName} with ${transmissionType}${cipher} id ${id}; ${date}`;
  return text.slice(0, deliveryLimits.maxTraceBytes / 4);
}
