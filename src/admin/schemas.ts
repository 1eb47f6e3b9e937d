/** Parameters that several commands have, so that they mean and accept the same everywhere. */
import { z } from 'zod';
import { adminLimits } from './limits.ts';

const CONTROL_CHARACTER = /\p{Cc}|\p{Zl}|\p{Zp}/u;

/** One line of text: no control characters, so that it can go into a log, a header and a terminal. */
export function lineOfText(maxCharacters: number): z.ZodString {
  return z
    .string()
    .max(maxCharacters, `at most ${maxCharacters} characters`)
    .refine((text) => !CONTROL_CHARACTER.test(text), 'control characters and line breaks are not allowed')
    .refine((text) => text.isWellFormed(), 'it is not valid Unicode');
}

export function name(description: string): z.ZodString {
  return lineOfText(adminLimits.nameCharacters).min(1, 'it is empty').describe(description);
}

/** As hosts, and addresses of theirs, are called. */
export function nameOfHost(description: string): z.ZodString {
  return name(description).regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/, 'letters, digits and hyphens');
}

export function comment(description: string): z.ZodString {
  return lineOfText(adminLimits.commentCharacters).describe(description);
}

export function flag(description: string): z.ZodDefault<z.ZodBoolean> {
  return z.boolean().default(false).describe(description);
}

export const storageGroupIdentity = name('The storage group, as server\\name or by its name.');
export const force = flag('Does not ask.');

/** The mail address of a mailbox; what else it must be, the store says. */
export const mailAddress = lineOfText(adminLimits.addressCharacters).regex(
  /^[^\s@"<>(),:;[\]\\]+@[^\s@"<>(),:;[\]\\]+$/u,
  'a mail address is wanted, such as user1@example.test',
);
