/** A witness as the commands on nodes and votes take it. */
import { z } from 'zod';

export const witnessParameters = {
  WitnessShare: z
    .string()
    .regex(/^\/.{0,4000}$/, 'a path from the root, such as /mnt/witness')
    .describe('A directory as the witness, by the same path on every host.')
    .optional(),
  WitnessHost: z.string().min(1).max(63).describe('A host that runs the witness process.').optional(),
};
