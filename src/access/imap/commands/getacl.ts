/** GETACL, LISTRIGHTS and MYRIGHTS (RFC 4314 3.3 to 3.5). */
import { ALL_RIGHTS } from '../../../store/mailbox-keeping.ts';
import { defineCommand } from '../command.ts';
import { CommandRefused } from '../errors.ts';
import { existingFolder, printFolderName, readFolderName } from '../folder-name.ts';
import { hasAny, rightsIn } from '../folder-rights.ts';
import { granteeOf, identifierOf, printRights } from '../rights-words.ts';
import { astring, line } from '../wire/print.ts';

export const getAcl = defineCommand({
  name: 'GETACL',
  parse: readFolderName,
  run: (session, name) => {
    const folder = existingFolder(session, name, { needs: 'a' });
    const entries = [{ granteeId: folder.mailboxId, rights: ALL_RIGHTS }, ...session.store.settings.rights(folder.id)];
    const printed = entries.flatMap(({ granteeId, rights }) => {
      const identifier = identifierOf(session, granteeId);
      return identifier === undefined ? [] : [`${astring(identifier)} ${printRights(rights)}`];
    });
    session.out.text(line(`* ACL ${printFolderName(name)} ${printed.join(' ')}`));
    return {};
  },
});

/** Each right can be given by itself; the owner's cannot be taken away. */
export const listRights = defineCommand({
  name: 'LISTRIGHTS',
  parse: (args) => ({ name: readFolderName(args), identifier: args.astring() }),
  run: (session, { name, identifier }) => {
    const folder = existingFolder(session, name, { needs: 'a' });
    const isOwner = granteeOf(session, identifier) === folder.mailboxId;
    const rights = isOwner ? printRights(ALL_RIGHTS) : `"" ${[...ALL_RIGHTS.split(''), 'c', 'd'].join(' ')}`;
    session.out.text(line(`* LISTRIGHTS ${printFolderName(name)} ${astring(identifier)} ${rights}`));
    return {};
  },
});

export const myRights = defineCommand({
  name: 'MYRIGHTS',
  parse: readFolderName,
  run: (session, name) => {
    const folder = existingFolder(session, name, { needs: '' });
    const rights = rightsIn(session, folder);
    if (!hasAny(rights, 'lrikxa')) throw new CommandRefused('NONEXISTENT', 'No such folder');
    session.out.text(line(`* MYRIGHTS ${printFolderName(name)} ${printRights(rights)}`));
    return {};
  },
});
