/** A folder that was opened with EXAMINE is not changed. */
import { CommandRefused } from './errors.ts';
import type { SelectedFolder } from './selected-folder.ts';

export function refuseReadOnly(folder: SelectedFolder): SelectedFolder {
  if (folder.readOnly) throw new CommandRefused(undefined, 'The folder is open for reading only');
  return folder;
}
