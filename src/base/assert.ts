/**
 * Our own mistakes. An assertion that fails is a bug in Holdfast, never the world's fault: it is on in production, and
 * in the core it takes the process down, because a store that is wrong about itself must not go on answering.
 */
export class AssertionError extends Error {
  override name = 'AssertionError';
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** The value, when the program's own logic says that it must be there. */
export function present<T>(value: T | undefined | null, message: string): T {
  assert(value !== undefined && value !== null, message);
  return value;
}

/** For the branch that the types say cannot be reached. */
export function unreachable(value: never): never {
  throw new AssertionError(`Reached a case that does not exist: ${String(value)}`);
}
