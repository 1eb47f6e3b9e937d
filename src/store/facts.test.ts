import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isProblem } from '../base/problem.ts';
import { MAX_UID } from '../mail/limits.ts';
import type { UidRange } from '../mail/uid-set.ts';
import { decodeFact, encodeFact, type Fact, type FactOf, type FactType } from './facts.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const id = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const uid = fc.integer({ min: 1, max: MAX_UID });
const u32 = fc.nat({ max: 0xffff_ffff });
const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
const date = fc.integer({ min: -62_000_000_000_000, max: 250_000_000_000_000 });
const flags = fc.nat({ max: 0xffff });
const keywords = fc.array(fc.stringMatching(/^[!-~]{1,20}$/), { maxLength: 4 });
const newFolders = fc.array(
  fc.record({
    id,
    name: text,
    uidValidity: u32,
    specialUse: fc.constantFrom(null, '\\Drafts' as const, '\\Sent' as const, '\\Archive' as const),
  }),
  { maxLength: 8 },
);
const ranges: fc.Arbitrary<UidRange[]> = fc.uniqueArray(uid, { minLength: 2, maxLength: 20 }).map((uids) => {
  const sorted = uids.sort((a, b) => a - b);
  const pairs: UidRange[] = [];
  for (let index = 0; index + 1 < sorted.length; index += 2) {
    pairs.push({ first: sorted[index] ?? 1, last: sorted[index + 1] ?? 1 });
  }
  return pairs;
});
const pairs = fc.array(
  fc.record({
    source: fc.integer({ min: 1, max: 2 ** 31 }),
    target: fc.integer({ min: 1, max: 2 ** 31 }),
    count: fc.integer({ min: 1, max: 1_000_000 }),
  }),
  { maxLength: 8 },
);
const type = <T extends FactType>(name: T) => fc.constant(name);

const arbitraries: { readonly [T in FactType]: fc.Arbitrary<FactOf<T>> } = {
  EpochStarted: fc.record({
    type: type('EpochStarted'),
    epoch: u32,
    previousEndLsn: id,
    previousChain: u32,
    host: text,
    incarnation: id,
    timeMs: id,
    uidJump: fc.nat({ max: MAX_UID }),
  }),
  MailboxCreated: fc.record({
    type: type('MailboxCreated'),
    id,
    guid: fc.stringMatching(/^[0-9a-f]{32}$/),
    address: text,
    addressKey: text,
    displayName: text,
    credential: fc.option(text),
    createdMs: id,
    folders: newFolders,
  }),
  CredentialSet: fc.record({ type: type('CredentialSet'), mailboxId: id, credential: fc.option(text) }),
  FoldersCreated: fc.record({ type: type('FoldersCreated'), mailboxId: id, folders: newFolders }),
  FoldersRenamed: fc.record({
    type: type('FoldersRenamed'),
    mailboxId: id,
    folders: fc.array(fc.record({ id, name: text }), { maxLength: 8 }),
  }),
  FoldersDeleted: fc.record({ type: type('FoldersDeleted'), folderIds: fc.array(id, { maxLength: 8 }) }),
  SubscriptionSet: fc.record({
    type: type('SubscriptionSet'),
    mailboxId: id,
    name: text,
    subscribed: fc.boolean(),
  }),
  MessageDelivered: fc.record({
    type: type('MessageDelivered'),
    deliveryId: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((array) => Buffer.from(array)),
    acceptedMs: id,
    sender: text,
    trace: text,
    targets: fc.array(fc.record({ mailboxId: id, folderId: id, uid, recipient: text }), { maxLength: 8 }),
    internalDateMs: date,
    bodyId: id,
    structure: bytes,
    bytes,
  }),
  MessagesAppended: fc.record({
    type: type('MessagesAppended'),
    folderId: id,
    messages: fc.array(fc.record({ uid, bodyId: id, flags, keywords, internalDateMs: date, structure: bytes, bytes }), {
      maxLength: 4,
    }),
  }),
  MessagesMerged: fc.record({
    type: type('MessagesMerged'),
    folderId: id,
    messages: fc.array(
      fc.record({
        uid,
        bodyId: id,
        flags,
        keywords,
        internalDateMs: date,
        structure: bytes,
        bytes,
        sender: fc.option(text),
        trace: fc.option(text),
      }),
      { maxLength: 4 },
    ),
  }),
  FlagsChanged: fc.record({
    type: type('FlagsChanged'),
    folderId: id,
    groups: fc.array(fc.record({ ranges, flags, keywords }), { maxLength: 4 }),
  }),
  MessagesCopied: fc.record({ type: type('MessagesCopied'), sourceFolderId: id, targetFolderId: id, pairs }),
  MessagesMoved: fc.record({ type: type('MessagesMoved'), sourceFolderId: id, targetFolderId: id, pairs }),
  MessagesExpunged: fc.record({ type: type('MessagesExpunged'), folderId: id, ranges }),
  MessagesRetained: fc.record({ type: type('MessagesRetained'), folderId: id, ranges, removedMs: id }),
  RetainedPurged: fc.record({
    type: type('RetainedPurged'),
    folders: fc.array(fc.record({ folderId: id, ranges }), { maxLength: 4 }),
  }),
  RetainedRestored: fc.record({
    type: type('RetainedRestored'),
    targetFolderId: id,
    messages: fc.array(fc.record({ folderId: id, uid, targetUid: uid }), { maxLength: 8 }),
  }),
  MailboxLimitsSet: fc.record({
    type: type('MailboxLimitsSet'),
    mailboxId: id,
    limits: fc.record({
      retentionMs: fc.option(id),
      warningBytes: fc.option(id),
      storageBytes: fc.option(id),
      messages: fc.option(id),
    }),
  }),
  RightsSet: fc.record({
    type: type('RightsSet'),
    folderId: id,
    granteeId: id,
    rights: fc.constantFrom('', 'lr', 'lrswipkxtea'),
  }),
  AnnotationsSet: fc.record({
    type: type('AnnotationsSet'),
    mailboxId: id,
    folderId: id,
    ownerId: id,
    values: fc.array(fc.record({ name: text, value: fc.option(bytes) }), { maxLength: 4 }),
  }),
};

