/** Planted bugs towards the clients: what they are shown, when they are answered, and what is delivered twice or never. */
import { sha256 } from '../../base/checksum.ts';
import { FLAG_FLAGGED } from '../../mail/flags.ts';
import type { MailStore } from '../../store/mail-store.ts';
import { altered, type PlantedBug } from './planted-bug.ts';

const DELIVERY_ID_BYTES = 16;

/** Deliveries are known by another id than their own. */
function knownBy(store: MailStore, idOf: (deliveryId: Buffer, bytes: Buffer) => Buffer): MailStore {
  return altered(store, {
    deliver: (delivery) => {
      const deliveryId = idOf(delivery.deliveryId, delivery.bytes).subarray(0, DELIVERY_ID_BYTES);
      return store.deliver({ ...delivery, deliveryId });
    },
  });
}

function deduplicatesNothing(store: MailStore): MailStore {
  let attempts = 0;
  return knownBy(store, (deliveryId) => {
    attempts += 1;
    return sha256(deliveryId, Buffer.from(String(attempts)));
  });
}

/** A number that differs from activation to activation, as whatever lives in a process does. */
function mark(store: MailStore): number {
  const folders = store.mailboxes().flatMap(({ id }) => store.folders(id));
  return folders.reduce((sum, { uidNext }) => sum + uidNext, 0);
}

function deduplicatesInMemory(store: MailStore): MailStore {
  const now = Buffer.from(String(mark(store)));
  return knownBy(store, (deliveryId) => sha256(deliveryId, now));
}

function deduplicatesByMessageId(store: MailStore): MailStore {
  return knownBy(store, (_deliveryId, bytes) =>
    sha256(Buffer.from(/^Message-ID: (.*)\r$/m.exec(bytes.toString('latin1'))?.[1] ?? '')),
  );
}

function answersDuplicatesAtOnce(store: MailStore): MailStore {
  let isKnown = false;
  return altered(store, {
    deliver: async (delivery) => {
      const results = await store.deliver(delivery);
      isKnown = results.every(({ outcome }) => outcome === 'duplicate');
      return results;
    },
    settled: () => {
      if (!isKnown) return store.settled();
      isKnown = false;
      return Promise.resolve();
    },
  });
}

/** Only a change waits; a question is answered from what is applied. */
function readsAtOnce(store: MailStore): MailStore {
  let isChange = false;
  const noted = <T>(work: Promise<T>): Promise<T> => {
    isChange = true;
    return work;
  };
  return altered(store, {
    deliver: (delivery) => noted(store.deliver(delivery)),
    append: (folderId, messages) => noted(store.append(folderId, messages)),
    changeFlags: (folderId, uids, change) => noted(store.changeFlags(folderId, uids, change)),
    createMailbox: (request) => noted(store.createMailbox(request)),
    settled: () => {
      if (!isChange) return Promise.resolve();
      isChange = false;
      return store.settled();
    },
  });
}

function renewsUidValidity(store: MailStore): MailStore {
  const now = mark(store);
  return altered(store, {
    folderByName: (mailboxId, name) => {
      const folder = store.folderByName(mailboxId, name);
      return folder && { ...folder, uidValidity: folder.uidValidity + now };
    },
  });
}

function keepsFlagsBeside(store: MailStore): MailStore {
  return altered(store, {
    changeFlags: (folderId, uids) => {
      const known = store.uids(folderId).filter((uid) => uids.has(uid));
      const rows = known.flatMap((uid) => store.message(folderId, uid) ?? []);
      return Promise.resolve(rows.map((row) => ({ ...row, flags: row.flags | FLAG_FLAGGED })));
    },
  });
}

export const storeAndMailBugs: readonly PlantedBug[] = [
  {
    name: 'answers at once',
    what: 'the store does not wait for the commit',
    breaks: 'C1',
    budgetSeeds: 5,
    ports: { wrapStore: (store) => altered(store, { settled: () => Promise.resolve() }) },
  },
  {
    name: 'no read barrier',
    what: 'a question is answered from what is applied and not yet committed',
    breaks: 'M4',
    budgetSeeds: 5,
    mode: 'sync',
    ports: { wrapStore: readsAtOnce },
  },
  {
    name: 'deduplication off',
    what: 'every attempt to deliver counts as another message',
    breaks: 'M7',
    budgetSeeds: 20,
    ports: { wrapStore: deduplicatesNothing },
  },
  {
    name: 'deduplication in memory',
    what: 'which deliveries are known is forgotten with the process',
    breaks: 'M7',
    budgetSeeds: 20,
    faults: ['copy killed', 'kill', 'node cut off'],
    mode: 'sync',
    ports: { wrapStore: deduplicatesInMemory },
  },
  {
    name: 'deduplication by Message-ID',
    what: 'two messages with one Message-ID count as one delivery',
    breaks: 'M7',
    budgetSeeds: 5,
    mode: 'sync',
    ports: { wrapStore: deduplicatesByMessageId },
  },
  {
    name: 'duplicate answered at once',
    what: 'a delivery that is known already is answered before it is committed',
    breaks: 'C1',
    budgetSeeds: 60,
    faults: ['connections broken', 'slow disk', 'clients cut off'],
    mode: 'sync',
    ports: { wrapStore: answersDuplicatesAtOnce },
  },
  {
    name: 'UIDVALIDITY of the process',
    what: 'a folder gets another UIDVALIDITY whenever a copy becomes active',
    breaks: 'M2',
    budgetSeeds: 10,
    faults: ['copy killed', 'kill', 'move'],
    mode: 'sync',
    ports: { wrapStore: renewsUidValidity },
  },
  {
    name: 'UID guessed',
    what: 'APPEND answers the UIDNEXT that is left behind the message as the UID of it',
    breaks: 'M2',
    budgetSeeds: 5,
    mode: 'sync',
    ports: {
      wrapStore: (store) =>
        altered(store, {
          append: async (folderId, messages) => {
            const { uidValidity, uids } = await store.append(folderId, messages);
            return { uidValidity, uids: uids.map((uid) => uid + 1) };
          },
        }),
    },
  },
  {
    name: 'flags beside the log',
    what: 'a change of flags is answered and not recorded',
    breaks: 'M11',
    budgetSeeds: 10,
    faults: ['copy killed', 'kill'],
    mode: 'sync',
    ports: { wrapStore: keepsFlagsBeside },
  },
];
