/**
 * One mailbox of a restored copy as a Maildir++ folder, which every tool that moves mail can read (imapsync, mbsync,
 * `doveadm import`): all folders, the exact bytes, flags in the file names, keywords in `dovecot-keywords`, the
 * internal date as the file's time, and the subscriptions. The live mailbox is left alone: what of it is wanted back
 * is for a person to choose.
 */
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '../../base/problem.ts';
import { FilePackDevice } from '../../host/pack-device.ts';
import { canonicalAddress } from '../../mail/address.ts';
import { FLAG_ANSWERED, FLAG_DELETED, FLAG_DRAFT, FLAG_FLAGGED, FLAG_SEEN } from '../../mail/flags.ts';
import { MAX_UID } from '../../mail/limits.ts';
import { encodeModifiedUtf7, INBOX } from '../../mail/mailbox-name.ts';
import { Database } from '../../store/database.ts';
import type { Folder, MessageRow } from '../../store/mail-store.ts';
import { Packs } from '../../store/packs.ts';
import { Queries } from '../../store/queries.ts';

const PAGE_ROWS = 1_000;
const KEYWORD_LETTERS = 'abcdefghijklmnopqrstuvwxyz';
/** In the order that Maildir wants: alphabetical. */
const FLAG_LETTERS: readonly (readonly [number, string])[] = [
  [FLAG_DRAFT, 'D'],
  [FLAG_FLAGGED, 'F'],
  [FLAG_ANSWERED, 'R'],
  [FLAG_SEEN, 'S'],
  [FLAG_DELETED, 'T'],
];

export interface ExportedMailbox {
  readonly folders: number;
  readonly messages: number;
  /** Messages with a keyword for which Maildir has no letter left. */
  readonly keywordsLost: number;
}

/** `copy`: a copy's folder that nobody has open. `target`: an empty folder. Problem('MailboxNotFound' | 'BodyDamaged') */
export function exportMailbox(copy: string, signature: string, address: string, target: string): ExportedMailbox {
  const database = new Database({ path: join(copy, 'database.sqlite'), signature: Buffer.from(signature, 'hex') });
  const packs = new Packs(new FilePackDevice(join(copy, 'packs')));
  try {
    const queries = new Queries(database);
    const mailbox = queries.mailboxByKey(canonicalAddress(address));
    if (mailbox === undefined) {
      const known = queries.mailboxes().map((each) => each.address);
      const some = known.slice(0, 5).join(', ');
      throw new Problem(
        'MailboxNotFound',
        `Cannot restore ${address}: the backup has no such mailbox. It has ${some}.`,
      );
    }
    const folders = queries.folders(mailbox.id);
    const counts = folders.map((folder) => exportFolder({ queries, packs }, folder, target));
    const subscriptions = queries.subscriptions(mailbox.id).map((name) => encodeModifiedUtf7(name));
    writeFileSync(join(target, 'subscriptions'), subscriptions.map((name) => `${name}\n`).join(''));
    const sum = (pick: (count: FolderCount) => number): number => counts.reduce((all, count) => all + pick(count), 0);
    return {
      folders: folders.length,
      messages: sum(({ messages }) => messages),
      keywordsLost: sum(({ keywordsLost }) => keywordsLost),
    };
  } finally {
    database.close();
    packs.close();
  }
}

interface FolderCount {
  messages: number;
  keywordsLost: number;
}

function exportFolder(parts: { queries: Queries; packs: Packs }, folder: Folder, target: string): FolderCount {
  const path = join(target, folder.name === INBOX ? '' : maildirName(folder.name));
  for (const name of ['cur', 'new', 'tmp']) mkdirSync(join(path, name), { recursive: true, mode: 0o700 });
  const letters = new Map<string, string>();
  const count: FolderCount = { messages: 0, keywordsLost: 0 };
  for (let first = 1; ; ) {
    const rows = parts.queries.messages(folder.id, first, MAX_UID, PAGE_ROWS);
    for (const row of rows) exportMessage(parts, row, path, letters, count);
    const last = rows.at(-1);
    if (last === undefined) break;
    first = last.uid + 1;
  }
  const lines = [...letters.keys()].map((keyword, index) => `${index} ${keyword}\n`);
  if (lines.length > 0) writeFileSync(join(path, 'dovecot-keywords'), lines.join(''));
  return count;
}

function exportMessage(
  { queries, packs }: { queries: Queries; packs: Packs },
  row: MessageRow,
  path: string,
  letters: Map<string, string>,
  count: FolderCount,
): void {
  const place = queries.bodyPlace(row.bodyId);
  if (place === undefined) throw new Problem('BodyDamaged', `Cannot restore message ${row.uid}: it has no body.`);
  const flags = FLAG_LETTERS.filter(([flag]) => (row.flags & flag) !== 0).map(([, letter]) => letter);
  for (const keyword of row.keywords) {
    if (!letters.has(keyword) && letters.size < KEYWORD_LETTERS.length) {
      letters.set(keyword, KEYWORD_LETTERS.charAt(letters.size));
    }
  }
  const own = row.keywords.flatMap((keyword) => letters.get(keyword) ?? []);
  if (own.length < row.keywords.length) count.keywordsLost += 1;
  const seconds = Math.floor(row.internalDateMs / 1000);
  const name = `${seconds}.U${String(row.uid).padStart(10, '0')}.holdfast,S=${row.sizeBytes}:2,${flags.join('')}${lettersIn(own)}`;
  const file = join(path, 'cur', name);
  writeFileSync(file, packs.read(place), { mode: 0o600 });
  utimesSync(file, seconds, seconds);
  count.messages += 1;
}

/** In the alphabet's order. */
function lettersIn(own: readonly string[]): string {
  return KEYWORD_LETTERS.split('')
    .filter((letter) => own.includes(letter))
    .join('');
}

/** Maildir++: a dot between the levels, and one in front; a dot within a name as modified UTF-7 may write it. */
function maildirName(name: string): string {
  return name
    .split('/')
    .map((level) => `.${encodeModifiedUtf7(level).replaceAll('.', '&AC4-')}`)
    .join('');
}
