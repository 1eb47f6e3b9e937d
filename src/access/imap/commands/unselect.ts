/** UNSELECT (RFC 3691): CLOSE without its expunge. */
import { defineCommand, nothing } from '../command.ts';

export const unselect = defineCommand({
  name: 'UNSELECT',
  needsSelected: true,
  announcement: 'nothing',
  parse: nothing,
  run: (session) => {
    session.select(undefined);
    return {};
  },
});
