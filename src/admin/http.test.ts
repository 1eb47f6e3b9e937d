import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { silentLogger } from '../base/logger.ts';
import { Problem } from '../base/problem.ts';
import { type AdminApiOptions, createAdminApi } from './http.ts';
import { execute } from './registry.ts';
import { FakeCluster, IDENTITY } from './testing/fake-cluster.ts';

const TOKEN = 'a-token';
const good = { host: 'localhost:2080', authorization: `Bearer ${TOKEN}` };

function open(execution?: AdminApiOptions['execute']) {
  const cluster = new FakeCluster();
  const app = createAdminApi({
    execute: execution ?? ((command, parameters) => execute(cluster, { command, parameters }, 'Server Administrator')),
    tokenSha256: createHash('sha256').update(TOKEN).digest('hex'),
    allowedHosts: ['localhost:2080', '127.0.0.1:2080'],
    logger: silentLogger,
  });
  const post = (name: string, payload?: object, headers: Record<string, string> = {}) =>
    app.inject({
      method: 'POST',
      url: `/api/v1/commands/${name}`,
      headers: { ...good, ...headers },
      ...(payload && { payload }),
    });
  const get = (url: string, headers: Record<string, string> = good) => app.inject({ method: 'GET', url, headers });
  return { cluster, app, post, get };
}

test('HTTP: a command: run with its parameters, its objects come back', async () => {
  const { post } = open();
  const answer = await post('get-storagegroupcopystatus', { Identity: IDENTITY });
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.json().rows[0].SummaryCopyStatus, 'Healthy');
  assert.equal((await post('Get-StorageGroup')).json().rows.length, 1);
});

test('HTTP: what is here: the list of commands, OpenAPI, a welcome, health', async () => {
  const { get } = open();
  assert.ok((await get('/api/v1/commands')).json().some((command: { name: string }) => command.name === 'New-Mailbox'));
  assert.equal((await get('/openapi.json')).json().openapi, '3.1.0');
  const welcome = await get('/', { host: 'localhost:2080' });
  assert.match(welcome.body, /POST \/api\/v1\/commands/);
  assert.deepEqual((await get('/health', { host: '127.0.0.1:2080' })).json(), { status: 'ok' });
});

test('HTTP: no token, a wrong one, another scheme: 401, nothing runs', async () => {
  const { post, cluster } = open();
  for (const authorization of ['', 'Bearer wrong', `Basic ${TOKEN}`, `Bearer ${TOKEN} `.repeat(200)]) {
    const answer = await post('New-Mailbox', { Identity: 'a@example.test' }, { authorization });
    assert.equal(answer.statusCode, 401, authorization.slice(0, 20));
    assert.equal(answer.headers['www-authenticate'], 'Bearer');
  }
  assert.equal(cluster.asked.length, 0);
});

test('HTTP: a foreign Host or Origin: refused, with the token as well', async () => {
  const { post, get, app } = open();
  assert.equal((await post('Get-Mailbox', {}, { host: 'evil.test' })).statusCode, 421);
  assert.equal((await get('/health', { host: 'evil.test:2080' })).statusCode, 421);
  for (const origin of ['http://evil.test', 'null', 'http://localhost:9999']) {
    assert.equal((await post('Get-Mailbox', {}, { origin })).statusCode, 403, origin);
  }
  assert.equal((await post('Get-Mailbox', {}, { origin: 'http://localhost:2080' })).statusCode, 200);
  const preflight = await app.inject({ method: 'OPTIONS', url: '/api/v1/commands/Get-Mailbox', headers: good });
  assert.equal(preflight.headers['access-control-allow-origin'], undefined);
});

test('HTTP: bodies that are not JSON objects: refused', async () => {
  const { app, post } = open();
  const raw = (payload: string, type: string) =>
    app.inject({
      method: 'POST',
      url: '/api/v1/commands/Get-Mailbox',
      headers: { ...good, 'content-type': type },
      payload,
    });
  assert.equal((await raw('Identity=a', 'application/x-www-form-urlencoded')).statusCode, 415);
  assert.equal((await raw('{}', 'text/plain')).statusCode, 415);
  assert.equal((await raw('{', 'application/json')).statusCode, 400);
  assert.equal((await raw('[1]', 'application/json')).statusCode, 400);
  assert.equal((await raw('{"__proto__": {}}', 'application/json')).statusCode, 400);
  assert.equal((await raw(`{"Identity":"${'x'.repeat(70_000)}"}`, 'application/json')).statusCode, 413);
  assert.equal((await post('Get-Mailbox', { Nonsense: 1 })).statusCode, 400);
  assert.equal(({} as { x?: unknown }).x, undefined);
});

test('HTTP: what does not exist, and what is refused: its status, its code, one sentence', async () => {
  const { post, get } = open();
  const unknown = await post('Get-Mailbx', {});
  assert.deepEqual([unknown.statusCode, unknown.json().error.code], [404, 'CommandUnknown']);
  assert.equal((await get('/nothing')).statusCode, 404);
  assert.equal((await get('/nothing', { host: 'localhost:2080' })).statusCode, 401);
  const refused = await post('Move-ClusteredMailboxServer', {
    Identity: 'mbx01',
    TargetMachine: 'hub1',
    MoveComment: '',
  });
  assert.equal(refused.statusCode, 409);
});

test('HTTP: the cluster is away, or we are wrong: 503 and 500, details stay in the log', async () => {
  const away = open(() => Promise.reject(new Problem('NoQuorum', 'Cannot read the register', { temporary: true })));
  assert.equal((await away.post('Get-Mailbox')).statusCode, 503);
  const wrong = open(() => Promise.reject(new TypeError('secret detail')));
  const answer = await wrong.post('Get-Mailbox');
  assert.equal(answer.statusCode, 500);
  assert.doesNotMatch(answer.body, /secret/);
});
