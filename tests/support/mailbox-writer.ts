/**
 * A mail program with one folder of its own: it appends, sets flags and expunges, and writes down what it was told. It is
 * the only one that changes these messages and it waits for each answer, so the last acknowledged flags are known; after
 * an unknown outcome it sets all of them at once before it goes on.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../../src/base/random.ts';
import { type History, type Outcome, sha256Of } from './history.ts';
import { ImapClient, ImapRefused } from './imap-client.ts';
import { ConnectionLost } from './line-socket.ts';
import { makeMessage } from './make-message.ts';
import type { Account, ImapServer } from './read-mail.ts';

const RECONNECT_PAUSE_MS = 100;
const FLAGS = ['\\Seen', '\\Flagged', '\\Answered', '\\Draft', 'work', 'Later'] as const;
const MOST_OWNED = 60;

export interface MailboxWriterOptions {
  readonly name: string;
  readonly server: ImapServer;
  readonly account: Account;
  readonly history: History;
  readonly random: Random;
  readonly paceMs: number;
  /** What no outcome of a fault explains: a UID that is gone, flags that were not the ones set. */
  readonly onViolation: (what: string) => void;
}

interface Owned {
  readonly id: string;
  readonly uid: number;
  /** Undefined after an unknown outcome. */
  flags: readonly string[] | undefined;
}

export class MailboxWriter {
  readonly #options: MailboxWriterOptions;
  readonly #folder: string;
  readonly #owned: Owned[] = [];
  #client: ImapClient | undefined;
  #uidValidity: string | undefined;
  #count = 0;

  constructor(options: MailboxWriterOptions) {
    this.#options = options;
    this.#folder = `Own-${options.name}`;
  }

  async step(): Promise<void> {
    const { random, paceMs } = this.#options;
    const client = await this.#connected();
    if (client === undefined) {
      await pause(RECONNECT_PAUSE_MS);
      return;
    }
    const owned = this.#owned[random.below(Math.max(1, this.#owned.length))];
    const dice = random.below(10);
    if (owned === undefined || (dice < 3 && this.#owned.length < MOST_OWNED)) await this.#append(client);
    else if (dice === 3) await this.#expunge(client, owned);
    else await this.#changeFlags(client, owned);
    await pause(paceMs);
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  async #append(client: ImapClient): Promise<void> {
    const { name, account, random, history } = this.#options;
    const id = `${name}.${this.#count++}`;
    const message = makeMessage(id, account.address, random);
    const { outcome, text } = await this.#run(client, `APPEND ${this.#folder}`, message);
    const entry = {
      id,
      mailbox: account.address,
      folder: this.#folder,
      via: 'append',
      sha256: sha256Of(message),
    } as const;
    history.messages.push({ ...entry, outcome });
    const uid = /^\[APPENDUID \d+ (\d+)\]/.exec(text)?.[1];
    if (outcome === 'acknowledged' && uid === undefined)
      this.#options.onViolation(`APPEND of ${id} without UID: ${text}`);
    if (outcome === 'acknowledged' && uid !== undefined) this.#owned.push({ id, uid: Number(uid), flags: [] });
  }

  async #changeFlags(client: ImapClient, owned: Owned): Promise<void> {
    const { random, history, account } = this.#options;
    const { item, given, result } = chooseChange(random, owned.flags);
    const command = `UID STORE ${owned.uid} ${item} (${given.join(' ')})`;
    const { outcome, text, untagged } = await this.#run(client, command);
    history.flags.push({ id: owned.id, mailbox: account.address, flags: result, outcome });
    if (outcome === 'unknown') owned.flags = undefined;
    if (outcome !== 'acknowledged') return;
    owned.flags = result;
    const told = untagged.map((line) => /UID (\d+).*FLAGS \(([^)]*)\)|FLAGS \(([^)]*)\).*UID (\d+)/.exec(line));
    const own = told.find((match) => Number(match?.[1] ?? match?.[4]) === owned.uid);
    const flags = (own?.[2] ?? own?.[3])?.split(' ').filter((flag) => flag !== '' && flag !== '\\Recent');
    if (flags === undefined || flags.toSorted().join(' ') !== result.toSorted().join(' ')) {
      this.#options.onViolation(
        `${account.address} ${owned.id}: ${command} was answered ${untagged.join(' / ')} ${text}`,
      );
    }
  }

  async #expunge(client: ImapClient, owned: Owned): Promise<void> {
    const { history, account } = this.#options;
    const entry = { id: owned.id, mailbox: account.address };
    this.#owned.splice(this.#owned.indexOf(owned), 1);
    const marked = await this.#run(client, `UID STORE ${owned.uid} FLAGS (\\Deleted)`);
    history.flags.push({ ...entry, flags: ['\\Deleted'], outcome: marked.outcome });
    if (marked.outcome !== 'acknowledged') return;
    const { outcome } = await this.#run(client, `UID EXPUNGE ${owned.uid}`);
    history.expunges.push({ ...entry, outcome });
  }

  async #run(
    client: ImapClient,
    command: string,
    literal?: Buffer,
  ): Promise<{ outcome: Outcome; text: string; untagged: readonly string[] }> {
    try {
      const answer = await client.command(command, literal);
      if (answer.status === 'BAD') this.#options.onViolation(`${command}: BAD ${answer.text}`);
      if (answer.status === 'NO') this.close(); // the copy may have gone; the next session finds the new one
      const outcome = answer.status === 'OK' ? 'acknowledged' : 'refused';
      return { outcome, text: answer.text, untagged: answer.untagged.map((each) => each.text) };
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
      this.close();
      return { outcome: 'unknown', text: '', untagged: [] };
    }
  }

  /** Undefined while nobody serves. */
  async #connected(): Promise<ImapClient | undefined> {
    if (this.#client !== undefined) return this.#client;
    const { server, account } = this.#options;
    let client: ImapClient | undefined;
    try {
      client = await ImapClient.open(server.address, server.port);
      await client.login(account.address, account.password);
      await this.#openFolder(client);
      this.#client = client;
    } catch (error) {
      client?.close();
      if (!(error instanceof ConnectionLost || error instanceof ImapRefused)) throw error;
    }
    return this.#client;
  }

  /** RFC 3501 2.3.1.1: UIDs that were given out hold for as long as UIDVALIDITY stays what it is, and it has to. */
  async #openFolder(client: ImapClient): Promise<void> {
    await client.command(`CREATE ${this.#folder}`);
    const { untagged } = await client.ok(`SELECT ${this.#folder}`);
    const told = untagged
      .map(({ text }) => /\[UIDVALIDITY (\d+)\]/.exec(text)?.[1])
      .find((value) => value !== undefined);
    this.#uidValidity ??= told;
    if (told !== this.#uidValidity) {
      this.#options.onViolation(`UIDVALIDITY of ${this.#folder} was ${this.#uidValidity} and is ${told}`);
    }
  }
}

interface Change {
  readonly item: 'FLAGS' | '+FLAGS' | '-FLAGS';
  readonly given: readonly string[];
  /** The whole set afterwards. */
  readonly result: readonly string[];
}

function chooseChange(random: Random, current: readonly string[] | undefined): Change {
  const given = FLAGS.filter(() => random.below(3) === 0);
  const kind = current === undefined || given.length === 0 ? 0 : random.below(3);
  if (current === undefined || kind === 0) return { item: 'FLAGS', given, result: given };
  if (kind === 1) return { item: '+FLAGS', given, result: [...new Set([...current, ...given])] };
  return { item: '-FLAGS', given, result: current.filter((flag) => !given.some((each) => each === flag)) };
}
