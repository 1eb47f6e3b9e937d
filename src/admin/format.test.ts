import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Column } from './command.ts';
import { escapeControl, formatList, formatRows, formatTable } from './format.ts';
import { registry } from './registry.ts';

const columns: readonly Column[] = [
  { name: 'Name', type: 'text', description: '' },
  { name: 'CopyQueueLength', type: 'number', description: '' },
  { name: 'Failed', type: 'boolean', description: '' },
  { name: 'LastInspectedLogTime', type: 'time', description: '' },
  { name: 'Machines', type: 'list', description: '' },
];
const row = {
  Name: 'Sales SG',
  CopyQueueLength: 0,
  Failed: false,
  LastInspectedLogTime: '2007-10-30T14:42:01.250Z',
  Machines: ['node1 <Active>', 'node2'],
};

test('format: table: columns as wide as what they hold', () => {
  const empty = { Name: 'é', CopyQueueLength: null, Failed: true, LastInspectedLogTime: null, Machines: [] };
  assert.equal(
    formatTable(columns, [row, empty]),
    [
      'Name      CopyQueueLength  Failed  LastInspectedLogTime  Machines',
      '----      ---------------  ------  --------------------  --------',
      'Sales SG  0                False   2007-10-30 14:42:01Z  {node1 <Active>, node2}',
      'é                          True                          {}',
      '',
    ].join('\n'),
  );
  assert.equal(formatTable(columns, []), '');
});

test('format: list: names aligned, objects apart', () => {
  assert.equal(
    formatList(columns.slice(0, 2), [row, { ...row, Name: null }]),
    'Name            : Sales SG\nCopyQueueLength : 0\n\nName            :\nCopyQueueLength : 0\n',
  );
});

test('format: JSON: the properties as they are, lists as lists', () => {
  const command = registry.find('Get-ClusteredMailboxServerStatus');
  const rows = [{ OperationalMachines: ['mbx01-node1 <Active, Quorum Owner>', 'mbx01-node2'] }];
  assert.deepEqual(JSON.parse(formatRows(command, rows, 'Json')), rows);
  assert.equal(formatRows(command, [], 'Json'), '[]\n');
});

test('format: what could move the cursor or turn the text around is escaped', () => {
  assert.equal(
    escapeControl('a\u001b[31mb\r\n\u202ec\u2028\ud800'),
    'a\\u{1b}[31mb\\u{d}\\u{a}\\u{202e}c\\u{2028}\\u{d800}',
  );
});

test('format: any text in any format: no control character but the line feeds of the format itself', () => {
  const command = registry.find('Get-Mailbox');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('Table', 'List', 'Json' as const), (text, format) => {
      const printed = formatRows(command, [{ Name: text, DisplayName: text }], format);
      assert.doesNotMatch(printed.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Cs}]/u);
      if (format === 'Json') assert.deepEqual(JSON.parse(printed), [{ Name: text, DisplayName: text }]);
    }),
  );
});
