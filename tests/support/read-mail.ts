/** Everything that is in a mailbox, read the plain way: every folder, every message, every byte. */
import { idOf, type PresentMessage, sha256Of } from './history.ts';
import { ImapClient, type Untagged } from './imap-client.ts';

export interface Account {
  readonly address: string;
  readonly password: string;
}

export interface ImapServer {
  readonly address: string;
  readonly port: number;
}

/** Of one mailbox. Messages are hashed as they come and not kept; `look` sees each. */
export async function readMailbox(
  server: ImapServer,
  account: Account,
  look: (bytes: Buffer) => void = () => undefined,
): Promise<readonly PresentMessage[]> {
  const client = await ImapClient.open(server.address, server.port);
  try {
    await client.login(account.address, account.password);
    const found: PresentMessage[] = [];
    for (const folder of await listFolders(client)) {
      await client.ok(`EXAMINE "${folder}"`);
      await client.ok('UID FETCH 1:* (UID FLAGS BODY.PEEK[])', undefined, (untagged) => {
        const message = readFetch(untagged);
        if (message === undefined) return;
        look(message.bytes);
        const { bytes, ...rest } = message;
        found.push({ ...rest, mailbox: account.address, folder, id: idOf(bytes), sha256: sha256Of(bytes) });
      });
    }
    return found;
  } finally {
    client.close();
  }
}

async function listFolders(client: ImapClient): Promise<readonly string[]> {
  const { untagged } = await client.ok('LIST "" "*"');
  return untagged.flatMap(({ text }) => {
    const [, attributes = '', name = ''] = /^\* LIST \((.*?)\) (?:"[^"]*"|NIL) "?([^"]+)"?$/.exec(text) ?? [];
    return name === '' || /\\Noselect/i.test(attributes) ? [] : [name];
  });
}

function readFetch({ text, literals }: Untagged): { uid: number; flags: readonly string[]; bytes: Buffer } | undefined {
  const [bytes] = literals;
  const uid = /[( ]UID (\d+)/.exec(text)?.[1];
  const flags = /FLAGS \(([^)]*)\)/.exec(text)?.[1];
  if (bytes === undefined || uid === undefined || flags === undefined) return undefined;
  const kept = flags.split(' ').filter((flag) => flag !== '' && flag.toLowerCase() !== '\\recent');
  return { uid: Number(uid), flags: kept, bytes };
}
