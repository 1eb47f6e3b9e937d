import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placesOf, type QuorumDescription } from './acceptor-places.ts';

const share = { share: '/mnt/witness' };
const namesIn = (quorum: QuorumDescription): readonly string[] => placesOf(quorum).map((place) => place.name);

test('places: three nodes: a majority of them, and a witness beside them does not vote', () => {
  assert.deepEqual(namesIn({ nodes: ['a', 'b', 'c'] }), ['a', 'b', 'c']);
  assert.deepEqual(namesIn({ nodes: ['a', 'b', 'c'], witness: share }), ['a', 'b', 'c']);
  assert.deepEqual(namesIn({ nodes: ['a'] }), ['a']);
});

test('places: two nodes and a witness: a share or a process, by its name', () => {
  assert.deepEqual(placesOf({ nodes: ['a', 'b'], witness: share })[2], {
    kind: 'share',
    name: 'witness',
    path: '/mnt/witness',
  });
  const witness = { host: 'w' };
  assert.deepEqual(placesOf({ nodes: ['a', 'b'], witness })[2], { kind: 'process', name: 'w' });
});

test('places: a quorum disk: one vote, whatever the number of nodes', () => {
  for (const nodes of [['a'], ['a', 'b'], ['a', 'b', 'c']]) {
    assert.deepEqual(placesOf({ nodes, quorumDisk: '/san/quorum' }), [
      { kind: 'disk', name: 'quorum', path: '/san/quorum' },
    ]);
  }
});

test('places: sets that make no sense: refused, each with what to do', () => {
  const refused = (quorum: QuorumDescription, message: RegExp) =>
    assert.throws(() => placesOf(quorum), { code: 'QuorumInvalid', message });
  refused({ nodes: [] }, /there is no node/);
  refused({ nodes: ['a', 'b'] }, /2 nodes are an even number.*Add a witness/);
  refused({ nodes: ['a', 'b', 'a'] }, /a is named twice/);
  refused({ nodes: ['a', 'witness', 'c'] }, /a host called witness would be taken for another vote/);
  refused({ nodes: ['a', 'b'], witness: { host: 'b' } }, /b is the witness and a node/);
  refused({ nodes: ['a', 'b'], witness: share, quorumDisk: '/q' }, /a quorum disk is the only vote/);
  const many = Array.from({ length: 11 }, (_, index) => `n${index}`);
  refused({ nodes: many }, /11 votes are more than 9/);
});
