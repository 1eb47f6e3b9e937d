/**
 * LSUB (RFC 3501 6.3.9): subscribed names. With `%`, a name above a subscribed one that is not itself subscribed is
 * shown as \Noselect, so that the client can go on below it.
 */
import { compileListPattern } from '../../../mail/list-pattern.ts';
import { type Completion, defineCommand, type SessionContext } from '../command.ts';
import { listFolders, printListed } from '../folder-list.ts';
import { decodeName } from '../folder-name.ts';

async function run(session: SessionContext, pattern: string): Promise<Completion> {
  const fits = compileListPattern(pattern);
  const showsAbove = pattern.endsWith('%');
  for (const { name, subscribed, hasSubscribedBelow } of listFolders(session)) {
    if ((subscribed || (showsAbove && hasSubscribedBelow)) && fits(name)) {
      session.out.text(`${printListed('LSUB', subscribed ? [] : ['\\Noselect'], name)}\r\n`);
    }
    await session.out.flushIfLarge();
    if (session.slice.isOver()) await session.slice.step();
  }
  return {};
}

export const lsub = defineCommand({
  name: 'LSUB',
  parse: (args) => decodeName(args.astring()) + decodeName(args.listPattern()),
  run,
});
