/** A storage group in memory with everything around it, and what its copies would be. */

import { present } from '../../base/assert.ts';
import type { Cancel, Clock } from '../../base/clock.ts';
import { SeededRandom } from '../../base/random.ts';
import { parseMessage } from '../../mail/mime.ts';
import { encodeStructure } from '../../mail/structure-codec.ts';
import { Database } from '../database.ts';
import { digestApplied } from '../digest.ts';
import type { Delivery, Folder, Mailbox, NewMessage } from '../mail-store.ts';
import { Packs } from '../packs.ts';
import { Replayer } from '../replay.ts';
import { StorageGroup } from '../storage-group.ts';
import { MemoryJournal } from './memory-journal.ts';
import { MemoryPacks } from './memory-packs.ts';

export const SIGNATURE = Buffer.alloc(16, 7);
/** Small, so that a few messages fill a pack. */
export const TEST_PACK_BYTES = 4_096;

/** Stands still until it is set; a wait is over in the next turn of promises. */
export class TestClock implements Clock {
  nowMs = 1_700_000_000_000;

  monotonicMs(): number {
    return this.nowMs;
  }

  wallMs(): number {
    return this.nowMs;
  }

  after(delayMs: number, fire: () => void): Cancel {
    let isCancelled = false;
    void Promise.resolve().then(() => {
      this.nowMs += delayMs;
      if (!isCancelled) fire();
    });
    return () => {
      isCancelled = true;
    };
  }
}

export interface World {
  readonly database: Database;
  readonly device: MemoryPacks;
  readonly packs: Packs;
  readonly journal: MemoryJournal;
  readonly clock: TestClock;
  readonly store: StorageGroup;
}

export function makeWorld({ journal = new MemoryJournal(), seed = 1, packBytes = TEST_PACK_BYTES } = {}): World {
  const database = new Database({ path: ':memory:', signature: SIGNATURE });
  const device = new MemoryPacks();
  const packs = new Packs(device, packBytes);
  const clock = new TestClock();
  const store = new StorageGroup({ database, packs, journal, clock, random: new SeededRandom(seed) });
  return { database, device, packs, journal, clock, store };
}

/** Replays all records of `world` into a fresh database. */
export function rebuild(world: World): { database: Database; packs: Packs; digest: string } {
  const database = new Database({ path: ':memory:', signature: SIGNATURE });
  const packs = new Packs(new MemoryPacks(), TEST_PACK_BYTES);
  const replayer = new Replayer({ database, packs });
  for (const record of world.journal.records) replayer.apply(record);
  return { database, packs, digest: digestApplied(database).sha256 };
}

export async function makeMailbox(store: StorageGroup, address: string): Promise<{ mailbox: Mailbox; inbox: Folder }> {
  const mailbox = await store.createMailbox({ address, displayName: address, credential: null });
  return { mailbox, inbox: present(store.folderByName(mailbox.id, 'INBOX'), 'Every mailbox has an inbox') };
}

export function messageBytes(text: string): Buffer {
  return Buffer.from(`From: a@example.test\r\nSubject: ${text}\r\n\r\n${text}\r\n`);
}

export function newMessage(text: string, rest: Partial<NewMessage> = {}): NewMessage {
  const bytes = messageBytes(text);
  return { bytes, structure: parseMessage(bytes), flags: 0, keywords: [], internalDateMs: 1_600_000_000_000, ...rest };
}

export function newDelivery(id: number, recipients: readonly string[], rest: Partial<Delivery> = {}): Delivery {
  const bytes = messageBytes(`delivery ${id}`);
  const deliveryId = Buffer.alloc(16);
  deliveryId.writeUInt32BE(id, 12);
  return {
    deliveryId,
    acceptedMs: 1_700_000_000_000,
    sender: 'sender@example.test',
    recipients,
    trace: 'from client by hub',
    bytes,
    structure: encodeStructure(parseMessage(bytes)),
    ...rest,
  };
}
