/**
 * The maintenance of a copy's files: eseutil's modes as they are, and the defragmentation of a copy that is in use. Each
 * is put beside what the same disk gives to a plain sequential read of the same files, with the system's memory of them
 * dropped before.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { FileSystemDisk } from '../src/host/disk.ts';
import { machineClock } from '../src/host/machine.ts';
import { FLAG_DELETED } from '../src/mail/flags.ts';
import { parseMessage } from '../src/mail/mime.ts';
import { UidSet } from '../src/mail/uid-set.ts';
import { verify } from '../src/main/eseutil/checks.ts';
import { defragmentCopy, repairCopy } from '../src/main/eseutil/offline.ts';
import { Progress } from '../src/main/eseutil/progress.ts';
import { MaintenanceJobs } from '../src/main/maintenance-jobs.ts';
import { defragmentOnline, type OnlineDefragmentation } from '../src/store/maintenance/defragment-online.ts';
import { packName } from '../src/store/maintenance/pack-name.ts';
import type { StorageGroup } from '../src/store/storage-group.ts';
import { openLog } from './log.ts';
import { carryOver, closeParts, inboxOf, newStore, openParts, type Parts, storeOf } from './store-parts.ts';
import { type Cell, KIB, MIB, milliseconds, oneDecimal, printTable, twoDecimals, whole } from './table.ts';
import { atLeast, type Target } from './targets.ts';

const MESSAGE_BYTES = 20 * KIB;
const COPY_BYTES = 1024 * MIB;
const QUICK_COPY_BYTES = 320 * MIB;
const APPENDED_AT_ONCE = 50;

interface Step {
  readonly what: string;
  readonly bytes: number;
  readonly seconds: number;
}

export async function benchMaintenance(root: string, isQuick: boolean): Promise<readonly Target[]> {
  const copy = join(root, 'copies', 'bench');
  await makeCopy(copy, (isQuick ? QUICK_COPY_BYTES : COPY_BYTES) / MESSAGE_BYTES);
  const silent = { print: () => undefined, progress: new Progress(() => undefined) };
  const steps: Step[] = [];
  const cold = async (what: string, work: () => unknown): Promise<void> => {
    dropFromMemory(copy);
    steps.push(await timed(what, copy, work));
  };
  await cold('sequential read of the files', () => readAll(copy));
  await cold('verification, eseutil /k', () => verify(copy, silent.print, silent.progress));
  damageBodies(copy, 3);
  await cold('repair, eseutil /p, of 3 damaged messages', () => repairCopy(copy, silent));
  const online = await benchOnline(copy);
  steps.push(online.step);
  await cold('defragmentation, eseutil /d', () => defragmentCopy(copy, silent));
  print(steps, online.result);
  return targetsOf(steps);
}

function targetsOf([sequential, verification, ...others]: readonly Step[]): readonly Target[] {
  const mibPerSecond = (step: Step | undefined): number => (step === undefined ? 0 : step.bytes / MIB / step.seconds);
  const wanted = Math.min(400, 0.7 * mibPerSecond(sequential));
  return [
    atLeast('verification', wanted, mibPerSecond(verification), 'MiB/s'),
    ...others.map((step) => atLeast(step.what, 100, (step.bytes / step.seconds / 1e9) * 3_600, 'GB/h')),
  ];
}

function print(steps: readonly Step[], online: OnlineDefragmentation): void {
  const [sequential] = steps;
  const best = (sequential?.bytes ?? 0) / (sequential?.seconds ?? 1);
  const rows = steps.map(({ what, bytes, seconds }): Cell[] => [
    what,
    whole(bytes / MIB),
    twoDecimals(seconds),
    whole(bytes / MIB / seconds),
    oneDecimal((bytes / seconds / 1e9) * 3_600),
    oneDecimal((100 * bytes) / seconds / best),
  ]);
  const head = ['step', 'MiB', 'seconds', 'MiB/s', 'GB/h', 'of disk %'];
  printTable(`store: maintenance of a copy, messages of ${MESSAGE_BYTES / KIB} KiB`, head, rows);
  process.stdout.write(
    `\nonline: ${whole(online.movedBytes / MIB)} MiB moved, ${online.emptiedPacks} packs emptied, longest step ${milliseconds(online.longestStepMs)} ms\n`,
  );
}

async function makeCopy(root: string, messages: number): Promise<void> {
  mkdirSync(root, { recursive: true });
  const { log, close } = await openLog(join(root, 'log'));
  const { parts, store } = newStore(root, log);
  const { id } = await store.createMailbox({ address: 'ann@example.test', displayName: 'ann', credential: null });
  await store.settings.setLimits(id, { retentionMs: 0 });
  const folderId = inboxOf(store, id);
  for (let count = 0; count < messages; count += APPENDED_AT_ONCE) {
    const batch = Array.from({ length: APPENDED_AT_ONCE }, (_, index) => message(count + index));
    await store.append(folderId, batch);
    await store.settled();
  }
  await store.commitDatabase(() => carryOver(parts));
  closeParts(parts);
  await close();
}

function message(number: number) {
  const line = `${number} is the number of this message, and its lines are as long as lines usually are.\r\n`;
  const bytes = Buffer.from(
    `From: a@example.org\r\nSubject: ${number}\r\n\r\n${line.repeat(MESSAGE_BYTES / line.length)}`,
  );
  return { bytes, structure: parseMessage(bytes), flags: 0, keywords: [], internalDateMs: machineClock.wallMs() };
}

/** Two of three messages go; then the copy is defragmented while it is open. */
async function benchOnline(root: string): Promise<{ step: Step; result: OnlineDefragmentation }> {
  const { log, close } = await openLog(join(root, 'log'));
  const parts = openParts(root, log);
  const store = storeOf(parts, log);
  const folderId = inboxOf(store, store.mailboxByAddress('ann@example.test')?.id ?? 0);
  const gone = UidSet.of(store.uids(folderId).filter((uid) => uid % 3 !== 0));
  await store.changeFlags(folderId, gone, { operation: 'add', flags: FLAG_DELETED, keywords: [] });
  await store.expunge(folderId);
  await store.commitDatabase(() => carryOver(parts));
  dropFromMemory(root);
  let result: OnlineDefragmentation | undefined;
  const step = await timed('defragmentation online', root, async () => {
    result = await defragmentOnline(onlineCopy(root, parts, store));
    await store.commitDatabase(() => carryOver(parts));
  });
  closeParts(parts);
  await close();
  if (result === undefined) throw new Error('It has a result');
  return { step, result };
}

