/** What happened, for the administrator: one event, its fields, no sentence built from untrusted text. */
export interface Logger {
  info(fields: object, event: string): void;
  warn(fields: object, event: string): void;
  error(fields: object, event: string): void;
  /** The same log with `fields` in every line. */
  child(fields: object): Logger;
}

/** For tests and tools that want quiet. */
export const silentLogger: Logger = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};
