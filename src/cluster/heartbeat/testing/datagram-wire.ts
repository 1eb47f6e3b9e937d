/** Datagrams within one process, for tests: a story cuts single directions, and sees everything that passes. */
import type { Datagrams } from '../datagrams.ts';

export class DatagramWire {
  readonly #handlers = new Map<string, (network: string, bytes: Buffer) => void>();
  /** `network:from>to` */
  readonly cuts = new Set<string>();
  readonly sent: { readonly network: string; readonly from: string; readonly to: string; readonly bytes: Buffer }[] =
    [];

  of(host: string): Datagrams {
    return {
      send: (network, to, bytes) => {
        this.sent.push({ network, from: host, to, bytes: Buffer.from(bytes) });
        if (!this.cuts.has(`${network}:${host}>${to}`)) this.inject(network, to, Buffer.from(bytes));
      },
      onDatagram: (handler) => void this.#handlers.set(host, handler),
      close: () => void this.#handlers.delete(host),
    };
  }

  inject(network: string, to: string, bytes: Buffer): void {
    this.#handlers.get(to)?.(network, bytes);
  }
}
