/** The words after `form-cluster` and `init-host`. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { messageOf, Problem } from '../../base/problem.ts';

export type Values = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

/** Problem('ArgumentInvalid') */
export function parseWords(
  words: readonly string[],
  usage: string,
  options: NonNullable<ParseArgsConfig['options']>,
  needed: readonly string[],
): { readonly values: Values; readonly positionals: readonly string[] } {
  let parsed: { values: Values; positionals: readonly string[] };
  try {
    parsed = parseArgs({ args: [...words], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw invalid(messageOf(error).split(/\.\s/)[0] ?? '', usage, error);
  }
  const missing = needed.find((name) => (parsed.values[name] ?? '') === '');
  if (missing !== undefined) throw invalid(`--${missing} is missing`, usage);
  return parsed;
}

export function invalid(state: string, usage: string, cause?: unknown): Problem {
  return new Problem('ArgumentInvalid', `Cannot use these words: ${state}. Usage: ${usage}`, { cause });
}
