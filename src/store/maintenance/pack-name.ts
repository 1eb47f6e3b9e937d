/** Names and sizes of what lies in the folder of packs, as host/pack-device.ts writes them. */
import { PACK_HEAD_BYTES } from '../packs.ts';

export const PACK_FOLDER = 'packs';
export const ENTRY_HEAD_BYTES = PACK_HEAD_BYTES;

/** Path in the copy's folder. */
export function packName(pack: number): string {
  return `${PACK_FOLDER}/${String(pack).padStart(8, '0')}.pack`;
}

/** The number that a file's name (without its folder) states; undefined for any other name. */
export function packNumber(name: string): number | undefined {
  const digits = /^(\d{8,16})\.pack$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
