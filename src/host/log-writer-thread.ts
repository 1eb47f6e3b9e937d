/**
 * The log writer's own thread: takes one request at a time and answers when it is durable. All calls are synchronous on
 * purpose. After the first error of a write, a sync, a rename or a close, it refuses everything: what the kernel made of
 * the bytes is unknown, and a later fsync that succeeds proves nothing.
 */
import { closeSync, fdatasyncSync, fsyncSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
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
  | { type: 'prepare'; name: string; sizeBytes: number }
  /** The first `length` bytes of `memory`, or else of the staging area. */
  | { type: 'append'; name: string; position: number; length: number; memory: SharedArrayBuffer | undefined }
  | { type: 'rename'; from: string; to: string }
  | { type: 'close' };

/** `final`: the device is broken for good. */
export interface LogWriterReply {
  error: { code: string | undefined; message: string } | undefined;
  final: boolean;
}

/** Open files kept at hand: the open log file and the one being prepared, with room for renames. */
const MAX_OPEN_FILES = 8;
const ZEROS = Buffer.alloc(1024 * 1024);

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
    return { error: undefined, final: false };
  } catch (error) {
    const reply = { error: { code: errorCode(error), message: messageOf(error) }, final: true };
    // No byte that anybody depends on was touched: the next attempt may find room.
    if (request.type === 'prepare' && isFull(reply.error.code)) return { ...reply, final: false };
    failure = reply;
    return reply;
  }
}

function perform(request: LogWriterRequest): void {
  switch (request.type) {
    case 'prepare':
      prepare(request.name, request.sizeBytes);
      break;
    case 'append':
      append(request.name, request.position, new Uint8Array(request.memory ?? staging, 0, request.length));
      break;
    case 'rename':
      rename(request.from, request.to);
      break;
    case 'close':
      closeAll();
      break;
    default:
      unreachable(request);
  }
}

function prepare(name: string, sizeBytes: number): void {
  forget(name);
  const path = pathInside(root, name);
  const file = openSync(path, 'w');
  try {
    for (let at = 0; at < sizeBytes; at += ZEROS.length) {
      writeFully(file, ZEROS.subarray(0, Math.min(ZEROS.length, sizeBytes - at)), at);
    }
    fsyncSync(file);
    syncFolder(dirname(name));
  } catch (error) {
    closeSync(file);
    if (isFull(errorCode(error))) unlinkSync(path);
    throw error;
  }
  remember(name, file);
}

function append(name: string, position: number, bytes: Uint8Array): void {
  const file = files.get(name) ?? remember(name, openSync(pathInside(root, name), 'r+'));
  writeFully(file, bytes, position);
  fdatasyncSync(file);
}

function rename(from: string, to: string): void {
  forget(to);
  renameSync(pathInside(root, from), pathInside(root, to));
  syncFolder(dirname(to));
  if (dirname(from) !== dirname(to)) syncFolder(dirname(from));
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

function isFull(code: string | undefined): boolean {
  return code === 'ENOSPC' || code === 'EDQUOT';
}
