/**
 * A storage group by itself. First as a copy runs it: deliveries that become rows, packs and records of the real log,
 * each waited for until it is durable; then the same log replayed into an empty database, which is what a passive copy
 * does. Then the maintenance of a copy (store-maintenance.ts), search in real messages (store-search.ts), and folders of
 * 100,000 and a million messages: opened, listed, flagged.
 */
import { join } from 'node:path';
import { machineClock } from '../src/host/machine.ts';
import { readFrame } from '../src/log/record.ts';
import { MAX_UID } from '../src/mail/limits.ts';
import { parseMessage } from '../src/mail/mime.ts';
import { encodeStructure } from '../src/mail/structure-codec.ts';
import { digestCopy } from '../src/store/maintenance/copy-digest.ts';
import { Replayer } from '../src/store/replay.ts';
import type { StorageGroup } from '../src/store/storage-group.ts';
import { openLog } from './log.ts';
import { diskLine, measureDisk } from './machine.ts';
import type { PartOptions } from './part.ts';
import { benchMaintenance } from './store-maintenance.ts';
import { carryOver, closeParts, inboxOf, newStore, openParts, storeOf } from './store-parts.ts';
import { BenchClient, benchSearch, row } from './store-search.ts';
import { type Cell, KIB, MIB, oneDecimal, printTable, twoDecimals, whole } from './table.ts';
import { atLeast, atMost, printTargets } from './targets.ts';

const MAILBOXES = 64;
const DELIVERERS = 64;
const DELIVERY_BYTES = 5_000;
/** Commits of the database while it works, as a copy makes them. */
const COMMIT_INTERVAL_MS = 1_000;
const BIG_FOLDER_MESSAGES = 1_000_000;
const MEDIUM_FOLDER_MESSAGES = 100_000;
const APPENDED_AT_ONCE = 500;

export async function benchStore({ folder, isQuick }: PartOptions): Promise<void> {
  const disk = measureDisk(folder);
  process.stdout.write(`${diskLine(folder, disk)}\n`);
  const deliveries = await benchDeliveries(join(folder, 'small'), isQuick ? 3_000 : 10_000);
  const rows = deliveries.map(({ what, count, seconds }): Cell[] => {
    const bytesPerSecond = (count * DELIVERY_BYTES) / seconds;
    return [
      what,
      whole(count),
      twoDecimals(seconds),
      whole(count / seconds),
      oneDecimal(bytesPerSecond / MIB),
      twoDecimals(count / seconds / disk.syncsPerSecond),
      oneDecimal((100 * bytesPerSecond) / disk.sequentialBytesPerSecond),
    ];
  });
  const head = ['step', 'messages', 'seconds', 'messages/s', 'MiB/s', 'per fdatasync', 'of disk %'];
  printTable('store: deliveries of 5 KB, one copy', head, rows);
  const replayed = deliveries.at(-1);
  const targets = [
    atLeast('replay', 20_000, replayed === undefined ? 0 : replayed.count / replayed.seconds, 'records/s'),
  ];
  targets.push(...(await benchMaintenance(join(folder, 'maintenance'), isQuick)));
  targets.push(...(await benchSearch(join(folder, 'search'), isQuick)));
  for (const messages of isQuick ? [MEDIUM_FOLDER_MESSAGES] : [MEDIUM_FOLDER_MESSAGES, BIG_FOLDER_MESSAGES]) {
    const warmMs = await benchBigFolder(join(folder, `folder-${messages}`), messages);
    if (messages === MEDIUM_FOLDER_MESSAGES) targets.push(atMost('SELECT of 100,000 messages, warm', 15, warmMs, 'ms'));
  }
  printTargets(targets);
}

interface Step {
  readonly what: string;
  readonly count: number;
  readonly seconds: number;
}

async function benchDeliveries(root: string, measureMs: number): Promise<Step[]> {
  const { log, close } = await openLog(join(root, 'log'));
  const { parts, store } = newStore(join(root, 'first'), log);
  const addresses = await makeMailboxes(store);
  const delivered = await deliver(store, addresses, measureMs);
  await store.commitDatabase();
  closeParts(parts);
  const replayed = await replay(join(root, 'second'), log);
  await close();
  return [delivered, replayed];
}

async function makeMailboxes(store: StorageGroup): Promise<string[]> {
  const addresses = Array.from({ length: MAILBOXES }, (_, index) => `user${index}@example.test`);
  for (const address of addresses) await store.createMailbox({ address, displayName: address, credential: null });
  return addresses;
}

function mail(sizeBytes: number): Buffer {
  const head =
    'From: a@example.org\r\nTo: b@example.test\r\nSubject: a usual message\r\nMessage-ID: <1@example.org>\r\n\r\n';
  return Buffer.from(head + 'A line of text that is as long as lines of text usually are.\r\n'.repeat(sizeBytes / 62));
}

