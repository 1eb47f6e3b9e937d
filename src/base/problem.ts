/**
 * The world's mistakes, as values with a stable code: a disk that is full, a name that is taken, a copy that is not
 * there. The message states the action, then a colon and the state, then what to do next; it may be shown to an
 * administrator. What a mail client sees is made from the code, where its protocol is spoken.
 */
export class Problem extends Error {
  override name = 'Problem';
  readonly code: string;
  /** True when trying again later may succeed without anybody doing anything. */
  readonly temporary: boolean;

  constructor(code: string, message: string, options: { temporary?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.temporary = options.temporary ?? false;
  }
}

export function isProblem(error: unknown, code?: string): error is Problem {
  return error instanceof Problem && (code === undefined || error.code === code);
}

/** One line for a log or a person, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
