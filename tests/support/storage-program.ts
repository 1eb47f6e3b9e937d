/**
 * The storage of one copy by itself, as a process that may be killed at any point. One line of JSON for each promise, at
 * the moment it is made; "end" when everything is done.
 *
 *   storage-program.ts ROOT
 */
import { writeSync } from 'node:fs';
import { storageStory } from './storage-story.ts';
import { StorageUnderTest } from './storage-under-test.ts';

const [root = ''] = process.argv.slice(2);

await storageStory(new StorageUnderTest(root), (promise) => writeSync(1, `${JSON.stringify(promise)}\n`));
writeSync(1, '"end"\n');
process.exit();