async function deliver(store: StorageGroup, addresses: readonly string[], measureMs: number): Promise<Step> {
  const bytes = mail(DELIVERY_BYTES);
  const structure = encodeStructure(parseMessage(bytes));
  let count = 0;
  let isOver = false;
  const started = performance.now();
  const work = async (): Promise<void> => {
    while (performance.now() - started < measureMs) {
      count += 1;
      const deliveryId = Buffer.alloc(16);
      deliveryId.writeUInt32BE(count, 0);
      const recipients = [addresses[count % addresses.length] ?? ''];
      const acceptedMs = machineClock.wallMs();
      await store.deliver({ deliveryId, acceptedMs, sender: 'a@example.org', recipients, trace: '', bytes, structure });
      await store.settled();
    }
  };
  const commits = (async (): Promise<void> => {
    while (!isOver) {
      await new Promise((resolve) => setTimeout(resolve, COMMIT_INTERVAL_MS));
      await store.commitDatabase();
    }
  })();
  await Promise.all(Array.from({ length: DELIVERERS }, work));
  const seconds = (performance.now() - started) / 1_000;
  isOver = true;
  await commits;
  return { what: `delivery, ${DELIVERERS} at a time`, count, seconds };
}

async function replay(root: string, log: Awaited<ReturnType<typeof openLog>>['log']): Promise<Step> {
  const parts = openParts(root, log);
  const replayer = new Replayer(parts);
  let count = 0;
  const started = performance.now();
  for await (const item of log.reader.readFile(log.firstGeneration)) {
    if (item.type !== 'record') continue;
    replayer.apply(readFrame(item.frame));
    count += 1;
  }
  await replayer.commitDatabase();
  const seconds = (performance.now() - started) / 1_000;
  closeParts(parts);
  return { what: 'replay from the log', count, seconds };
}

/** What a client does in a big folder; then the memory that it took, and the digest of everything. Resolves to how long a warm SELECT took. */
async function benchBigFolder(root: string, messages: number): Promise<number> {
  const { log, close } = await openLog(join(root, 'log'));
  const { parts, store } = newStore(join(root, 'store'), log);
  const { id } = await store.createMailbox({ address: 'big@example.test', displayName: 'big', credential: null });
  const folderId = inboxOf(store, id);
  const append = await timed('append', messages, () => fill(store, folderId, messages));
  await store.commitDatabase(() => carryOver(parts));
  closeParts(parts);
  let reopened = parts;
  const open = await timed('open the database', 1, () => {
    reopened = openParts(join(root, 'store'), log);
  });
  const again = storeOf(reopened, log);
  const client = new BenchClient(again, id);
  await client.start();
  const select = await client.coldAndWarm('SELECT INBOX');
  const rows = [
    row('SELECT', select),
    row('UID SEARCH ALL', await client.coldAndWarm('UID SEARCH ALL', 3)),
    row('UID SEARCH UNSEEN', await client.coldAndWarm('UID SEARCH UNSEEN', 3)),
    row('UID SEARCH 1000:2000 UNSEEN', await client.coldAndWarm('UID SEARCH 1000:2000 UNSEEN')),
    row('UID SEARCH SUBJECT "usual", no index', await client.coldAndWarm('UID SEARCH SUBJECT "usual"', 1)),
    row('UID FETCH 1:* (FLAGS)', await client.coldAndWarm('UID FETCH 1:* (FLAGS)', 3)),
    row('STORE 1:* +FLAGS.SILENT (\\Seen)', await client.coldAndWarm('STORE 1:* +FLAGS.SILENT (\\Seen)', 1)),
  ];
  client.end();
  printTable(
    `store: an IMAP session in a folder of ${whole(messages)} messages`,
    ['command', 'cold ms', 'warm ms'],
    rows,
  );
  const steps = [append, open, await timed('read all rows', messages, () => readRows(again, folderId))];
  await again.settled();
  await again.commitDatabase();
  steps.push(await timed('digest of everything', messages, () => digestCopy(reopened.database.connection)));
  closeParts(reopened);
  await close();
  const cells = steps.map((step): Cell[] => [
    step.what,
    whole(step.count),
    twoDecimals(step.seconds),
    whole(step.count / step.seconds),
  ]);
  printTable('the same folder, below the session', ['step', 'count', 'seconds', 'per second'], cells);
  const { rss, heapUsed } = process.memoryUsage();
  process.stdout.write(
    `\nmemory of this process: ${whole(rss / MIB)} MiB resident at the end, ${whole(heapUsed / MIB)} MiB of it in V8's heap; at most ${whole(process.resourceUsage().maxRSS / KIB)} MiB\n`,
  );
  return select.warmMs;
}

async function fill(store: StorageGroup, folderId: number, messages: number): Promise<void> {
  const bytes = mail(300);
  const structure = parseMessage(bytes);
  const message = { bytes, structure, flags: 0, keywords: [], internalDateMs: machineClock.wallMs() };
  const batch = Array.from({ length: APPENDED_AT_ONCE }, () => message);
  for (let count = 0; count < messages; count += APPENDED_AT_ONCE) {
    await store.append(folderId, batch);
    if ((count / APPENDED_AT_ONCE) % 100 === 99) await store.commitDatabase();
    await store.settled();
  }
  await store.commitDatabase();
}

/** As a FETCH of everything reads them: page by page. */
function readRows(store: StorageGroup, folderId: number): void {
  const page = 1_000;
  for (let first = 1; ; ) {
    const last = store.messages(folderId, first, MAX_UID, page).at(-1);
    if (last === undefined) return;
    first = last.uid + 1;
  }
}

async function timed(what: string, count: number, work: () => unknown): Promise<Step> {
  const started = performance.now();
  await work();
  return { what, count, seconds: (performance.now() - started) / 1_000 };
}
