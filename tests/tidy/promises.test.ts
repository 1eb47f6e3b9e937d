/**
 * Every sentence of docs/guarantees.md that promises something is shown by a test: this is the table. A sentence that is
 * new, or begins otherwise, has no story until it is written down here.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { promisedSentences } from './promises.ts';

const root = new URL('../../', import.meta.url);
const GUARANTEES = 'tests/scenarios/guarantees.test.ts';
const MODES = 'tests/scenarios/modes.test.ts';
const QUARANTINE = 'tests/scenarios/quarantine.test.ts';
const DECISIONS = 'tests/scenarios/decisions.test.ts';
const DELIVERY = 'src/transport/delivery-story.test.ts';
const FORCE = 'src/admin/commands/decisions.test.ts';
const ACCEPTORS = 'src/main/acceptor-set.test.ts';

/** How the sentence begins, where its test stands, how that begins. */
const table: readonly [sentence: string, file: string, story: string][] = [
  ['Success comes last', GUARANTEES, 'guarantee: Success comes last:'],
  ['An SMTP 250 after the data', GUARANTEES, 'guarantee: Success comes last:'],
  ['No setting answers earlier', MODES, 'guarantee: No setting answers earlier:'],
  ['An error means', GUARANTEES, 'guarantee: An error means: not done:'],
  ['No answer means', GUARANTEES, 'guarantee: No answer means: unknown:'],
  ['Deliveries carry an id', GUARANTEES, 'guarantee: No answer means: unknown:'],
  ['What anyone can see', GUARANTEES, 'guarantee: What anyone can see is already promised:'],
  ['A read waits', GUARANTEES, 'guarantee: What anyone can see is already promised:'],
  ['Bytes come back exactly', 'src/store/packs.test.ts', 'packs: one flipped bit anywhere in an entry:'],
  [
    'Bytes come back exactly',
    'tests/crash/flipped-bits.test.ts',
    'flipped bits: the packs: a body is given out as it was',
  ],
  ['A UID or MODSEQ once shown', GUARANTEES, 'guarantee: A UID or MODSEQ once shown'],
  ['Where records may have been lost', GUARANTEES, 'guarantee: A UID or MODSEQ once shown'],
  ['One serving side', GUARANTEES, 'guarantee: One serving side:'],
  ['A copy that cannot prove its lease', GUARANTEES, 'guarantee: One serving side:'],
  ['A copy that has promised a higher epoch', GUARANTEES, 'guarantee: a copy that has promised a higher epoch:'],
  ['Flags, moves, drafts', GUARANTEES, 'guarantee: Flags, moves, drafts, deletes'],
  [
    'Limits, deleted items',
    'tests/crash/settings-states.test.ts',
    'crash: limits, deleted items, retention, rights and metadata:',
  ],
  ['Success means: synced on every copy', 'src/replication/commit-point.test.ts', 'commit point: both copies in sync:'],
  ['That survives the permanent loss', GUARANTEES, 'guarantee: Loss: none:'],
  ['Loss: none', GUARANTEES, 'guarantee: Loss: none:'],
  ['When the other copy does not answer', 'tests/scenarios/failures.test.ts', 'case 1:'],
  ['From then on success means', GUARANTEES, 'guarantee: degraded:'],
  [
    'Get-StorageGroup and Test-ReplicationHealth',
    'src/admin/commands/commands.test.ts',
    'health: the passive host is down:',
  ],
  ['Get-StorageGroup and Test-ReplicationHealth', GUARANTEES, 'guarantee: degraded: how many changes'],
  ['While no copy can take a message', GUARANTEES, 'guarantee: the queue: while no copy'],
  ['Until a copy has it', GUARANTEES, 'guarantee: the queue: while no copy'],
  ['A queue holds', GUARANTEES, 'guarantee: A queue holds so much:'],
  ['A queue holds', DELIVERY, 'delivery: the queue is full: 452'],
  ['As sync, but without the other copy', MODES, 'guarantee: sync-strict:'],
  ['Reading goes on', MODES, 'guarantee: sync-strict:'],
  ['The hub queues nothing', DELIVERY, 'delivery: sync-strict and no copy: 451'],
  ['Success means: synced on the active copy', DELIVERY, 'dumpster: async mode:'],
  ['After an unplanned failover', 'tests/scenarios/clocks-and-losses.test.ts', 'N25: a takeover in async mode'],
  ['Mail comes back from the dumpster', 'tests/scenarios/clocks-and-losses.test.ts', 'N25: a takeover in async mode'],
  ['Other changes', 'tests/scenarios/clocks-and-losses.test.ts', 'N25: a takeover in async mode'],
  ['A copy takes over by itself only', MODES, 'guarantee: A copy takes over by itself only within the dial:'],
  ['Otherwise it waits', DECISIONS, 'ForcedDatabaseMountAfter: one hour passes'],
  ['The loss is recorded', FORCE, 'loss report:'],
  ['What the old active copy had more', 'tests/scenarios/failures.test.ts', 'case 6:'],
  ['When it follows again', QUARANTINE, 'S20: the old active copy returns:'],
  ['What is there already', QUARANTINE, 'S20: mail that the dumpster has brought back already:'],
  ['What is there already', QUARANTINE, 'S20: a message that was deleted in the moments that were lost:'],
  ['Deliveries accepted more than 7 days', 'src/store/divergent-tail.test.ts', 'divergent tail: a delivery so old'],
  ['Get-QuarantinedChange lists', QUARANTINE, 'S20: the old active copy returns:'],
  ['Mail that a seed has put aside', QUARANTINE, 'S20: a tail that an ordered seed has put aside:'],
  ['Restore-StorageGroupCopy lets', MODES, 'guarantee: async: beyond the dial'],
  ['It says before, in words', FORCE, 'activation by force: without -Force'],
  ['Restore-ClusterVote lets', ACCEPTORS, 'acceptor set: a vote is lost and given back:'],
  ['A majority of the others', ACCEPTORS, 'acceptor set: an old backup of a vote'],
  ['Changing the mode', MODES, 'guarantee: Changing the mode:'],
];

function read(path: string): string {
  return readFileSync(new URL(path, root), 'utf8');
}

test('promises: every sentence of the guarantees: has its line in the table, and every line its sentence', () => {
  const sentences = promisedSentences(read('docs/guarantees.md'));
  assert(sentences.length >= 30, 'the sentences were read');
  const without = sentences.filter((sentence) => !table.some(([opening]) => sentence.startsWith(opening)));
  assert.deepEqual(without, []);
  const stale = table.filter(([opening]) => !sentences.some((sentence) => sentence.startsWith(opening)));
  assert.deepEqual(stale, []);
});

test('promises: every test that the table names: is there', () => {
  const missing = table.filter(([, file, story]) => !read(file).includes(story));
  assert.deepEqual(missing, []);
});

test('promises: a sentence that nobody tells: is found', () => {
  const page =
    '# Page\n\n## Always\n\n- **It is so.** It stays so,\n  for ever.\n- More *(not yet)*.\n\n## Not promised\n\n- That.\n';
  assert.deepEqual(promisedSentences(page), ['It is so.', 'It stays so, for ever.']);
});
