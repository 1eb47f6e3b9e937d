import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isProblem } from '../base/problem.ts';
import { parseAcceptorReply, parseAcceptorRequest } from './acceptor-message.ts';
import { member, parseRegisterDocument, serverOf } from './register-document.ts';
import { encodeRegisterValue, parseRegisterValue } from './register-value.ts';
import { documentOf, GROUP } from './testing/documents.ts';

const invalid = (error: unknown) => isProblem(error, 'RegisterDocumentInvalid');

test('register document: through text and back, unknown fields of a newer host kept', () => {
  const newer = { ...documentOf(), rackOf: { A: 7 } };
  const value = parseRegisterValue(encodeRegisterValue({ document: newer, writes: { A: 'a-1' } }));
  assert.deepEqual(value, { document: newer, writes: { A: 'a-1' } });
});

test('register document: names that objects answer to by themselves: refused, and never found', () => {
  for (const name of ['__proto__', 'constructor', 'toString', '', 'x'.repeat(129), 'a\nb', '\ud800']) {
    const nodes = JSON.parse(`{${JSON.stringify(name)}:{"incarnation":1,"lease":1}}`) as object;
    assert.throws(() => parseRegisterDocument({ ...documentOf(), nodes }), invalid, JSON.stringify(name));
  }
  assert.equal(member(documentOf().nodes, 'constructor'), undefined);
  assert.equal(serverOf(documentOf(), GROUP)?.name, 'mbx01');
});

test('register document: relations between fields: every broken one is refused', () => {
  const broken = [
    { inSync: [] },
    { inSync: ['A', 'C'] },
    { active: 'C' },
    { active: 'B', inSync: ['A'] },
    { mode: 'async' as const },
    { copies: ['A', 'A'] },
    { epoch: -1 },
    { epoch: 2 ** 21 },
    { hint: { lsn: 1.5, generation: 1 } },
    { suspended: { B: 'x'.repeat(513) } },
  ];
  for (const group of broken)
    assert.throws(() => parseRegisterDocument(documentOf(group)), invalid, JSON.stringify(group));
  const twice = documentOf();
  const servers = { ...twice.clusteredMailboxServers, mbx02: twice.clusteredMailboxServers['mbx01'] };
  assert.throws(() => parseRegisterDocument({ ...twice, clusteredMailboxServers: servers }), invalid);
});

test('register document: anything at all, and a good one with anything in it: parsed or a Problem, nothing else', () => {
  const paths = [
    ['nodes'],
    ['storageGroups'],
    ['storageGroups', GROUP],
    ['clusteredMailboxServers', 'mbx01'],
    ['version'],
  ];
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(...paths), (junk, path) => {
      for (const candidate of [junk, planted(path, junk)]) {
        try {
          parseRegisterDocument(candidate);
        } catch (error) {
          assert(invalid(error));
        }
      }
    }),
  );
});

function planted(path: readonly string[], junk: unknown): unknown {
  const document = structuredClone(documentOf()) as unknown as Record<string, unknown>;
  const parent = path.slice(0, -1).reduce((at, key) => at[key] as Record<string, unknown>, document);
  parent[path.at(-1) ?? ''] = junk;
  return document;
}

test('register value: another format, damage, too long: refused by name', () => {
  assert.throws(
    () => parseRegisterValue('{"format":2}'),
    (error) => isProblem(error, 'RegisterFormatUnknown'),
  );
  assert.throws(() => parseRegisterValue('{"format":1'), invalid);
  assert.throws(() => parseRegisterValue('x'.repeat(1024 * 1024 + 1)), invalid);
});

test('acceptor messages: what crosses the wire comes back; anything else is refused', () => {
  const identity = { clusterId: 'c', incarnation: 1 };
  const ballot = { counter: 3, proposer: 'A#1' };
  const places = [{ kind: 'share', name: 'witness', path: '/mnt' }];
  const set = { incarnation: 2, places, previous: places, awaited: { witness: 'invitation-1' } };
  const requests = [
    { kind: 'peek', identity },
    { kind: 'prepare', identity, ballot },
    { kind: 'accept', identity, ballot, value: 'text' },
    { kind: 'advance', identity, ballot, set },
    { kind: 'invite', identity, invitation: 'invitation-1' },
    { kind: 'initialise', identity, promised: ballot, set, invitation: 'invitation-1' },
    { kind: 'initialise', identity, promised: { counter: 0, proposer: '' } },
  ];
  for (const request of requests) assert.deepEqual(parseAcceptorRequest(JSON.parse(JSON.stringify(request))), request);
  const replies = [
    { kind: 'promised', accepted: { ballot, value: 'v' } },
    { kind: 'promised', accepted: undefined },
    { kind: 'refused', promised: ballot },
    { kind: 'not-admitted', why: 'empty' },
  ];
  for (const reply of replies) assert.deepEqual(parseAcceptorReply(JSON.parse(JSON.stringify(reply))), reply);
  const unclear = [
    { ...set, places: [] },
    { ...set, awaited: { witness: 3 } },
    { ...set, previous: [{ kind: 'share', name: 'witness' }] },
  ];
  const bad = [
    ...unclear.map((each) => ({ kind: 'advance', identity, ballot, set: each })),
    null,
    [],
    'peek',
    { kind: 'peek' },
    { ...requests[1], ballot: { counter: 2 ** 60, proposer: 'A' } },
  ];
  for (const request of bad)
    assert.throws(
      () => parseAcceptorRequest(request),
      (error) => isProblem(error, 'AcceptorMessageInvalid'),
    );
  assert.throws(() => parseAcceptorReply({ kind: 'not-admitted', why: 'mood' }));
});
