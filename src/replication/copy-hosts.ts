/**
 * Which hosts have a copy of the storage group, as this copy last heard. Nodes come and go while everything runs, so
 * whoever needs the list asks for it anew. It says whom to follow and whose following to accept, and never, in mode sync, without
 * whom a record counts: that is the in-sync set's matter (C1).
 */
export class CopyHosts {
  readonly self: string;
  #all: readonly string[];

  constructor(self: string, all: readonly string[]) {
    this.self = self;
    this.#all = all;
  }

  get all(): readonly string[] {
    return this.#all;
  }

  get others(): readonly string[] {
    return this.#all.filter((host) => host !== this.self);
  }

  become(all: readonly string[]): void {
    this.#all = all;
  }
}
