/** What every check reports, and how it lets others through: a place in a file, and a hook behind every piece of work. */

export interface Finding {
  /** Path in the copy's folder. */
  readonly file: string;
  readonly fromByte: number;
  /** Behind the last byte. */
  readonly toByte: number;
  readonly what: string;
  /** Of a message body: what another copy may be asked for. */
  readonly bodyId?: number;
  /** Of a log file: another copy has the same one, when it is closed. */
  readonly generation?: number;
}

/** Told behind every piece that was read or written; the work goes on when it resolves. Progress and throttling live there. */
export type Pace = (bytes: number) => Promise<void> | void;

/** "packs/00000001.pack, bytes 20 to 4116: its checksum is wrong" */
export function describeFinding({ file, fromByte, toByte, what }: Finding): string {
  return `${file}, bytes ${fromByte} to ${toByte}: ${what}`;
}
