/** A seed on a simulated disk: a snapshot that an active copy gives out, and the place where another copy gathers one. */
import { Problem } from '../base/problem.ts';
import type { SeedManifest, SeedPlace, SeedSnapshot } from '../replication/seed.ts';
import type { Snapshot } from '../store/snapshot.ts';
import type { Place } from './disk-ports.ts';

const DATABASE = 'database.sqlite';

export function simulatedSnapshot(
  { disk, process, root }: Place,
  snapshot: Snapshot & { readonly image: Uint8Array },
  signature: string,
): SeedSnapshot {
  const image = Buffer.from(snapshot.image);
  const packs = snapshot.packs.map(({ pack, length }) => ({ name: packName(pack), sizeBytes: length }));
  return {
    manifest: { lsn: snapshot.lsn, signature, files: [{ name: DATABASE, sizeBytes: image.length }, ...packs] },
    read: (name, position, length) =>
      disk.operation(process, disk.accessMs(), () =>
        name === DATABASE
          ? Buffer.from(image.subarray(position, position + length))
          : disk.read(`${root}/${name}`, position, length),
      ),
    release: () => Promise.resolve(),
  };
}

/** Gathers in memory; `install` replaces everything in one moment, as the host's folder does in steps that it finishes. */
export class SimulatedSeedPlace implements SeedPlace {
  readonly #place: Place;
  readonly #install: (image: Uint8Array) => void;
  #files = new Map<string, Buffer>();
  #manifest: SeedManifest | undefined;

  constructor(place: Place, install: (image: Uint8Array) => void) {
    this.#place = place;
    this.#install = install;
  }

  begin(manifest: SeedManifest): Promise<void> {
    this.#manifest = manifest;
    this.#files = new Map(manifest.files.map(({ name, sizeBytes }) => [name, Buffer.alloc(sizeBytes)]));
    return Promise.resolve();
  }

  write(name: string, position: number, bytes: Uint8Array): Promise<void> {
    const { disk, process } = this.#place;
    return disk.operation(process, disk.accessMs(), () => {
      const file = this.#files.get(name);
      if (file === undefined) throw new Problem('Malformed', `Cannot seed this copy: ${name} is not in the manifest`);
      file.set(bytes, position);
    });
  }

  install(): Promise<void> {
    const { disk, process } = this.#place;
    return disk.operation(process, disk.syncMs(), () => this.#replaceAll());
  }

  #replaceAll(): void {
    const { disk, root } = this.#place;
    disk.checkHealth('install a seed');
    for (const folder of ['log', 'packs']) {
      for (const name of disk.list(`${root}/${folder}`)) disk.remove(`${root}/${folder}/${name}`);
    }
    const { lsn, signature } = this.#manifest ?? {};
    disk.create(`${root}/seeded.json`, Buffer.from(JSON.stringify({ lsn, signature })));
    disk.sync(`${root}/seeded.json`);
    for (const [name, bytes] of this.#files) {
      if (name === DATABASE) continue;
      disk.create(`${root}/${name}`, bytes);
      disk.sync(`${root}/${name}`);
    }
    for (const folder of ['log', 'packs']) disk.syncFolder(`${root}/${folder}`);
    disk.syncFolder(root);
    this.#install(this.#files.get(DATABASE) ?? Buffer.alloc(0));
  }
}

function packName(pack: number): string {
  return `packs/${String(pack).padStart(8, '0')}.pack`;
}
