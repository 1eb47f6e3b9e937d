/** The fields that facts are made of, as bytes: what every kind of record writes and reads the same way. */
import type { ByteReader, ByteWriter } from '../base/bytes.ts';
import { Problem } from '../base/problem.ts';
import { MAX_UID } from '../mail/limits.ts';
import { MAX_FLAGS } from './limits.ts';

export function writeList<T>(writer: ByteWriter, items: readonly T[], write: (item: T) => unknown): void {
  writer.varint(items.length);
  for (const item of items) write(item);
}

export function readList<T>(reader: ByteReader, read: () => T): T[] {
  const items: T[] = [];
  for (let left = reader.count(); left > 0; left--) items.push(read());
  return items;
}

/** A message may be dated before 1970: the sign is in the lowest bit. */
export function writeDate(writer: ByteWriter, dateMs: number): ByteWriter {
  return writer.varint(dateMs < 0 ? -dateMs * 2 - 1 : dateMs * 2);
}

export function readDate(reader: ByteReader): number {
  const code = reader.varint();
  return code % 2 === 0 ? code / 2 : -(code + 1) / 2;
}

export function writeBoolean(writer: ByteWriter, value: boolean): void {
  writer.u8(value ? 1 : 0);
}

export function readBoolean(reader: ByteReader): boolean {
  const value = reader.u8();
  if (value > 1) throw new Problem('Malformed', `Cannot read a yes or no: ${value}`);
  return value === 1;
}

export function writeOptionalString(writer: ByteWriter, text: string | null): void {
  writeBoolean(writer, text !== null);
  if (text !== null) writer.string(text);
}

export function readOptionalString(reader: ByteReader): string | null {
  return readBoolean(reader) ? reader.string() : null;
}

export function readUid(reader: ByteReader): number {
  const uid = uidBelowMax(reader.varint());
  if (uid === 0) throw new Problem('Malformed', 'Cannot read a UID: it is 0');
  return uid;
}

export function uidBelowMax(uid: number): number {
  if (uid > MAX_UID) throw new Problem('Malformed', `Cannot read a UID: ${uid} is above 2^32-1`);
  return uid;
}

export function writeFlags(writer: ByteWriter, flags: number, keywords: readonly string[]): void {
  writeList(writer.varint(flags), keywords, (keyword) => writer.string(keyword));
}

export function readFlags(reader: ByteReader): { flags: number; keywords: string[] } {
  const flags = reader.varint();
  if (flags > MAX_FLAGS) throw new Problem('Malformed', `Cannot read flags: ${flags} has bits that do not exist`);
  return { flags, keywords: readList(reader, () => readKeyword(reader)) };
}

/** The database joins keywords with spaces, so none may be empty or hold one. */
function readKeyword(reader: ByteReader): string {
  const keyword = reader.string();
  if (keyword === '' || keyword.includes(' ')) throw new Problem('Malformed', 'Cannot read a keyword: it is no atom');
  return keyword;
}
