/**
 * A certificate with its key, as files and in memory. Apart from their making (certificates.ts), because every process
 * reads one and only the forming of a cluster makes any.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, Problem } from '../base/problem.ts';

/** PEM, as node:tls takes it. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
}

/** Where the three PEM files of an identity lie in its folder. */
function identityPaths(folder: string): { certificate: string; key: string; ca: string } {
  return { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem'), ca: join(folder, 'ca.pem') };
}

/** Makes `folder` (0700) and its files cert.pem, key.pem and ca.pem (0600). */
export function writeIdentity(folder: string, identity: Identity): void {
  const paths = identityPaths(folder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(paths.key, identity.key, { mode: 0o600 });
  writeFileSync(paths.certificate, identity.certificate, { mode: 0o600 });
  writeFileSync(paths.ca, identity.ca, { mode: 0o600 });
}

/** Problem('CertificateUnreadable') */
export function readIdentity(folder: string): Identity {
  const paths = identityPaths(folder);
  try {
    return {
      certificate: readFileSync(paths.certificate, 'utf8'),
      key: readFileSync(paths.key, 'utf8'),
      ca: readFileSync(paths.ca, 'utf8'),
    };
  } catch (error) {
    throw new Problem(
      'CertificateUnreadable',
      `Cannot read the certificate in ${folder}: ${messageOf(error)}. It was made when the cluster was formed; restore it, or give the right --data folder.`,
      { cause: error },
    );
  }
}

/** The folders of a host's data folder that hold its identities. */
export const identityFolders = {
  /** Between hosts. */
  host: 'tls',
  /** What clients are shown (STARTTLS, IMAPS); on hosts with the role hub or access. */
  clients: 'tls-clients',
} as const;
