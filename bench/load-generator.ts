/**
 * The load: a process of its own that speaks LMTP on many connections, one transaction at a time on each, the next one
 * right after the reply. It must cost little, because it shares the machine's cores with what it measures: the commands
 * before the message leave in one write (RFC 2920), buffers are made once, replies are looked at byte by byte.
 *
 * Every message is another one (a number is patched into its head and its body): the server delivers the same envelope
 * and content only once.
 *
 * It is started by load.ts, with its task as JSON in the only argument, and answers by messages to its parent.
 */
import { connect, type Socket } from 'node:net';
import { PERCENTILES, percentiles } from './percentiles.ts';

export interface LoadTask {
  readonly address: string;
  readonly port: number;
  readonly connections: number;
  readonly messageBytes: number;
  readonly recipients: readonly string[];
  /** Sent and not counted. */
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Messages per second over all connections; 0: as many as go. */
  readonly rate: number;
}

export interface LoadResult {
  readonly type: 'result';
  /** Replies 250 after the data, within the time that was measured. */
  readonly acknowledged: number;
  /** Everything else that was replied, and connections that broke. */
  readonly failed: number;
  readonly firstFailure: string | undefined;
  readonly seconds: number;
  /** From MAIL to the last reply, in ms, as PERCENTILES names them. */
  readonly latencyMs: readonly number[];
  readonly processorSeconds: number;
}

/** The first success of a message that was begun after a moment on CLOCK_MONOTONIC that the parent named. */
export interface FirstSuccess {
  readonly type: 'first-success';
  readonly atMs: number;
}

export type LoadOrder = { readonly type: 'mark'; readonly sinceMs: number } | { readonly type: 'stop' };

const RETRY_PAUSE_MS = 20;
const NUMBER_DIGITS = 16;
const LINE_FEED = 0x0a;

const task = JSON.parse(process.argv[2] ?? '{}') as LoadTask;
const latencies: number[] = [];
let acknowledged = 0;
let failed = 0;
let firstFailure: string | undefined;
let isMeasuring = false;
let isStopping = false;
let nextNumber = (process.pid % 100_000) * 1_000_000_000;
let markMs: number | undefined;
let startedMs = 0;
let begun = 0;

/** CLOCK_MONOTONIC: the same in the parent. */
function nowMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

