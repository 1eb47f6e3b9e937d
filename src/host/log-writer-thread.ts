/**
 * The log writer's own thread: takes one request at a time and answers when it is durable. All calls are synchronous on
 * purpose. After the first error of a write, a sync, a rename or a close, it refuses everything: what the kernel made of
 * the bytes is unknown, and a later fsync that succeeds proves nothing.
 */
import { closeSync, fdatasyncSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { present, unreachable } from '../base/assert.ts';
import { messageOf } from '../base/problem.ts';
import { pathInside } from './disk.ts';
import { errorCode } from './disk-problem.ts';

export interface LogWriterSettings {
  root: string;
  staging: SharedArrayBuffer;
}

export type LogWriterRequest =
  /** `length` bytes from `from` of `memory`, or else of the staging area. */
  | {
      type: 'append';
      name: string;
      position: number;
      from: number;
      length: number;
      memory: SharedArrayBuffer | undefined;
    }
  | { type: 'rename'; from: string; to: string; lazy: boolean }
  | { type: 'close' };

/** With an error the device is broken for good. */
export interface LogWriterReply {
  error: { code: string | undefined; message: string } | undefined;
}

/** Open files kept at hand: the open log file and the next one, with room for renames. */
const MAX_OPEN_FILES = 8;

const port = present(parentPort, 'This file is started as a worker');
const { root, staging } = workerData as LogWriterSettings;
const files = new Map<string, number>();
const folders = new Map<string, number>();
let failure: LogWriterReply | undefined;

port.on('message', (request: LogWriterRequest) => {
  port.postMessage(handle(request));
  if (request.type === 'close') port.close();
});

function handle(request: LogWriterRequest): LogWriterReply {
  if (failure !== undefined && request.type !== 'close') return failure;
  try {
    perform(request);
    return { error: undefined };
  } catch (error) {
    failure = { error: { code: errorCode(error), message: messageOf(error) } };
    return failure;
  }
}

function perform(request: LogWriterRequest): void {
  switch (request.type) {
    case 'append':
      append(request.name, request.position, new Uint8Array(request.memory ?? staging, request.from, request.length));
      break;
    case 'rename':
      rename(request);
      break;
    case 'close':
      closeAll();
      break;
    default:
      unreachable(request);
  }
}

function append(name: string, position: number, bytes: Uint8Array): void {
  const file = files.get(name) ?? remember(name, openSync(pathInside(root, name), 'r+'));
  writeFully(file, bytes, position);
  fdatasyncSync(file);
}

function rename({ from, to, lazy }: LogWriterRequest & { type: 'rename' }): void {
  forget(to);
  renameSync(pathInside(root, from), pathInside(root, to));
  if (!lazy) syncFolder(dirname(to));
  if (!lazy && dirname(from) !== dirname(to)) syncFolder(dirname(from));
  const file = files.get(from);
  if (file === undefined) return;
  files.delete(from);
  remember(to, file);
}

function writeFully(file: number, bytes: Uint8Array, position: number): void {
  let written = 0;
  while (written < bytes.length) {
    written += writeSync(file, bytes, written, bytes.length - written, position + written);
  }
}

function syncFolder(folder: string): void {
  let handle = folders.get(folder);
  if (handle === undefined) {
    handle = openSync(pathInside(root, folder), 'r');
    folders.set(folder, handle);
  }
  fsyncSync(handle);
}

/** Closes the file that was used least lately, if there are too many. */
function remember(name: string, file: number): number {
  files.set(name, file);
  const [oldest] = files.keys();
  if (files.size > MAX_OPEN_FILES && oldest !== undefined) forget(oldest);
  return file;
}

function forget(name: string): void {
  const file = files.get(name);
  if (file === undefined) return;
  files.delete(name);
  closeSync(file);
}

function closeAll(): void {
  for (const name of files.keys()) forget(name);
  for (const handle of folders.values()) closeSync(handle);
  folders.clear();
}
