/** Copies of one storage group on two hosts of a memory network, as their processes would serve them. */
import type { Clock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';
import type { Channel } from '../../base/network.ts';
import { MemoryNetwork } from '../../base/testing/memory-network.ts';
import { CopyFinder } from '../copy-finder.ts';
import { type CopyHello, copyEndpoint, decodeHello } from '../copy-protocol.ts';
import { CopyService, type CopyStore } from '../copy-service.ts';

export const STORAGE_GROUP = 'First Storage Group';
export const HOSTS = ['node1', 'node2'] as const;

export type CopyHost = (typeof HOSTS)[number];

export class Copies {
  readonly network = new MemoryNetwork();
  readonly services: ReadonlyMap<CopyHost, CopyService>;
  /** For channels whose hello names another service than mail. */
  onOther: ((hello: CopyHello, channel: Channel, host: CopyHost) => void) | undefined;
  readonly #clock: Clock;
  #epoch = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.services = new Map(HOSTS.map((host) => [host, this.#listen(host)]));
  }

  get epoch(): number {
    return this.#epoch;
  }

  finder(from = 'hub'): CopyFinder {
    return new CopyFinder({
      network: this.network.host(from),
      clock: this.#clock,
      logger: silentLogger,
      storageGroup: STORAGE_GROUP,
      hosts: HOSTS,
    });
  }

  /** `host` becomes active under the next epoch; the other one is told. */
  activate(host: CopyHost, store: CopyStore, lossy = false): void {
    this.#epoch += 1;
    for (const [name, service] of this.services) if (name !== host) service.deactivate(this.#epoch);
    this.services.get(host)?.activate({ epoch: this.#epoch, lossy, mode: 'sync', store });
  }

  /** `host` is gone, as its crash would have it. */
  crash(host: CopyHost): void {
    this.services.get(host)?.deactivate(0);
    this.network.cut(host);
  }

  #listen(host: CopyHost): CopyService {
    const service = new CopyService({ storageGroup: STORAGE_GROUP, host, clock: this.#clock, logger: silentLogger });
    this.network.host(host).listen(copyEndpoint(host, STORAGE_GROUP), (channel) => {
      channel.onFrame((frame) => {
        const hello = decodeHello(frame);
        if (hello.service === 'mail') service.serve(channel);
        else this.onOther?.(hello, channel, host);
      });
    });
    return service;
  }
}
