/** Tests that need other people's programs. */
import { hasProgram } from '../../scripts/test-programs.ts';

/** Where CI=true a missing program is a failure of the test that needs it. */
export function skipWithout(programs: readonly string[]): string | false {
  const missing = programs.filter((program) => !hasProgram(program));
  return missing.length > 0 && process.env['CI'] !== 'true' ? `${missing.join(', ')} is not installed` : false;
}
