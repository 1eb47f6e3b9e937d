/** EXAMINE (RFC 3501 6.3.2): SELECT that changes nothing, \Recent and \Seen neither. */
import { defineCommand } from '../command.ts';
import { readFolderName } from '../folder-name.ts';
import { selectFolder } from '../select-folder.ts';

export const examine = defineCommand({
  name: 'EXAMINE',
  announcement: 'nothing',
  parse: readFolderName,
  run: (session, name) => selectFolder(session, name, true),
});
