/** The judge is judged: a check that finds nothing must be known to find what was planted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  History,
  idHeader,
  idOf,
  type MessageEntry,
  type Outcome,
  type PresentMessage,
  sha256Of,
} from '../support/history.ts';
import { checkHistory, faultsOf } from '../support/history-check.ts';

const mailbox = 'user1@example.test';

function entry(id: string, outcome: Outcome = 'acknowledged'): MessageEntry {
  return { id, mailbox, folder: 'INBOX', via: 'lmtp', sha256: sha256Of(Buffer.from(id)), outcome };
}

function there(id: string, changes: Partial<PresentMessage> = {}): PresentMessage {
  return { id, mailbox, folder: 'INBOX', uid: 1, sha256: sha256Of(Buffer.from(id)), flags: [], ...changes };
}

function historyOf(...messages: MessageEntry[]): History {
  const history = new History();
  history.messages.push(...messages);
  return history;
}

test('history check: everything as acknowledged: nothing is found', () => {
  const history = historyOf(entry('a'), entry('b', 'unknown'), entry('c', 'unknown'), entry('d', 'refused'));
  history.flags.push({ id: 'a', mailbox, flags: ['\\Seen', 'work'], outcome: 'acknowledged' });
  const verdict = checkHistory(history, [there('a', { flags: ['work', '\\Seen'] }), there('b')]);
  assert.deepEqual(faultsOf(verdict), []);
  assert.equal(verdict.acknowledged, 1);
  assert.equal(verdict.acknowledgedFlags, 1);
});

test('history check: a planted loss: is found', () => {
  const verdict = checkHistory(historyOf(entry('a'), entry('b')), [there('a')]);
  assert.equal(verdict.lost.length, 1);
  assert.match(verdict.lost[0] ?? '', /user1@example\.test b /);
  assert.equal(faultsOf(verdict).length, 1);
});

test('history check: a planted duplicate: is found, of an unknown message too', () => {
  const history = historyOf(entry('a'), entry('b', 'unknown'));
  const verdict = checkHistory(history, [
    there('a'),
    there('a', { uid: 2 }),
    there('b', { uid: 3 }),
    there('b', { uid: 4 }),
  ]);
  assert.equal(verdict.duplicated.length, 2);
  assert.equal(faultsOf(verdict).length, 2);
});

test('history check: an altered byte, another folder: are found', () => {
  const altered = there('a', { sha256: sha256Of(Buffer.from('A')) });
  const verdict = checkHistory(historyOf(entry('a'), entry('b')), [altered, there('b', { folder: 'Junk' })]);
  assert.equal(verdict.altered.length, 2);
});

test('history check: the same message for two mailboxes: each is judged for itself', () => {
  const other = 'user2@example.test';
  const history = historyOf(entry('a'), { ...entry('a'), mailbox: other });
  assert.deepEqual(faultsOf(checkHistory(history, [there('a'), there('a', { mailbox: other })])), []);
  assert.equal(checkHistory(history, [there('a')]).lost.length, 1);
  assert.equal(checkHistory(history, [there('a'), there('a', { uid: 2 })]).lost.length, 1);
});

test('history check: flags: the last acknowledged ones, or unknown ones after them', () => {
  const history = historyOf(entry('a'));
  const change = (flags: string[], outcome: Outcome) => history.flags.push({ id: 'a', mailbox, flags, outcome });
  const flagsLost = (flags: string[]) => checkHistory(history, [there('a', { flags })]).flagsLost.length;
  change(['\\Flagged'], 'unknown');
  assert.deepEqual([flagsLost([]), flagsLost(['\\Flagged']), flagsLost(['\\Seen'])], [0, 0, 1]);
  change(['\\Seen'], 'acknowledged');
  assert.deepEqual([flagsLost(['\\Seen']), flagsLost(['\\Flagged']), flagsLost([])], [0, 1, 1]);
  change(['\\Draft'], 'refused');
  change(['\\Answered'], 'unknown');
  assert.deepEqual([flagsLost(['\\Seen']), flagsLost(['\\Answered']), flagsLost(['\\Draft'])], [0, 0, 1]);
});

test('history check: refused, and expunged: must not be there', () => {
  const history = historyOf(entry('a', 'refused'), entry('b'), entry('c'), entry('d'));
  history.expunges.push({ id: 'b', mailbox, outcome: 'acknowledged' });
  history.expunges.push({ id: 'c', mailbox, outcome: 'unknown' });
  history.expunges.push({ id: 'd', mailbox, outcome: 'refused' });
  assert.deepEqual(faultsOf(checkHistory(history, [there('d')])), []);
  const verdict = checkHistory(history, [there('a'), there('b'), there('c'), there('d')]);
  assert.equal(verdict.resurrected.length, 2);
  assert.equal(checkHistory(history, []).lost.length, 1);
});

test('history check: what nobody sent: is found', () => {
  assert.equal(checkHistory(historyOf(), [there('a')]).foreign.length, 1);
});

test('history check: any plan with one fault planted: exactly that fault is found', () => {
  const outcomes = fc.array(fc.constantFrom<Outcome>('acknowledged', 'refused', 'unknown'), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(outcomes, fc.nat(), fc.constantFrom('loss', 'duplicate', 'alter', 'refused'), (plan, pick, fault) => {
      const history = historyOf(...plan.map((outcome, index) => entry(`m${index}`, outcome)));
      const present = plan.flatMap((outcome, index) => (outcome === 'acknowledged' ? [there(`m${index}`)] : []));
      assert.deepEqual(faultsOf(checkHistory(history, present)), []);
      const at = pick % Math.max(1, present.length);
      const chosen = present[at];
      const refused = plan.indexOf('refused');
      if (fault === 'loss' && chosen !== undefined) present.splice(at, 1);
      else if (fault === 'duplicate' && chosen !== undefined) present.push({ ...chosen, uid: 99 });
      else if (fault === 'alter' && chosen !== undefined) present[at] = { ...chosen, sha256: 'other' };
      else if (fault === 'refused' && refused >= 0) present.push(there(`m${refused}`));
      else return;
      assert.equal(faultsOf(checkHistory(history, present)).length, 1);
    }),
  );
});

test('history: a message tells its id, whatever follows', () => {
  const message = Buffer.from(`From: a@example.org\r\n${idHeader('run-1.x')}Subject: s\r\n\r\n\xff`, 'latin1');
  assert.equal(idOf(message), 'run-1.x');
  assert.equal(idOf(Buffer.from('Subject: none\r\n\r\n')), '');
});
