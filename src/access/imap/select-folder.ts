/** What SELECT and EXAMINE say of a folder (RFC 3501 6.3.1). */
import { ALL_FLAGS, FLAG_SEEN, flagNames } from '../../mail/flags.ts';
import type { Folder } from '../../store/mail-store.ts';
import type { Completion, SessionContext } from './command.ts';
import { existingFolder } from './folder-name.ts';
import { hasAny, rightsIn, settableFlags } from './folder-rights.ts';
import { SelectedFolder } from './selected-folder.ts';
import { list, untagged } from './wire/print.ts';

/** A refusal leaves no folder selected, as the RFC wants. */
export async function selectFolder(session: SessionContext, name: string, asked: boolean): Promise<Completion> {
  session.select(undefined);
  const folder = existingFolder(session, name, { needs: 'r' });
  const rights = rightsIn(session, folder);
  // RFC 4314 5.2: nothing that could be changed is READ-ONLY.
  const readOnly = asked || !hasAny(rights, 'istwe');
  const selected = new SelectedFolder({ store: session.store, recent: session.recent, folder, readOnly });
  session.select(selected);
  const flags = flagNames(ALL_FLAGS);
  const { out } = session;
  out.text(untagged('FLAGS', list(flags)));
  out.text(untagged(String(selected.uids.length), 'EXISTS'));
  out.text(untagged(String(selected.recentCount), 'RECENT'));
  const settable = settableFlags(rights);
  const permanent = readOnly ? [] : [...flagNames(settable.flags), ...(settable.keywords ? ['\\*'] : [])];
  out.text(untagged('OK', 'Flags that last', `PERMANENTFLAGS ${list(permanent)}`));
  out.text(untagged('OK', 'UIDs are valid', `UIDVALIDITY ${folder.uidValidity}`));
  out.text(untagged('OK', 'Predicted next UID', `UIDNEXT ${folder.uidNext}`));
  if (isNearlyFull(session, folder)) out.text(untagged('NO', 'The mailbox is nearly full', 'OVERQUOTA'));
  const unseen = await firstUnseen(session, folder, selected);
  if (unseen !== undefined) out.text(untagged('OK', 'First unseen', `UNSEEN ${unseen}`));
  return { code: readOnly ? 'READ-ONLY' : 'READ-WRITE' };
}

/** RFC 9208 5.3: above the limit that only warns. */
function isNearlyFull(session: SessionContext, folder: Folder): boolean {
  const { usedBytes, warningBytes } = session.store.settings.quota(folder.mailboxId);
  return usedBytes >= warningBytes;
}

/** Searched for from the beginning, so not for ever: leaving it out tells the client nothing, which is allowed. */
async function firstUnseen(
  session: SessionContext,
  folder: Folder,
  selected: SelectedFolder,
): Promise<number | undefined> {
  if (folder.unseenCount === 0) return undefined;
  const { rows: pageRows, firstUnseenRows } = session.limits;
  const last = selected.uids.at(-1) ?? 0;
  let first = 1;
  for (let looked = 0; looked < firstUnseenRows; looked += pageRows) {
    const rows = session.store.messages(folder.id, first, last, pageRows);
    const unseen = rows.find((row) => (row.flags & FLAG_SEEN) === 0);
    if (unseen !== undefined) return selected.sequenceOf(unseen.uid);
    if (rows.length < pageRows) return undefined;
    first = (rows.at(-1)?.uid ?? last) + 1;
    await session.slice.step();
  }
  return undefined;
}
