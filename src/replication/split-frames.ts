/** A run of records as it comes over the network, cut into the frames that the log takes one by one. */
import { Problem } from '../base/problem.ts';

/** Cuts at the lengths that the frames state; whether they are records is for the log to say. */
export function splitFrames(frames: Buffer): Buffer[] {
  const result: Buffer[] = [];
  for (let position = 0; position < frames.length; ) {
    const length = frames.length - position >= 4 ? Math.ceil(frames.readUInt32LE(position) / 8) * 8 : 0;
    if (length < 8 || position + length > frames.length) {
      throw new Problem(
        'Malformed',
        'Cannot accept records: their lengths do not add up. Find the last common point again.',
      );
    }
    result.push(frames.subarray(position, position + length));
    position += length;
  }
  return result;
}