function onlineCopy(root: string, parts: Parts, store: StorageGroup): Parameters<typeof defragmentOnline>[0] {
  const jobs = new MaintenanceJobs(root);
  const disk = new FileSystemDisk(root);
  return {
    fills: () => jobs.run({ job: 'fills' }),
    bodiesOf: (pack) => jobs.run({ job: 'bodies', pack }),
    warm: async (pack, position, length) => {
      await disk.read(packName(pack), position, length);
    },
    inTurn: (work) => store.inTurn(() => work(parts)),
    monotonicMs: () => machineClock.monotonicMs(),
    rest: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    onProgress: () => undefined,
  };
}

/** One bit in the bytes of some messages. */
function damageBodies(root: string, count: number): void {
  const [name = ''] = readdirSync(join(root, 'packs')).sort();
  const file = openSync(join(root, 'packs', name), 'r+');
  const byte = Buffer.alloc(1);
  for (let number = 1; number <= count; number++) {
    const position = number * 10 * MESSAGE_BYTES + 1_000;
    readSync(file, byte, 0, 1, position);
    byte.writeUInt8(byte.readUInt8(0) ^ 1, 0);
    writeSync(file, byte, 0, 1, position);
  }
  closeSync(file);
}

function filesOf(root: string): string[] {
  const all = readdirSync(root, { recursive: true, withFileTypes: true });
  return all.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

/** The next read of these files comes from the disk. GNU dd does it for a file without a right over the machine. */
function dropFromMemory(root: string): void {
  for (const path of filesOf(root)) {
    execFileSync('dd', [`of=${path}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0', 'status=none']);
  }
}

function readAll(root: string): void {
  const piece = Buffer.alloc(4 * MIB);
  for (const path of filesOf(root)) {
    const file = openSync(path, 'r');
    while (readSync(file, piece) > 0);
    closeSync(file);
  }
}

/** `bytes`: what the copy had on the disk before. */
async function timed(what: string, root: string, work: () => unknown): Promise<Step> {
  const bytes = filesOf(root).reduce((sum, path) => sum + statSync(path).size, 0);
  const started = performance.now();
  await work();
  return { what, bytes, seconds: (performance.now() - started) / 1_000 };
}
