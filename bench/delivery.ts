/**
 * Messages per second that are acknowledged over LMTP by the cluster that `holdfast demo` starts: every 250 stands on
 * two synced copies. Hub, both mailbox nodes and the load generator share the cores of this machine and its one disk,
 * so a second machine would only make these figures better.
 */
import { DemoCluster, pause } from './demo-cluster.ts';
import { Load } from './load.ts';
import type { LoadResult } from './load-generator.ts';
import { type DiskFigures, diskLine, measureDisk } from './machine.ts';
import type { PartOptions } from './part.ts';
import {
  busySeconds,
  type ProcessFacts,
  type ProcessorTimes,
  peakBytes,
  processorTimes,
  residentBytes,
  THREAD_KINDS,
} from './processes.ts';
import { type Cell, MIB, milliseconds, oneDecimal, printTable, sizeName, twoDecimals, whole } from './table.ts';

interface Setting {
  readonly messageBytes: number;
  readonly connections: number;
}

interface Measured {
  readonly setting: Setting;
  readonly load: LoadResult;
  readonly shares: readonly ProcessShare[];
  /** Cores that others than cluster and generator used meanwhile: where it is not near 0, the figures are too low. */
  readonly othersCores: number;
}

interface ProcessShare {
  readonly name: string;
  readonly times: ProcessorTimes;
  readonly residentBytes: number;
  readonly peakBytes: number;
}

const USERS = 64;
const SIZES = [5_000, 50_000, 1_000_000];
const CONNECTIONS = [1, 16, 64, 256];
/** The setting that targets are stated for, and whose processes are looked at. */
const TARGET: Setting = { messageBytes: 5_000, connections: 64 };
const QUICK: readonly Setting[] = [
  { messageBytes: 5_000, connections: 1 },
  TARGET,
  { messageBytes: 50_000, connections: 16 },
  { messageBytes: 1_000_000, connections: 16 },
];
const WARM_UP_MS = 1_500;

export async function benchDelivery({ folder, isQuick }: PartOptions): Promise<void> {
  const disk = measureDisk(folder);
  process.stdout.write(`${diskLine(folder, disk)}\n`);
  const cluster = await DemoCluster.start(folder, USERS);
  try {
    const measured: Measured[] = [];
    const settings = isQuick ? QUICK : allSettings();
    for (const setting of settings) measured.push(await measure(cluster, setting, isQuick ? 3_000 : 6_000));
    printRates(measured, disk);
    for (const each of measured) if (isTarget(each.setting)) printShares(each);
  } finally {
    await cluster.stop();
  }
}

/** Small messages first: the target's memory is that of a cluster that has seen nothing larger. */
function allSettings(): Setting[] {
  return SIZES.flatMap((messageBytes) => CONNECTIONS.map((connections) => ({ messageBytes, connections })));
}

function isTarget(setting: Setting): boolean {
  return setting.messageBytes === TARGET.messageBytes && setting.connections === TARGET.connections;
}

async function measure(cluster: DemoCluster, setting: Setting, measureMs: number): Promise<Measured> {
  const { activeHost } = await cluster.settled();
  const { address, ports, users } = cluster.description;
  const processes = cluster.processes();
  const load = new Load({
    address,
    port: ports['lmtp'] ?? 0,
    ...setting,
    recipients: users.map((user) => user.address),
    warmUpMs: WARM_UP_MS,
    measureMs,
    rate: 0,
  });
  await pause(WARM_UP_MS);
  const before = processes.map(({ pid }) => processorTimes(pid));
  const busyBefore = busySeconds();
  const result = await load.result();
  const busy = busySeconds() - busyBefore;
  const shares = processes.map((facts, index) => shareOf(facts, activeHost, before[index]));
  const ours = shares.reduce((sum, { times }) => sum + totalOf(times), result.processorSeconds);
  await cluster.settled();
  return { setting, load: result, shares, othersCores: Math.max(0, busy - ours) / result.seconds };
}

function shareOf(facts: ProcessFacts, activeHost: string, before: ProcessorTimes | undefined): ProcessShare {
  const now = processorTimes(facts.pid);
  const times = { ...now };
  for (const kind of THREAD_KINDS) times[kind] = now[kind] - (before?.[kind] ?? 0);
  const isActive = facts.host === activeHost;
  const name = facts.role === 'copy' ? `${isActive ? 'active' : 'passive'} copy` : `${facts.role} of ${facts.host}`;
  return { name, times, residentBytes: residentBytes(facts.pid), peakBytes: peakBytes(facts.pid) };
}

function totalOf(times: ProcessorTimes): number {
  return THREAD_KINDS.reduce((sum, kind) => sum + times[kind], 0);
}

function printRates(measured: readonly Measured[], disk: DiskFigures): void {
  const head = [
    'message',
    'connections',
    'messages/s',
    'MiB/s',
    'p50 ms',
    'p99 ms',
    'failed',
    'per fdatasync',
    'of disk %',
    'active MiB',
    'passive MiB',
    "others' cores",
  ];
  const rows = measured.map(({ setting, load, shares, othersCores }): Cell[] => {
    const rate = load.acknowledged / load.seconds;
    const bytesPerSecond = rate * setting.messageBytes;
    return [
      sizeName(setting.messageBytes),
      setting.connections,
      whole(rate),
      oneDecimal(bytesPerSecond / MIB),
      ...load.latencyMs.map(milliseconds),
      load.failed,
      twoDecimals(rate / disk.syncsPerSecond),
      oneDecimal((100 * bytesPerSecond) / disk.sequentialBytesPerSecond),
      ...['active copy', 'passive copy'].map((name) => memoryOf(shares, name)),
      oneDecimal(othersCores),
    ];
  });
  printTable('delivery: LMTP, acknowledged when both copies have synced', head, rows);
  for (const { setting, load } of measured) {
    if (load.firstFailure === undefined) continue;
    process.stdout.write(
      `${sizeName(setting.messageBytes)}, ${setting.connections} connections: first failure: ${load.firstFailure}\n`,
    );
  }
}

function memoryOf(shares: readonly ProcessShare[], name: string): string {
  return whole((shares.find((share) => share.name === name)?.residentBytes ?? Number.NaN) / MIB);
}

function printShares({ setting, load, shares }: Measured): void {
  const perMessage = (seconds: number): string => whole((seconds * 1_000_000) / load.acknowledged);
  const rows = shares.map(({ name, times, ...memory }): Cell[] => {
    const total = totalOf(times);
    return [
      name,
      twoDecimals(total / load.seconds),
      perMessage(total),
      ...THREAD_KINDS.map((kind) => perMessage(times[kind])),
      whole(memory.residentBytes / MIB),
      whole(memory.peakBytes / MIB),
    ];
  });
  const own = perMessage(load.processorSeconds);
  rows.push(['load generator', twoDecimals(load.processorSeconds / load.seconds), own, '', '', '', '', '', '']);
  const head = ['process', 'cores', 'us/message', ...THREAD_KINDS.map((kind) => `${kind} us`), 'MiB', 'peak MiB'];
  const what = `${sizeName(setting.messageBytes)}, ${setting.connections} connections`;
  printTable(`delivery: where the processor's time goes (${what})`, head, rows);
}
