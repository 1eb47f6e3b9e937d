import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isProblem } from '../base/problem.ts';
import { type CertificateAuthority, createAuthority, issueCertificate } from '../host/certificates.ts';
import { type Identity, identityFolders, writeIdentity } from '../host/identity.ts';
import { readHostIdentity } from './host-identity.ts';

const NOW_MS = Date.UTC(2026, 5, 1);
const TWENTY_YEARS_MS = 20 * 365 * 24 * 3_600_000;

async function world(t: TestContext): Promise<{ folder: string; authority: CertificateAuthority; own: Identity }> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-identity-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const authority = await createAuthority('demo', 'a'.repeat(32), NOW_MS);
  const own = await issueCertificate(authority, { name: 'node1', role: 'host', alternativeNames: [] }, NOW_MS);
  return { folder, authority, own };
}

function refusal(folder: string, identity: Identity, nowMs = NOW_MS): string {
  writeIdentity(join(folder, identityFolders.host), identity);
  try {
    readHostIdentity(folder, 'node1', nowMs);
  } catch (error) {
    assert.ok(isProblem(error, 'CertificateUnusable'));
    return error.message;
  }
  return '';
}

test('host identity: its own, valid: taken', async (t) => {
  const { folder, own } = await world(t);
  assert.equal(refusal(folder, own), '');
});

test("host identity: another host's, out of date, of another cluster, no certificate: refused with the reason", async (t) => {
  const { folder, authority, own } = await world(t);
  const other = await issueCertificate(authority, { name: 'hub1', role: 'host', alternativeNames: [] }, NOW_MS);
  const stranger = await createAuthority('other', 'b'.repeat(32), NOW_MS);
  assert.match(refusal(folder, other), /it is that of hub1\. Put back the one that was made for node1/);
  assert.match(refusal(folder, own, NOW_MS + TWENTY_YEARS_MS), /expired on 2036-06-01/);
  assert.match(refusal(folder, own, NOW_MS - TWENTY_YEARS_MS), /is valid only from 2026-05-31 on/);
  assert.match(refusal(folder, { ...own, ca: stranger.certificate }), /was not issued by the authority/);
  assert.match(refusal(folder, { ...own, certificate: 'nothing' }), /beside it is not a certificate/);
});