const anyFact: fc.Arbitrary<Fact> = fc.oneof(...(Object.values(arbitraries) as fc.Arbitrary<Fact>[]));

for (const [name, arbitrary] of Object.entries(arbitraries)) {
  test(`facts: ${name}: reads what it wrote`, () => {
    fc.assert(
      fc.property(arbitrary as fc.Arbitrary<Fact>, (fact) => {
        const { kind, payload } = encodeFact(fact);
        // JSON, for fast-check's records have no prototype.
        assert.equal(JSON.stringify(sorted(decodeFact(kind, payload))), JSON.stringify(sorted(fact)));
      }),
      { numRuns: 100, seed: 1 },
    );
  });
}

test('facts: numbers of kinds: never change', () => {
  const numbers = Object.entries(arbitraries).map(([name, arbitrary]) => {
    const [fact] = fc.sample(arbitrary as fc.Arbitrary<Fact>, { numRuns: 1, seed: 1 });
    return [name, fact && encodeFact(fact).kind];
  });
  assert.deepEqual(numbers, [
    ['EpochStarted', 1],
    ['MailboxCreated', 2],
    ['CredentialSet', 3],
    ['FoldersCreated', 4],
    ['FoldersRenamed', 5],
    ['FoldersDeleted', 6],
    ['SubscriptionSet', 7],
    ['MessageDelivered', 8],
    ['MessagesAppended', 9],
    ['MessagesMerged', 20],
    ['FlagsChanged', 10],
    ['MessagesCopied', 11],
    ['MessagesMoved', 12],
    ['MessagesExpunged', 13],
    ['MessagesRetained', 14],
    ['RetainedPurged', 15],
    ['RetainedRestored', 16],
    ['MailboxLimitsSet', 17],
    ['RightsSet', 18],
    ['AnnotationsSet', 19],
  ]);
});

test('facts: the bytes of a record: stay what logs on disk hold', () => {
  const { payload } = encodeFact({
    type: 'FlagsChanged',
    folderId: 3,
    groups: [
      {
        ranges: [
          { first: 2, last: 300 },
          { first: 302, last: 302 },
        ],
        flags: 9,
        keywords: ['$Forwarded'],
      },
    ],
  });
  assert.equal(payload.toString('hex'), '03010201aa020100090' + '10a24466f72776172646564');
});

test('facts: an unknown kind: is refused loudly', () => {
  assert.throws(
    () => decodeFact(99, Buffer.alloc(0)),
    (error) => isProblem(error, 'UnknownRecordKind'),
  );
});

test('facts: damaged payloads: end in a Problem, whatever was cut or changed', () => {
  fc.assert(
    fc.property(anyFact, fc.nat(), fc.nat({ max: 255 }), fc.nat(), (fact, where, byte, cut) => {
      const { kind, payload } = encodeFact(fact);
      const damaged = Buffer.from(payload.subarray(0, payload.length - (cut % (payload.length + 1))));
      if (damaged.length > 0) damaged[where % damaged.length] = byte;
      expectFactOrMalformed(kind, damaged);
    }),
    { numRuns: 2_000, seed: 1 },
  );
});

test('facts: random bytes of every kind: end in a fact or a Problem', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 13 }), fc.uint8Array({ maxLength: 60 }), (kind, payload) =>
      expectFactOrMalformed(kind, payload),
    ),
    { numRuns: 3_000, seed: 1 },
  );
});

function expectFactOrMalformed(kind: number, payload: Uint8Array): void {
  try {
    decodeFact(kind, payload);
  } catch (error) {
    assert.ok(isProblem(error, 'Malformed'), String(error));
  }
}

function sorted(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([key, item]) => [key, sorted(item)]);
}
