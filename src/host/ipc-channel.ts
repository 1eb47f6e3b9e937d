/**
 * The channel between a host's service and one of its role processes: Node's own pipe between parent and child. No
 * network and no TLS: whoever could read it owns the machine already. It closes when either process ends.
 */
import type { Channel } from '../base/network.ts';

/** The part of `process` and of `ChildProcess` that is used here. */
interface IpcEnd {
  readonly connected: boolean;
  send?(message: unknown, callback: (error: Error | null) => void): boolean;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'disconnect', listener: () => void): unknown;
}

export class IpcChannel implements Channel {
  readonly remoteHost: string;
  readonly #end: IpcEnd;
  #frameHandler: ((frame: Buffer) => void) | undefined;
  #closeHandler: ((reason: string) => void) | undefined;
  #closed = false;

  constructor(end: IpcEnd, remoteHost: string) {
    this.remoteHost = remoteHost;
    this.#end = end;
    end.on('message', (message: unknown) => {
      if (message instanceof Uint8Array && !this.#closed)
        this.#frameHandler?.(Buffer.from(message.buffer, message.byteOffset, message.byteLength));
    });
    end.on('disconnect', () => this.#onClose('the other process has ended'));
  }

  readonly unsentBytes = 0;

  send(frame: Uint8Array): void {
    if (this.#closed || !this.#end.connected) return;
    this.#end.send?.(frame, (error) => {
      if (error !== null) this.#onClose(error.message);
    });
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  onFrame(handler: (frame: Buffer) => void): void {
    this.#frameHandler = handler;
  }

  onClose(handler: (reason: string) => void): void {
    this.#closeHandler = handler;
  }

  close(reason: string): void {
    this.#onClose(reason);
  }

  #onClose(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeHandler?.(reason);
  }
}
