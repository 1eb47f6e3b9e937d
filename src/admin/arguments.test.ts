import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isProblem } from '../base/problem.ts';
import { parseArguments } from './arguments.ts';
import { registry } from './registry.ts';

const parse = (name: string, ...words: string[]) => parseArguments(registry.find(name), words);

test('arguments: names in any case, shortened, with one dash or two: the same parameter', () => {
  for (const words of [
    ['-Identity', 'mbx01', '-TargetMachine', 'node2', '-MoveComment', 'x'],
    ['mbx01', '-targetmachine', 'node2', '-movecomment:x'],
    ['--Identity', 'mbx01', '--target', 'node2', '-m', 'x'],
  ]) {
    const { parameters } = parse('Move-ClusteredMailboxServer', ...words);
    assert.deepEqual(parameters, { Identity: 'mbx01', TargetMachine: 'node2', MoveComment: 'x' });
  }
});

test('arguments: a shortened name that may be two: refused, both are named', () => {
  assert.throws(() => parse('Suspend-StorageGroupCopy', 'a', '-S', 'x'), {
    code: 'ArgumentInvalid',
    message: /-S may be -SuspendComment or -StandbyMachine/,
  });
});

test('arguments: switches: on by their name, off by :$false, also after a shell has eaten the word', () => {
  assert.equal(parse('Move-ClusteredMailboxServer', '-Confirm').confirm, true);
  assert.equal(parse('Move-ClusteredMailboxServer', '-Confirm:$false').confirm, false);
  assert.equal(parse('Move-ClusteredMailboxServer', '-Confirm:').confirm, false);
  assert.equal(parse('Move-ClusteredMailboxServer').confirm, undefined);
  assert.deepEqual(parse('Update-StorageGroupCopy', 'a', '-DeleteExistingFiles').parameters, {
    Identity: 'a',
    DeleteExistingFiles: true,
  });
  assert.throws(() => parse('Update-StorageGroupCopy', '-ManualResume:maybe'), /is \$true or \$false/);
});

test('arguments: what the shell understands itself is not passed on', () => {
  const given = parse('Get-Mailbox', '-Format', 'json', '--data', '/x', '-ResultSize', '5');
  assert.deepEqual([given.format, given.data, given.parameters], ['Json', '/x', { ResultSize: 5 }]);
  assert.equal(parse('Get-Mailbox', '-?').help, true);
});

test("arguments: Exchange's other names of a parameter are understood", () => {
  const { parameters } = parse('New-Mailbox', '-Name', 'Anna', '-UserPrincipalName', 'anna@example.test');
  assert.deepEqual(parameters, { DisplayName: 'Anna', Identity: 'anna@example.test' });
});

test('arguments: a missing value, a parameter too many, given twice, unknown, not a number: refused in words', () => {
  assert.throws(() => parse('Get-Mailbox', '-Identity'), /-Identity needs a value/);
  assert.throws(() => parse('Get-Mailbox', '-Identity', '-Server'), /-Identity needs a value/);
  assert.throws(() => parse('Get-Mailbox', 'a', 'b'), /nothing is known to do with "b"/);
  assert.throws(() => parse('Get-Mailbox', '-Identity', 'a', '-Identity', 'b'), /-Identity is given twice/);
  assert.throws(() => parse('Get-Mailbox', '-Nonsense', 'a'), /it has no parameter -Nonsense/);
  assert.throws(() => parse('Get-Mailbox', '-ResultSize', '1e3'), /-ResultSize is a whole number/);
  assert.throws(() => parse('Get-Mailbox', '-WhatIf'), /it has no parameter -WhatIf/);
  assert.throws(() => parse('Get-Mailbox', '-Format', 'Xml'), /-Format is Table, List, Json, not "Xml"/);
  assert.throws(() => parse('Get-Mailbox', ...Array.from({ length: 201 }, () => 'x')), /more than 200 words/);
});

test('arguments: any words: parsed or refused with a Problem, and no name reaches an object prototype', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom('-Identity', '-__proto__', '-constructor', '-Force', '-F', '--', '-', ':'),
  );
  fc.assert(
    fc.property(fc.constantFrom(...registry.commands), fc.array(word, { maxLength: 8 }), (command, words) => {
      try {
        const { parameters } = parseArguments(command, words);
        assert.equal(Object.getPrototypeOf(parameters), Object.prototype);
        for (const name of Object.keys(parameters)) assert.ok(name in command.parameters.shape || name === 'WhatIf');
      } catch (error) {
        assert.ok(isProblem(error, 'ArgumentInvalid'), String(error));
      }
    }),
  );
});
