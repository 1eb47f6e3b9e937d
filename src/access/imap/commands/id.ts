/** ID (RFC 2971). */
import { defineCommand } from '../command.ts';
import { idResponse, parseId } from '../id.ts';

export const id = defineCommand({
  name: 'ID',
  parse: parseId,
  run: (session) => {
    session.out.text(idResponse());
    return {};
  },
});
