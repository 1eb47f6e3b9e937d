/** The commands that a logged-in client has. */
import type { CommandDefinition } from './command.ts';
import { append } from './commands/append.ts';
import { capability } from './commands/capability.ts';
import { check } from './commands/check.ts';
import { close } from './commands/close.ts';
import { copy, uidCopy } from './commands/copy.ts';
import { create } from './commands/create.ts';
import { deleteFolder } from './commands/delete.ts';
import { examine } from './commands/examine.ts';
import { expunge, uidExpunge } from './commands/expunge.ts';
import { fetch, uidFetch } from './commands/fetch.ts';
import { getAcl, listRights, myRights } from './commands/getacl.ts';
import { getMetadata } from './commands/getmetadata.ts';
import { getQuota } from './commands/getquota.ts';
import { getQuotaRoot } from './commands/getquotaroot.ts';
import { id } from './commands/id.ts';
import { idle } from './commands/idle.ts';
import { list } from './commands/list.ts';
import { logout } from './commands/logout.ts';
import { lsub } from './commands/lsub.ts';
import { move, uidMove } from './commands/move.ts';
import { namespace } from './commands/namespace.ts';
import { noop } from './commands/noop.ts';
import { rename } from './commands/rename.ts';
import { search, uidSearch } from './commands/search.ts';
import { select } from './commands/select.ts';
import { deleteAcl, setAcl } from './commands/setacl.ts';
import { setMetadata } from './commands/setmetadata.ts';
import { status } from './commands/status.ts';
import { store, uidStore } from './commands/store.ts';
import { subscribe } from './commands/subscribe.ts';
import { unselect } from './commands/unselect.ts';
import { unsubscribe } from './commands/unsubscribe.ts';
import type { ArgumentReader } from './wire/arguments.ts';

const definitions: readonly CommandDefinition[] = [
  capability,
  noop,
  id,
  logout,
  namespace,
  idle,
  list,
  lsub,
  status,
  create,
  deleteFolder,
  rename,
  subscribe,
  unsubscribe,
  setAcl,
  deleteAcl,
  getAcl,
  listRights,
  myRights,
  getQuota,
  getQuotaRoot,
  getMetadata,
  setMetadata,
  append,
  select,
  examine,
  check,
  close,
  unselect,
  fetch,
  uidFetch,
  store,
  uidStore,
  search,
  uidSearch,
  copy,
  uidCopy,
  move,
  uidMove,
  expunge,
  uidExpunge,
];

const byName = new Map(definitions.map((definition) => [definition.name, definition]));

/** `UID` is the first half of a name, whose second half is the first argument. */
export function findCommand(name: string, args: ArgumentReader): CommandDefinition | undefined {
  return byName.get(name === 'UID' ? `UID ${args.keyword()}` : name);
}
