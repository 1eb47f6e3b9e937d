/**
 * The network as the core sees it: ordered, reliable channels of whole frames between named endpoints, until they
 * close. In production a channel is a mutual-TLS connection whose certificate proved the name of the other host; in a
 * simulation it is a queue with faults. Nothing is known about delivery beyond "closed": whoever needs an answer asks
 * for one (base/rpc.ts).
 */

/** `host/service`, for instance `mbx01-node1/cluster` or `mbx01-node1/copy/First Storage Group`. */
export type EndpointName = string;

export interface Channel {
  /** Name of the host at the other end, as its certificate proves it. */
  readonly remoteHost: string;
  /** Queues one frame, at most `maxFrameBytes` long. After the close it does nothing. */
  send(frame: Uint8Array): void;
  /** Bytes queued and not yet handed to the network: the measure for back-pressure. */
  readonly unsentBytes: number;
  /** Resolves when `unsentBytes` is low again, or the channel has closed. */
  drained(): Promise<void>;
  /** Takes no further frames from the network until `resume`, where the network can do that: the sender then waits. */
  pause?(): void;
  resume?(): void;
  /** One handler each, set synchronously by whoever gets the channel; frames arrive in order, never after the close. */
  onFrame(handler: (frame: Buffer) => void): void;
  onClose(handler: (reason: string) => void): void;
  /** Flushes what was sent, then closes. The close handler is called on both sides. */
  close(reason: string): void;
}

export interface ConnectOptions {
  /** Over this cluster network only; otherwise the best that is up. */
  readonly network?: string;
}

export interface Network {
  /** Problem('Unreachable') when there is no connection within `timeoutMs`. */
  connect(endpoint: EndpointName, timeoutMs: number, options?: ConnectOptions): Promise<Channel>;
  /** Accepts channels for one endpoint of this host; returns the undo. */
  listen(endpoint: EndpointName, accept: (channel: Channel) => void): () => void;
}

/** What connects over one cluster network and no other; null: over the best one. */
export function overNetwork(network: Network, name: string | null): Network {
  if (name === null) return network;
  return {
    connect: (endpoint, timeoutMs) => network.connect(endpoint, timeoutMs, { network: name }),
    listen: (endpoint, accept) => network.listen(endpoint, accept),
  };
}

export const networkLimits = {
  /** A log record carries a whole message, so a frame must hold the largest one and its envelope. */
  maxFrameBytes: 192 * 1024 * 1024,
  /** Above this many unsent bytes a sender waits for `drained()`. */
  highWaterBytes: 4 * 1024 * 1024,
};
