/**
 * Runs the storage's story once for each fault that it reads, in a process whose disk is faulty-disk.c, and says how
 * each ended: one line of JSON for each. Storage that broke is closed, the fault is taken away, and what it promised is
 * looked for.
 *
 *   failing-disk-program.ts ROOT < FAULTS (JSON: list of Fault)
 */
import { mkdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isProblem, messageOf } from '../../src/base/problem.ts';
import { type Fault, type FaultOutcome, orderFault } from './faulty-disk.ts';
import { assertKept, noPromises, note, storageStory } from './storage-story.ts';
import { StorageUnderTest } from './storage-under-test.ts';

const [root = ''] = process.argv.slice(2);

async function suffer(fault: Fault): Promise<FaultOutcome> {
  const folder = join(root, 'run');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const promises = noPromises();
  const storage = new StorageUnderTest(folder);
  orderFault(fault);
  let failure: unknown;
  try {
    await storageStory(storage, note(promises));
  } catch (error) {
    failure = error;
  }
  orderFault(undefined);
  await storage.abandon();
  const outcome = {
    fault,
    promised: promises.messages.length,
    code: failure === undefined ? undefined : isProblem(failure) ? failure.code : 'none',
    message: failure === undefined ? undefined : messageOf(failure),
  };
  try {
    await assertKept(folder, promises);
    return { ...outcome, loss: undefined };
  } catch (error) {
    return { ...outcome, loss: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

let text = '';
for await (const chunk of process.stdin.setEncoding('utf8')) text += String(chunk);
for (const fault of JSON.parse(text) as Fault[]) writeSync(1, `${JSON.stringify(await suffer(fault))}\n`);
process.exit();
