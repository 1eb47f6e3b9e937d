import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect, createServer } from 'node:tls';
import { type CertificateRole, createAuthority, issueCertificate } from './certificates.ts';
import { type Identity, readIdentity, writeIdentity } from './identity.ts';

const nowMs = Date.now();
const authority = await createAuthority('holdfast', '0123456789abcdef0123456789abcdef', nowMs);
const issue = (name: string, role: CertificateRole, alternativeNames: string[] = []): Promise<Identity> =>
  issueCertificate(authority, { name, role, alternativeNames }, nowMs);

/** What both sides of one handshake make of each other. */
async function handshake(
  server: Identity,
  client: Identity,
  expectedHost: string,
): Promise<{ server: string; client: string }> {
  const seen = Promise.withResolvers<string>();
  const listener = createServer(
    {
      cert: server.certificate,
      key: server.key,
      ca: server.ca,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
    },
    (socket) => {
      seen.resolve(String(socket.getPeerCertificate().subject.CN));
      socket.end();
    },
  );
  listener.on('tlsClientError', (error) => seen.resolve(`refused: ${error.message}`));
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = listener.address() as AddressInfo;
    const answer = await new Promise<string>((resolve) => {
      const socket = connect({
        host: '127.0.0.1',
        port,
        cert: client.certificate,
        key: client.key,
        ca: client.ca,
        servername: expectedHost,
      });
      socket.once('secureConnect', () => resolve('trusted'));
      socket.once('error', (error) => resolve(`refused: ${error.message}`));
      void seen.promise.then(() => setImmediate(() => socket.destroy()));
    });
    if (answer !== 'trusted') return { server: 'unknown', client: answer };
    return { server: await seen.promise, client: answer };
  } finally {
    listener.close();
  }
}

test('certificates: two hosts of one cluster: each proves its name to the other', async () => {
  const [one, two] = await Promise.all([issue('mbx01-node1', 'host'), issue('mbx01-node2', 'host')]);
  assert.deepEqual(await handshake(one, two, 'mbx01-node1'), { server: 'mbx01-node2', client: 'trusted' });
});

test('certificates: a host that was called by another name: refused', async () => {
  const [one, two] = await Promise.all([issue('mbx01-node1', 'host'), issue('mbx01-node2', 'host')]);
  assert.match((await handshake(one, two, 'hub1')).client, /^refused: .*hub1/);
});

test('certificates: a host of another cluster: refused on both sides', async () => {
  const foreign = await createAuthority('holdfast', 'ffffffffffffffffffffffffffffffff', nowMs);
  const stranger = await issueCertificate(foreign, { name: 'mbx01-node2', role: 'host', alternativeNames: [] }, nowMs);
  const one = await issue('mbx01-node1', 'host');
  assert.match((await handshake(one, { ...stranger, ca: one.ca }, 'mbx01-node1')).server, /^refused: /);
  assert.match((await handshake(stranger, one, 'mbx01-node2')).client, /^refused: /);
});

test('certificates: what clients are shown: valid for its names and addresses, proves nothing between hosts', async () => {
  const [one, shown] = await Promise.all([
    issue('mbx01-node1', 'host'),
    issue('mbx01', 'clients', ['localhost', '127.0.0.1']),
  ]);
  assert.equal((await handshake(shown, one, 'localhost')).client, 'trusted');
  assert.equal(new X509Certificate(shown.certificate).checkIP('127.0.0.1'), '127.0.0.1');
  assert.match((await handshake(one, { ...shown }, 'mbx01-node1')).server, /^refused: /);
});

test('certificates: an administrator: is taken as a client, cannot pose as a host', async () => {
  const [one, administrator] = await Promise.all([
    issue('mbx01-node1', 'host'),
    issue('administrator', 'administrator'),
  ]);
  assert.equal((await handshake(one, administrator, 'mbx01-node1')).server, 'administrator');
  assert.match((await handshake(administrator, one, 'administrator')).client, /^refused: /);
});

test('certificates: subject: carries cluster, role and name; the authority lives ten years', async () => {
  const certificate = new X509Certificate((await issue('hub1', 'host')).certificate);
  assert.equal(certificate.subject, 'O=0123456789abcdef0123456789abcdef\nOU=host\nCN=hub1');
  const root = new X509Certificate(authority.certificate);
  assert.ok(root.ca && certificate.verify(root.publicKey));
  assert.equal(new Date(root.validTo).getUTCFullYear(), new Date(nowMs).getUTCFullYear() + 10);
});

test('certificates: in a folder: readable by their owner only; a missing one is named', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-certificates-'));
  try {
    const identity = await issue('hub1', 'host');
    writeIdentity(join(folder, 'tls'), identity);
    assert.deepEqual(readIdentity(join(folder, 'tls')), identity);
    for (const name of ['cert.pem', 'key.pem', 'ca.pem'])
      assert.equal(statSync(join(folder, 'tls', name)).mode & 0o777, 0o600);
    assert.throws(() => readIdentity(join(folder, 'none')), { code: 'CertificateUnreadable' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
