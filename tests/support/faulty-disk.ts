/** faulty-disk.c from the side of the tests: built once, then loaded into a process that is given its faults. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type FaultAction = 'kill-before' | 'kill-after' | 'kill-half' | 'short' | 'EIO' | 'ENOSPC' | 'EROFS' | 'EMFILE';

export interface FaultyDisk {
  /** Of its own; the caller removes it. */
  readonly folder: string;
  readonly library: string;
}

export interface Fault {
  /** A kind of calls, or a point's name. */
  readonly point: string;
  /** From 1. */
  readonly number: number;
  readonly action: FaultAction;
  readonly ever: boolean;
}

export interface FaultOutcome {
  readonly fault: Fault;
  readonly promised: number;
  /** Of the problem that ended it; "none": it was no Problem. */
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  /** What was promised and is not there any more. */
  readonly loss?: string | undefined;
}

const SOURCE = fileURLToPath(new URL('./faulty-disk.c', import.meta.url));

export function buildFaultyDisk(): FaultyDisk {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-faulty-'));
  const library = join(folder, 'faulty-disk.so');
  execFileSync('gcc', ['-shared', '-fPIC', '-O2', '-Wall', '-Werror', '-o', library, SOURCE]);
  return { folder, library };
}

export function faultyEnvironment(
  { folder, library }: FaultyDisk,
  root: string,
  { fault, trace }: { fault?: Fault; trace?: string } = {},
): NodeJS.ProcessEnv {
  return {
    LD_PRELOAD: library,
    // What one process has compiled the next one need not: half of the time of a short life.
    NODE_COMPILE_CACHE: join(folder, 'compiled'),
    FAULTY_ROOT: root,
    ...(trace === undefined ? {} : { FAULTY_TRACE: trace }),
    ...(fault === undefined
      ? {}
      : {
          FAULTY_POINT: fault.point,
          FAULTY_NUMBER: String(fault.number),
          FAULTY_ACTION: fault.action,
          FAULTY_EVER: fault.ever ? '1' : '0',
        }),
  };
}

/** In a process that has the library: the next fault, or none. What was passed before does not count. */
export function orderFault(fault: Fault | undefined): void {
  const order = fault === undefined ? '' : [fault.point, fault.number, fault.action, fault.ever ? 1 : 0].join(',');
  try {
    openSync(`/faulty-disk/${order}`, 'r');
  } catch {
    return; // there is no such file: the order is taken all the same
  }
}
