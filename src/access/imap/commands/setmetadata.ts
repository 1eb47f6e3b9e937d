/** SETMETADATA (RFC 5464 4.3): all of the entries or none; NIL takes one away. */
import type { SessionLimits } from '../../limits.ts';
import { type Completion, defineCommand, type SessionContext } from '../command.ts';
import { CommandRefused } from '../errors.ts';
import { readFolderName } from '../folder-name.ts';
import { placeOf, readEntry, scopeOf } from '../metadata-entries.ts';
import type { ArgumentReader } from '../wire/arguments.ts';
import { SyntaxFault } from '../wire/token.ts';

interface MetadataChange {
  readonly name: string;
  readonly values: readonly { readonly name: string; readonly value: Buffer | null }[];
}

function parse(args: ArgumentReader, limits: SessionLimits): MetadataChange {
  const name = readFolderName(args);
  const values = args.list(() => ({ name: readEntry(args, limits), value: args.nstringBytes() }));
  if (values.length === 0 || values.length > limits.metadataEntries) throw new SyntaxFault('Wrong entries');
  return { name, values };
}

async function run(session: SessionContext, { name, values }: MetadataChange): Promise<Completion> {
  const maxBytes = session.limits.metadataValueBytes;
  if (values.some(({ value }) => (value?.length ?? 0) > maxBytes)) {
    throw new CommandRefused(`METADATA MAXSIZE ${maxBytes}`, 'The value is too big');
  }
  // The last one of two for the same entry counts.
  const last = [...new Map(values.map((each) => [each.name, each])).values()];
  const scopes = [...new Set(last.map((each) => scopeOf(each.name)))];
  const changes = scopes.map((scope) => ({
    // RFC 5464 3.3: shared values are everybody's, so they need the right to write.
    place: placeOf(session, name, scope, scope === 'shared' ? 'lw' : 'lr'),
    values: last.filter((each) => scopeOf(each.name) === scope),
  }));
  await session.store.settings.setAnnotations(changes);
  return {};
}

export const setMetadata = defineCommand({ name: 'SETMETADATA', parse, run });
