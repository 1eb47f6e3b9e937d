/** The first frame on a channel to a copy says what the channel is for; here it is read, and the channel handed on. */
import type { Logger } from '../base/logger.ts';
import type { Channel } from '../base/network.ts';
import { messageOf } from '../base/problem.ts';
import { decodeHello, IMAP_SERVICE, MAIL_SERVICE } from '../directory/copy-protocol.ts';
import type { CopyService } from '../directory/copy-service.ts';
import type { Copy } from '../replication/copy.ts';
import { parseReplicationHello } from '../replication/protocol.ts';
import { REPAIR_SERVICE } from './body-repair.ts';
import type { CopyMaintenance } from './copy-maintenance.ts';
import type { ImapSessions } from './imap-sessions.ts';

interface CopyDoorParts {
  readonly copy: Copy;
  readonly mail: CopyService;
  readonly sessions: ImapSessions;
  readonly maintenance: CopyMaintenance;
  readonly logger: Logger;
}

export class CopyDoor {
  readonly #parts: CopyDoorParts;

  constructor(parts: CopyDoorParts) {
    this.#parts = parts;
  }

  accept(channel: Channel): void {
    channel.onFrame((frame) => {
      try {
        this.#hand(channel, frame);
      } catch (error) {
        this.#parts.logger.warn({ from: channel.remoteHost, reason: messageOf(error) }, 'a channel was refused');
        channel.close(messageOf(error));
      }
    });
  }

  #hand(channel: Channel, frame: Buffer): void {
    const hello = decodeHello(frame);
    switch (hello.service) {
      case MAIL_SERVICE:
        return this.#parts.mail.serve(channel);
      case IMAP_SERVICE:
        return this.#parts.sessions.join(channel, hello);
      case 'replication':
        return this.#parts.copy.accept(channel, parseReplicationHello(hello));
      case 'seed':
        return this.#parts.copy.acceptSeed(channel);
      case REPAIR_SERVICE:
        return this.#parts.maintenance.accept(channel);
      default:
        channel.close(`there is no service ${hello.service}`);
    }
  }
}
