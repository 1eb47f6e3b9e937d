/** An IMAP client of bytes: it knows no more of the protocol than that answers carry the command's tag. */
import { openSecureSocket, openSocket, RawClient } from '../../base/testing/raw-client.ts';

export class RawImapClient extends RawClient {
  static plain(port: number): Promise<RawImapClient> {
    return greeted(new RawImapClient(openSocket(port)));
  }

  static secure(port: number, protocols?: string[]): Promise<RawImapClient> {
    return greeted(new RawImapClient(openSecureSocket(port, protocols)));
  }

  /** Sends a command and returns what is heard up to its tagged answer. */
  async ask(tag: string, command: string): Promise<string> {
    const from = this.heard.length;
    await this.send(`${tag} ${command}\r\n`);
    await this.until(() => this.heard.slice(from).includes(`${tag} `));
    return this.heard.slice(from);
  }
}

async function greeted(client: RawImapClient): Promise<RawImapClient> {
  await client.until(() => client.heard.includes('\r\n'));
  return client;
}
