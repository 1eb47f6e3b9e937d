/**
 * Bits of a file turned over one by one, and what became of each: the same data was given out, or the damage was seen.
 * Anything else is silent, and there may be none of it.
 */
import assert from 'node:assert/strict';

export type Outcome =
  /** What is given out is the same: nobody looks at that bit. */
  | 'identical'
  /** Whoever reads it is told. */
  | 'detected'
  /** A reader is not told, the check of the whole is: so is the scrub. */
  | 'detectedByCheck';

interface Flips {
  identical: number;
  detected: number;
  detectedByCheck: number;
}

/** By kind of file. */
const counts = new Map<string, Flips>();

type Judge = (bytes: Buffer, bit: number) => Outcome | Promise<Outcome>;

/** Every bit, or those that are worth it. `judge` may not keep the bytes, and throws when a flip went through in silence. */
export async function flipBits(
  kind: string,
  bytes: Buffer,
  judge: Judge,
  isWorthwhile: (bit: number) => boolean = () => true,
): Promise<void> {
  const flips = counts.get(kind) ?? { identical: 0, detected: 0, detectedByCheck: 0 };
  counts.set(kind, flips);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    if (!isWorthwhile(bit)) continue;
    turn(bytes, bit);
    try {
      const outcome = judge(bytes, bit);
      flips[typeof outcome === 'string' ? outcome : await outcome] += 1;
    } catch (error) {
      throw new Error(`${kind}: byte ${bit >>> 3}, bit ${bit & 7}`, { cause: error });
    } finally {
      turn(bytes, bit);
    }
  }
}

function turn(bytes: Buffer, bit: number): void {
  bytes.writeUInt8(bytes.readUInt8(bit >>> 3) ^ (1 << (bit & 7)), bit >>> 3);
}

/** A line for each kind, and the sum. */
export function report(leastFlips: number): void {
  let sum = 0;
  for (const [kind, { identical, detected, detectedByCheck }] of counts) {
    const all = identical + detected + detectedByCheck;
    sum += all;
    const byCheck = detectedByCheck === 0 ? '' : `, ${detectedByCheck} of them by the check alone`;
    console.log(
      `${kind}: ${all} flips, ${identical} identical, ${detected + detectedByCheck} detected${byCheck}, 0 silent`,
    );
  }
  console.log(`${sum} flips in all`);
  assert.ok(sum >= leastFlips, `only ${sum} flips`);
}
