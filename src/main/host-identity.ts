/**
 * The host's own certificate, looked at before it is used. With another host's, or one that has expired, the service
 * would run, be refused by everybody and not know why: what the others see is a connection that breaks.
 */
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { messageOf, Problem } from '../base/problem.ts';
import { type Identity, identityFolders, readIdentity } from '../host/identity.ts';

/** `nowMs`: milliseconds since 1970. Problem('CertificateUnreadable' | 'CertificateUnusable') */
export function readHostIdentity(dataFolder: string, host: string, nowMs: number): Identity {
  const folder = join(dataFolder, identityFolders.host);
  const identity = readIdentity(folder);
  const fault = faultOf(identity, host, nowMs);
  if (fault === undefined) return identity;
  throw new Problem(
    'CertificateUnusable',
    `Cannot use the certificate ${join(folder, 'cert.pem')}: it ${fault}. Put back the one that was made for ${host}, or set the clock.`,
  );
}

function faultOf(identity: Identity, host: string, nowMs: number): string | undefined {
  let certificate: X509Certificate;
  let authority: X509Certificate;
  try {
    certificate = new X509Certificate(identity.certificate);
    authority = new X509Certificate(identity.ca);
  } catch (error) {
    return `or ca.pem beside it is not a certificate (${messageOf(error)})`;
  }
  const name = certificate.toLegacyObject().subject.CN;
  if (name !== host) return `is that of ${String(name)}`;
  if (nowMs >= certificate.validToDate.getTime()) return `expired on ${dateOf(certificate.validToDate)}`;
  if (nowMs < certificate.validFromDate.getTime()) return `is valid only from ${dateOf(certificate.validFromDate)} on`;
  return certificate.verify(authority.publicKey) ? undefined : 'was not issued by the authority in ca.pem';
}

function dateOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
