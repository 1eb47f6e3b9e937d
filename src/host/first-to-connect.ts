/**
 * Several ways to one place, in the order of preference: each begins when the one before it failed or has not come
 * about after `headStartMs`, and the first that does is taken (RFC 8305 does the same with addresses of two families).
 */

/** Rejects with the first way's fault when all of them failed. The caller aborts what is still under way. */
export function firstToConnect<T extends { close(reason: string): void }>(
  ways: readonly ((signal: AbortSignal) => Promise<T>)[],
  headStartMs: number,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const faults: unknown[] = [];
    let begun = 0;
    let failed = 0;
    let isDecided = false;
    const begin = (): void => {
      const way = ways[begun];
      if (way === undefined || isDecided) return;
      const index = begun;
      begun += 1;
      const headStart = setTimeout(begin, headStartMs);
      way(signal).then(
        (found) => {
          clearTimeout(headStart);
          if (isDecided) return found.close('another way was faster');
          isDecided = true;
          resolve(found);
        },
        (fault: unknown) => {
          clearTimeout(headStart);
          faults[index] = fault;
          failed += 1;
          if (failed === ways.length && !isDecided) reject(faults[0]);
          else if (index === begun - 1) begin();
        },
      );
    };
    begin();
  });
}
