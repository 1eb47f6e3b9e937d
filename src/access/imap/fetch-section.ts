/**
 * The bytes of a message, or of a section of it, as a literal (RFC 3501 6.4.5). They leave in pieces, each after the
 * client has taken the one before, so a big message never lies in memory whole for a slow client.
 */
import { parseHeader } from '../../mail/header.ts';
import { type ByteRange, sectionRange } from '../../mail/section.ts';
import type { MessageRow } from '../../store/mail-store.ts';
import type { SessionContext } from './command.ts';
import type { HeaderFields, SectionItem } from './fetch-items.ts';

const CRLF = Buffer.from('\r\n');

/** `label {n}bytes`, or `label NIL` when the message has no such section. Problem('BodyDamaged') */
export async function printSection(session: SessionContext, row: MessageRow, item: SectionItem): Promise<void> {
  const range = rangeOf(session, row, item);
  if (range === undefined) session.out.text(`${item.label} NIL`);
  else if (item.fields === undefined) await printRange(session, row, item.label, cut(range, item));
  else printHeaderFields(session, row, range, item, item.fields);
}

function rangeOf(session: SessionContext, row: MessageRow, item: SectionItem): ByteRange | undefined {
  if (item.path.length === 0 && item.text === 'body') return { start: 0, end: row.sizeBytes };
  return sectionRange(session.store.structure(row.bodyId), item.path, item.text);
}

/** `<offset.length>` of it; beyond the end there is nothing, which is an empty string. */
function cut(range: ByteRange, { partial }: SectionItem): ByteRange {
  if (partial === undefined) return range;
  const start = Math.min(range.end, range.start + partial.offset);
  return { start, end: Math.min(range.end, start + partial.length) };
}

/** The first piece is read before anything is said: a damaged body then costs an error and not the connection. */
async function printRange(session: SessionContext, row: MessageRow, label: string, range: ByteRange): Promise<void> {
  const { store, out, limits, slice } = session;
  const pieceEnd = (start: number) => Math.min(range.end, start + limits.bodyPieceBytes);
  let at = pieceEnd(range.start);
  const first = at > range.start ? store.body(row.bodyId, range.start, at) : undefined;
  out.text(`${label} {${range.end - range.start}}\r\n`);
  if (first !== undefined) out.bytes(first);
  while (at < range.end) {
    await out.flushIfLarge();
    await slice.step();
    out.bytes(store.body(row.bodyId, at, pieceEnd(at)));
    at = pieceEnd(at);
  }
}

function printHeaderFields(
  session: SessionContext,
  row: MessageRow,
  range: ByteRange,
  item: SectionItem,
  fields: HeaderFields,
): void {
  const header = session.store.body(row.bodyId, range.start, range.end);
  const chosen = chooseFields(header, fields);
  const { start, end } = cut({ start: 0, end: chosen.length }, item);
  session.out.text(`${item.label} {${end - start}}\r\n`);
  session.out.bytes(chosen.subarray(start, end));
}

/** The fields byte for byte in their order, and the empty line behind them. */
function chooseFields(header: Buffer, { lowerNames, not }: HeaderFields): Buffer {
  const chosen = parseHeader(header)
    .filter((field) => lowerNames.has(field.lowerName) !== not)
    .map((field) => header.subarray(field.start, field.end));
  const last = chosen.at(-1);
  if (last !== undefined && last.at(-1) !== 0x0a) chosen.push(CRLF);
  return Buffer.concat([...chosen, CRLF]);
}