/** Text of a usual mail; the number stands where `placeOf` says. */
function makeHead(): { bytes: Buffer; numberAt: number[] } {
  const placeholder = '#'.repeat(NUMBER_DIGITS);
  const text = [
    'Received: from relay.example.org (relay.example.org [192.0.2.7])',
    '\tby mx.example.test with ESMTPS id 4Xk; Mon, 02 Nov 2026 10:00:00 +0000',
    'Date: Mon, 2 Nov 2026 10:00:00 +0000',
    'From: "Load, Generator" <load@example.org>',
    'To: <user@example.test>',
    `Subject: Report number ${placeholder}`,
    `Message-ID: <${placeholder}.load@example.org>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    '',
  ].join('\r\n');
  const numberAt = [text.indexOf(placeholder), text.lastIndexOf(placeholder)];
  return { bytes: Buffer.from(text), numberAt };
}

const { bytes: HEAD, numberAt: NUMBER_AT } = makeHead();
const LINE = 'The quick brown fox jumps over the lazy dog, and nobody minds at all today.\r\n';
const END = Buffer.from('.\r\n');

/** Whole lines up to the size of the message, and the end of the data. */
function makeRest(sizeBytes: number): Buffer {
  const lines = Math.max(1, Math.round((sizeBytes - HEAD.length) / LINE.length));
  return Buffer.concat([Buffer.from(LINE.repeat(lines)), END]);
}

const rest = makeRest(task.messageBytes);
/** Up to here a connection has a whole message of its own, and one write less. */
const OWN_MESSAGE_BYTES = 64 * 1024;
const envelopes = task.recipients.map((recipient) =>
  Buffer.from(`MAIL FROM:<load@example.org>\r\nRCPT TO:<${recipient}>\r\nDATA\r\n`),
);

/** What the next line that comes is the answer to. */
type Step = 'greeting' | 'hello' | 'mail' | 'recipient' | 'data' | 'message';

const EXPECTED: Readonly<Record<Step, string>> = {
  greeting: '220',
  hello: '250',
  mail: '250',
  recipient: '250',
  data: '354',
  message: '250',
};

class Connection {
  readonly #head = Buffer.concat(HEAD.length + rest.length <= OWN_MESSAGE_BYTES ? [HEAD, rest] : [HEAD]);
  #socket: Socket | undefined;
  #step: Step = 'greeting';
  #partial = '';
  #sentMs = 0;

  start(): void {
    this.#step = 'greeting';
    this.#partial = '';
    const socket = connect({ host: task.address, port: task.port, noDelay: true });
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', (error) => note(error.message));
    socket.on('close', () => {
      if (!isStopping) setTimeout(() => this.start(), RETRY_PAUSE_MS);
    });
  }

  end(): void {
    this.#socket?.destroy();
  }

  #onData(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, from)) {
      const line = this.#partial + chunk.toString('latin1', from, end);
      this.#partial = '';
      from = end + 1;
      this.#onLine(line);
    }
    if (from < chunk.length) this.#partial += chunk.toString('latin1', from);
  }

  #onLine(line: string): void {
    if (line[3] === '-') return;
    if (!line.startsWith(EXPECTED[this.#step])) return this.#refused(line);
    switch (this.#step) {
      case 'greeting':
        this.#step = 'hello';
        this.#socket?.write('LHLO load.example.org\r\n');
        break;
      case 'hello':
        this.#begin();
        break;
      case 'mail':
        this.#step = 'recipient';
        break;
      case 'recipient':
        this.#step = 'data';
        break;
      case 'data':
        this.#sendMessage();
        break;
      default:
        this.#onSuccess();
    }
  }

  /** Whatever was refused, a new connection has no doubt about where it stands. */
  #refused(line: string): void {
    note(`${this.#step}: ${line.trim()}`);
    this.#socket?.destroy();
  }

  #begin(): void {
    if (isStopping) return this.end();
    const waitMs = task.rate === 0 ? 0 : startedMs + (begun * 1_000) / task.rate - nowMs();
    begun += 1;
    if (waitMs > 1) setTimeout(() => this.#sendEnvelope(), waitMs);
    else this.#sendEnvelope();
  }

  #sendEnvelope(): void {
    this.#step = 'mail';
    this.#sentMs = nowMs();
    nextNumber += 1;
    this.#socket?.write(envelopes[nextNumber % envelopes.length] ?? '');
  }

  #sendMessage(): void {
    this.#step = 'message';
    nextNumber += 1;
    const number = String(nextNumber).padStart(NUMBER_DIGITS, '0');
    for (const at of NUMBER_AT) this.#head.write(number, at, 'latin1');
    const socket = this.#socket;
    if (this.#head.length > HEAD.length) {
      socket?.write(this.#head);
      return;
    }
    socket?.cork();
    socket?.write(this.#head);
    socket?.write(rest);
    socket?.uncork();
  }

  #onSuccess(): void {
    const now = nowMs();
    if (isMeasuring) {
      acknowledged += 1;
      latencies.push(now - this.#sentMs);
    }
    if (markMs !== undefined && this.#sentMs > markMs) {
      markMs = undefined;
      process.send?.({ type: 'first-success', atMs: now } satisfies FirstSuccess);
    }
    this.#begin();
  }
}

function note(failure: string): void {
  if (isStopping) return;
  failed += 1;
  firstFailure ??= failure;
}

function report(): void {
  isMeasuring = false;
  const { user, system } = process.cpuUsage(usageAtStart);
  const result: LoadResult = {
    type: 'result',
    acknowledged,
    failed,
    firstFailure,
    seconds: (nowMs() - measureStartMs) / 1_000,
    latencyMs: percentiles(latencies, PERCENTILES),
    processorSeconds: (user + system) / 1_000_000,
  };
  isStopping = true;
  for (const connection of connections) connection.end();
  process.send?.(result, () => process.disconnect?.());
}

let measureStartMs = 0;
let usageAtStart = process.cpuUsage();
const connections = Array.from({ length: task.connections }, () => new Connection());
startedMs = nowMs();
for (const connection of connections) connection.start();
setTimeout(() => {
  measureStartMs = nowMs();
  usageAtStart = process.cpuUsage();
  isMeasuring = true;
  setTimeout(report, task.measureMs);
}, task.warmUpMs);
process.on('message', (order: LoadOrder) => {
  if (order.type === 'mark') markMs = order.sinceMs;
  else report();
});
process.on('disconnect', () => process.exit(0));
