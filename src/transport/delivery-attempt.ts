/**
 * One attempt to hand one message to one copy. It ends in one of three ways, and the difference is what keeps mail:
 * the copy answered (then it is so); the copy itself refuses the whole message (an error of content or of ours: trying
 * again the same way does not help); or nobody knows (no answer, wrong copy): then the same id goes to whoever is
 * active next, and whatever had happened before is found out by the store.
 */
import type { Clock } from '../base/clock.ts';
import { isProblem, type Problem } from '../base/problem.ts';
import type { ActiveCopy, CopyFinder } from '../directory/copy-finder.ts';
import { copyMethods } from '../directory/copy-protocol.ts';
import { type DeliveryResult, decodeDeliveryResults } from '../mail/delivery.ts';

export type Attempt =
  | { readonly kind: 'answered'; readonly results: readonly DeliveryResult[]; readonly epoch: number }
  | { readonly kind: 'refused'; readonly problem: Problem }
  /** `asked`: the copy may have taken the message without our hearing of it. */
  | { readonly kind: 'unknown'; readonly asked: boolean };

/** After these the copy is not there, not active, or has trouble with its disk: it has said nothing about the message. */
const NOT_THERE = new Set([
  'NotActive',
  'OutcomeUnknown',
  'ChannelClosed',
  'TimedOut',
  'Busy',
  'LogBusy',
  'DiskFull',
  'DiskFailed',
  'TooManyFiles',
  'DatabaseDamaged',
]);

/** And after these it has certainly not touched it. */
const NOT_ASKED = new Set(['NotActive', 'Busy', 'LogBusy', 'DiskFull']);

/** Never rejects for the world's errors. Gives up at once when another copy becomes active. */
export async function attemptDelivery(
  finder: CopyFinder,
  copy: ActiveCopy,
  encoded: Buffer,
  timeoutMs: number,
): Promise<Attempt> {
  const answer = copy.rpc.ask(copyMethods.deliver, encoded, timeoutMs);
  const { replaced, forget } = whenReplaced(finder, copy);
  try {
    const body = await Promise.race([answer, replaced]);
    if (body === undefined) {
      answer.catch(ignoreLateAnswer);
      return { kind: 'unknown', asked: true };
    }
    return { kind: 'answered', results: decodeDeliveryResults(body), epoch: copy.epoch };
  } catch (error) {
    if (!isProblem(error)) throw error;
    if (!NOT_THERE.has(error.code)) return { kind: 'refused', problem: error };
    return { kind: 'unknown', asked: !NOT_ASKED.has(error.code) };
  } finally {
    forget();
  }
}

/** The store remembers the id: what the former copy still says makes no difference any more. */
function ignoreLateAnswer(): undefined {
  return undefined;
}

/** A copy whose channel is lost counts as replaced: its answer cannot come any more. */
function whenReplaced(finder: CopyFinder, copy: ActiveCopy): { replaced: Promise<undefined>; forget: () => void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const forget = finder.onChange((active) => {
    if (active?.rpc !== copy.rpc) resolve(undefined);
  });
  return { replaced: promise, forget };
}

/** Resolves at the next change of the active copy, or after `delayMs`. */
export function changeOrDelay(finder: CopyFinder, clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      undo();
      cancel();
      resolve();
    };
    const undo = finder.onChange(finish);
    const cancel = clock.after(delayMs, finish);
  });
}
