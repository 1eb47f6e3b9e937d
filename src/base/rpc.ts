/**
 * Questions and answers over a channel. Each side may ask; every question ends: by an answer, by a Problem that the
 * other side named, by a timeout, or by the close of the channel. Notices are questions that nobody answers.
 *
 * Frame: kind u8 · id u32 · for questions and notices the method (length u8, ASCII) · body.
 */
import { assert } from './assert.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { Cancel, Clock } from './clock.ts';
import { type Deferred, deferred } from './deferred.ts';
import type { Channel } from './network.ts';
import { isProblem, messageOf, Problem } from './problem.ts';

const KIND_QUESTION = 1;
const KIND_ANSWER = 2;
const KIND_PROBLEM = 3;
const KIND_NOTICE = 4;

/** Questions that one side may have open on one channel. */
const MAX_OPEN_QUESTIONS = 10_000;

export type RpcHandler = (body: Buffer, remoteHost: string) => Promise<Uint8Array> | Uint8Array;

export interface RpcOptions {
  readonly clock: Clock;
  readonly handlers?: Readonly<Record<string, RpcHandler>>;
  readonly notices?: Readonly<Record<string, (body: Buffer) => void>>;
  readonly onClose?: (reason: string) => void;
  /** An exception that is not a Problem: ours. It is reported here; the asker gets a fixed text. */
  readonly onInternalError?: (method: string, error: unknown) => void;
}

interface OpenQuestion {
  readonly answer: Deferred<Buffer>;
  readonly cancelTimeout: Cancel;
}

export class Rpc {
  readonly channel: Channel;
  readonly #options: RpcOptions;
  readonly #open = new Map<number, OpenQuestion>();
  #nextId = 1;
  #closed: string | undefined;

  constructor(channel: Channel, options: RpcOptions) {
    this.channel = channel;
    this.#options = options;
    channel.onFrame((frame) => this.#onFrame(frame));
    channel.onClose((reason) => this.#onClose(reason));
  }

  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** Rejects with the other side's Problem, or Problem('TimedOut' | 'ChannelClosed'): then the outcome is unknown. */
  ask(method: string, body: Uint8Array, timeoutMs: number): Promise<Buffer> {
    if (this.#closed !== undefined) return Promise.reject(channelClosed(method, this.#closed));
    if (this.#open.size >= MAX_OPEN_QUESTIONS) {
      return Promise.reject(
        new Problem('Busy', `Cannot ask ${method}: too many questions are open`, { temporary: true }),
      );
    }
    const id = this.#nextId;
    this.#nextId = id >= 0xffff_ffff ? 1 : id + 1;
    const answer = deferred<Buffer>();
    const cancelTimeout = this.#options.clock.after(timeoutMs, () => {
      this.#open.delete(id);
      answer.reject(
        new Problem('TimedOut', `Cannot ask ${method}: no answer within ${timeoutMs} ms`, { temporary: true }),
      );
    });
    this.#open.set(id, { answer, cancelTimeout });
    this.#send(KIND_QUESTION, id, method, body);
    return answer.promise;
  }

  notify(method: string, body: Uint8Array): void {
    if (this.#closed === undefined) this.#send(KIND_NOTICE, 0, method, body);
  }

  #send(kind: number, id: number, method: string | undefined, body: Uint8Array): void {
    const writer = new ByteWriter(body.length + 64).u8(kind).u32(id);
    if (method !== undefined) {
      assert(method.length < 256, 'A method name is short');
      writer.u8(method.length).raw(Buffer.from(method, 'latin1'));
    }
    this.channel.send(writer.raw(body).finish());
  }

  #onFrame(frame: Buffer): void {
    const reader = new ByteReader(frame);
    const kind = reader.u8();
    const id = reader.u32();
    if (kind === KIND_ANSWER || kind === KIND_PROBLEM) return this.#onAnswer(kind, id, reader.raw(reader.remaining));
    const method = reader.raw(reader.u8()).toString('latin1');
    const body = reader.raw(reader.remaining);
    if (kind === KIND_NOTICE) {
      const notice = this.#options.notices;
      if (notice !== undefined && Object.hasOwn(notice, method)) notice[method]?.(body);
      return;
    }
    void this.#answer(id, method, body);
  }

  #onAnswer(kind: number, id: number, body: Buffer): void {
    const question = this.#open.get(id);
    if (question === undefined) return; // it came after its timeout
    this.#open.delete(id);
    question.cancelTimeout();
    if (kind === KIND_ANSWER) question.answer.resolve(body);
    else question.answer.reject(decodeProblem(body));
  }

  async #answer(id: number, method: string, body: Buffer): Promise<void> {
    try {
      const handlers = this.#options.handlers;
      const handler = handlers !== undefined && Object.hasOwn(handlers, method) ? handlers[method] : undefined;
      if (handler === undefined)
        throw new Problem('UnknownMethod', `Cannot answer ${method}: this endpoint does not know it`);
      const answer = await handler(body, this.channel.remoteHost);
      this.#send(KIND_ANSWER, id, undefined, answer);
    } catch (error) {
      if (!isProblem(error)) this.#options.onInternalError?.(method, error);
      this.#send(KIND_PROBLEM, id, undefined, encodeProblem(error));
    }
  }

  #onClose(reason: string): void {
    this.#closed = reason;
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const question of open) {
      question.cancelTimeout();
      question.answer.reject(channelClosed('', reason));
    }
    this.#options.onClose?.(reason);
  }
}

function channelClosed(method: string, reason: string): Problem {
  return new Problem('ChannelClosed', `Cannot ask ${method}: the connection is closed (${reason})`, {
    temporary: true,
  });
}

function encodeProblem(error: unknown): Buffer {
  const writer = new ByteWriter();
  if (isProblem(error))
    return writer
      .string(error.code)
      .string(error.message)
      .u8(error.temporary ? 1 : 0)
      .finish();
  return writer
    .string('Internal')
    .string(`Cannot answer: internal error (${messageOf(error).slice(0, 200)})`)
    .u8(1)
    .finish();
}

function decodeProblem(body: Buffer): Problem {
  const reader = new ByteReader(body);
  return new Problem(reader.string(), reader.string(), { temporary: reader.u8() === 1 });
}
