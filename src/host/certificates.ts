/**
 * The cluster's own certification authority. It is made when the cluster is formed and trusts nobody else, so that
 * "signed by it" means "belongs to this cluster". A certificate's common name is who its holder is, its organisational
 * unit what it may be (a host, an administrator, a server that clients connect to), and its extended key usage keeps
 * the kinds apart: what clients are shown proves nothing between hosts.
 */
import 'reflect-metadata';
import type { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import type { Identity } from './identity.ts';

const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const AUTHORITY_YEARS = 10;
const CERTIFICATE_YEARS = 10;
/** The clocks of the hosts may differ a little; a certificate must be valid on all of them at once. */
const BACKDATED_MS = 24 * 60 * 60 * 1000;
const SERIAL_NUMBER_BYTES = 16;

export type CertificateRole = 'host' | 'administrator' | 'clients';

export interface CertificateAuthority {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateRequest {
  /** The common name: the host's name, or whom the certificate names. */
  readonly name: string;
  readonly role: CertificateRole;
  /** Further DNS names and IP addresses under which it is valid. */
  readonly alternativeNames: readonly string[];
}

/** What is random and what is dated comes from WebCrypto and from `nowMs`. */
export async function createAuthority(
  clusterName: string,
  clusterId: string,
  nowMs: number,
): Promise<CertificateAuthority> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerialNumber(),
    name: subject(`${clusterName} authority`, 'authority', clusterId),
    ...validity(nowMs, AUTHORITY_YEARS),
    signingAlgorithm: KEY_ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pem(certificate), key: await privateKeyPem(keys) };
}

export async function issueCertificate(
  authority: CertificateAuthority,
  request: CertificateRequest,
  nowMs: number,
): Promise<Identity> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerialNumber(),
    subject: subject(request.name, request.role, organisationOf(issuer)),
    issuer: issuer.subject,
    ...validity(nowMs, CERTIFICATE_YEARS),
    signingAlgorithm: KEY_ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: await importPrivateKey(authority.key),
    extensions: await extensionsOf(request, issuer, keys.publicKey),
  });
  return { certificate: pem(certificate), key: await privateKeyPem(keys), ca: authority.certificate };
}

async function extensionsOf(
  request: CertificateRequest,
  issuer: x509.X509Certificate,
  publicKey: x509.PublicKeyType,
): Promise<x509.Extension[]> {
  const names = [...new Set([request.name, ...request.alternativeNames])];
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension(usagesOf(request.role)),
    new x509.SubjectAlternativeNameExtension(
      names.map((name) => ({ type: isIP(name) === 0 ? 'dns' : 'ip', value: name })),
    ),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(await issuer.publicKey.export()),
  ];
}

function usagesOf(role: CertificateRole): string[] {
  if (role === 'administrator') return [x509.ExtendedKeyUsage.clientAuth];
  if (role === 'clients') return [x509.ExtendedKeyUsage.serverAuth];
  return [x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth];
}

/** As structured data, so that no name can be mistaken for the syntax of a distinguished name. */
function subject(name: string, unit: string, organisation: string): x509.JsonName {
  return [{ O: [organisation] }, { OU: [unit] }, { CN: [name] }];
}

/** The cluster's id, which the authority carries as its organisation and hands down. */
function organisationOf(issuer: x509.X509Certificate): string {
  return issuer.subjectName.getField('O')[0] ?? '';
}

function validity(nowMs: number, years: number): { notBefore: Date; notAfter: Date } {
  const notAfter = new Date(nowMs);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + years);
  return { notBefore: new Date(nowMs - BACKDATED_MS), notAfter };
}

/** Positive, as RFC 5280 4.1.2.2 demands: the first bit is clear, and the first byte is not zero. */
function newSerialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SERIAL_NUMBER_BYTES));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await crypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

async function privateKeyPem(keys: webcrypto.CryptoKeyPair): Promise<string> {
  const bytes = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return `${x509.PemConverter.encode(bytes, 'PRIVATE KEY')}\n`;
}

async function importPrivateKey(text: string): Promise<webcrypto.CryptoKey> {
  const bytes = x509.PemConverter.decodeFirst(text);
  return await crypto.subtle.importKey('pkcs8', bytes, KEY_ALGORITHM, false, ['sign']);
}
