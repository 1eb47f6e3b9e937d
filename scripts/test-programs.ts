/**
 * The real mail programs that tests talk to Holdfast with. On a Debian where we are root they are installed; elsewhere
 * their tests are skipped and the summary names them, and where CI=true a missing one is a failure, so that a green run
 * there never means "was not tried".
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { aptInstall, canUseApt } from './bootstrap.mjs';

interface TestProgram {
  readonly command: string;
  readonly debianPackage: string;
}

const testPrograms: readonly TestProgram[] = [
  { command: 'curl', debianPackage: 'curl' },
  { command: 'mutt', debianPackage: 'mutt' },
  { command: 'mbsync', debianPackage: 'isync' },
  { command: 'swaks', debianPackage: 'swaks' },
];

/** Whether a program of that name is on the PATH. */
export function hasProgram(command: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Brings what is missing where that is possible; returns the names of the programs that are still missing. */
export function provideTestPrograms(): string[] {
  const missing = () => testPrograms.filter((program) => !hasProgram(program.command));
  const wanted = missing().map((program) => program.debianPackage);
  if (wanted.length > 0 && canUseApt() && !aptInstall(wanted)) console.error('apt-get failed.');
  return missing().map((program) => program.command);
}
