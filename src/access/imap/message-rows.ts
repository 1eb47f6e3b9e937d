/** The rows of messages that a command named, a page at a time: one query for neighbours, one each for scattered ones. */
import type { MailStore, MessageRow } from '../../store/mail-store.ts';
import type { SelectedFolder } from './selected-folder.ts';

/** `uids` ascend and are in the folder's view. What was expunged meanwhile is missing. */
export function* messageRows(
  store: MailStore,
  folder: SelectedFolder,
  uids: ArrayLike<number>,
  pageRows: number,
): Generator<MessageRow> {
  for (let start = 0; start < uids.length; start += pageRows) {
    const length = Math.min(pageRows, uids.length - start);
    const page = Array.from({ length }, (_, index) => uids[start + index] ?? 0);
    for (const row of readPage(store, folder, page)) if (!folder.isGone(row.uid)) yield row;
  }
}

function readPage(store: MailStore, folder: SelectedFolder, page: readonly number[]): readonly MessageRow[] {
  const first = page[0] ?? 0;
  const last = page.at(-1) ?? 0;
  const areNeighbours = (folder.sequenceOf(last) ?? 0) - (folder.sequenceOf(first) ?? 0) === page.length - 1;
  if (areNeighbours) return store.messages(folder.folderId, first, last, page.length);
  return page.flatMap((uid) => store.message(folder.folderId, uid) ?? []);
}
