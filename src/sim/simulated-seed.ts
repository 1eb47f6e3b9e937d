/** A snapshot that an active copy on a simulated disk gives out. */
import { DATABASE_FILE, type SeedSnapshot } from '../replication/seed-manifest.ts';
import type { Snapshot } from '../store/snapshot.ts';
import type { Place } from './disk-ports.ts';

export function simulatedSnapshot(
  { disk, process, root }: Place,
  snapshot: Snapshot & { readonly image: Uint8Array },
  signature: string,
): SeedSnapshot {
  const image = Buffer.from(snapshot.image);
  const packs = snapshot.packs.map(({ pack, length }) => ({ name: packName(pack), sizeBytes: length }));
  return {
    manifest: { lsn: snapshot.lsn, signature, files: [{ name: DATABASE_FILE, sizeBytes: image.length }, ...packs] },
    read: (name, position, length) =>
      disk.operation(process, disk.accessMs(), () =>
        name === DATABASE_FILE
          ? Buffer.from(image.subarray(position, position + length))
          : disk.read(`${root}/${name}`, position, length),
      ),
    release: () => Promise.resolve(),
  };
}

function packName(pack: number): string {
  return `packs/${String(pack).padStart(8, '0')}.pack`;
}
