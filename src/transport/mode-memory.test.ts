import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../base/logger.ts';
import { ManualClock, settle } from '../base/testing/manual-clock.ts';
import { Copies, STORAGE_GROUP } from '../directory/testing/copies.ts';
import { MemoryStore } from '../directory/testing/memory-store.ts';
import { ModeMemory } from './mode-memory.ts';

function memoryOver(text: string | undefined) {
  const clock = new ManualClock();
  const copies = new Copies(clock);
  const file = {
    text,
    load: () => file.text,
    save: (changed: string) => {
      file.text = changed;
    },
  };
  const mode = new ModeMemory({ file, logger: silentLogger }).modeOf(copies.finder());
  return { copies, file, mode };
}

test('modes: nothing was ever told, or what is remembered is damaged: the strictest', () => {
  for (const text of [undefined, '', '[]', 'null', `{"${STORAGE_GROUP}":"fast"}`, '{"x":']) {
    assert.equal(memoryOver(text).mode(), 'sync-strict', String(text));
  }
});

test('modes: a copy has told its mode: it holds for the next process too', async () => {
  const { copies, file, mode } = memoryOver(undefined);
  copies.activate('node1', new MemoryStore([]));
  await settle();
  const told = mode();
  assert.equal(memoryOver(file.text).mode(), told);
  assert.deepEqual(JSON.parse(file.text ?? ''), { [STORAGE_GROUP]: told });
});
