/** The same work for each of many, as many at a time as the machine has cores. Rejects when nothing is under way any more. */
import { availableParallelism } from 'node:os';

export async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const waiting = items.entries();
  const one = async (): Promise<void> => {
    for (const [index, item] of waiting) results[index] = await work(item);
  };
  const ends = await Promise.allSettled(Array.from({ length: availableParallelism() }, one));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return results;
}
