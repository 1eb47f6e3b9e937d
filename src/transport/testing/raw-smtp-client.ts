/** An SMTP or LMTP client of bytes: it knows no more of the protocol than where a reply ends. */
import { openSocket, RawClient } from '../../base/testing/raw-client.ts';

export class RawSmtpClient extends RawClient {
  static async connect(port: number): Promise<RawSmtpClient> {
    const socket = openSocket(port);
    const client = new RawSmtpClient(socket);
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return client;
  }

  /** Sends a line and returns what is heard up to the next whole reply. */
  async ask(line: string): Promise<string> {
    const from = this.heard.length;
    await this.send(`${line}\r\n`);
    return this.reply(from);
  }

  /** The reply that begins at `from`: its last line has a space behind the code. */
  async reply(from = 0): Promise<string> {
    await this.until(() => /^\d{3} .*\r\n/m.test(this.heard.slice(from)));
    return this.heard.slice(from);
  }
}
