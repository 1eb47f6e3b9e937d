/** SELECT (RFC 3501 6.3.1). */
import { defineCommand } from '../command.ts';
import { readFolderName } from '../folder-name.ts';
import { selectFolder } from '../select-folder.ts';

export const select = defineCommand({
  name: 'SELECT',
  announcement: 'nothing',
  parse: readFolderName,
  run: (session, name) => selectFolder(session, name, false),
});
