import { deepEqual } from 'node:assert/strict';
import { test } from 'node:test';
import { evictNode, placeNode, readmitNode } from './configuration-changes.ts';
import { hostsToLearn } from './known-hosts.ts';
import { parseRegisterDocument, type RegisterDocument } from './register-document.ts';
import { documentOf } from './testing/documents.ts';

const place = {
  address: '192.0.2.3',
  clusterPort: 3343,
  roles: ['mailbox'],
  copyPorts: { 'First Storage Group': 3344 },
  addresses: { Private: '10.0.0.3' },
};
const A = { name: 'A', address: '192.0.2.1', clusterPort: 3343 };
const NEVER: ReadonlyMap<string, number> = new Map();
const C = { name: 'C', address: '192.0.2.3', clusterPort: 3343 };

function changed(document: RegisterDocument | undefined): RegisterDocument {
  return parseRegisterDocument(document);
}

test('known hosts: a node was added: who does not list it, or elsewhere, adds it; who does has nothing to do', () => {
  const document = changed(placeNode(documentOf(), 'C', place));
  const add = [{ name: 'C', place }];
  deepEqual(hostsToLearn(document, [A], 'A', NEVER), { add, remove: [] });
  deepEqual(hostsToLearn(document, [A, { ...C, address: '192.0.2.9' }], 'A', NEVER), { add, remove: [] });
  deepEqual(hostsToLearn(document, [A, C], 'A', NEVER), { add: [], remove: [] });
  deepEqual(placeNode(document, 'C', place), undefined, 'twice is once');
});

test('known hosts: a node was evicted: who lists it removes it, but for the node itself; added again, it is added', () => {
  const evicted = changed(evictNode(changed(placeNode(documentOf(), 'C', place)), 'C'));
  deepEqual(evicted.places, undefined);
  deepEqual(hostsToLearn(evicted, [A, C], 'A', NEVER), { add: [], remove: ['C'] });
  deepEqual(hostsToLearn(evicted, [A, C], 'C', NEVER), { add: [], remove: [] });
  const again = changed(placeNode(changed(readmitNode(evicted, 'C')), 'C', place));
  deepEqual(hostsToLearn(again, [A], 'A', NEVER), { add: [{ name: 'C', place }], remove: [] });
});

test('known hosts: a node comes back, and a look at the register from before that is late: it stays known until a newer one says otherwise', () => {
  const evicted = changed(evictNode(documentOf(), 'C'));
  const addedOver = new Map([['C', evicted.version]]);
  deepEqual(hostsToLearn(evicted, [A, C], 'A', addedOver), { add: [], remove: [] });
  const later = { ...evicted, version: evicted.version + 1 };
  deepEqual(hostsToLearn(later, [A, C], 'A', addedOver), { add: [], remove: ['C'] });
});
