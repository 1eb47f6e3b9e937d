/**
 * The port of heartbeats: datagrams to hosts over a named network of the cluster, each sent once and perhaps lost,
 * doubled or late. Implemented by UDP sockets on the host, and by the simulated network.
 */
export interface Datagrams {
  /** Never fails: what cannot be sent is lost. */
  send(network: string, to: string, bytes: Uint8Array): void;
  /** One handler, set before the first datagram is of interest. `network`: the one whose address it came to. */
  onDatagram(handler: (network: string, bytes: Buffer) => void): void;
  close(): void;
}
