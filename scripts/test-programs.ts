/**
 * The real mail programs that tests talk to Holdfast with, and a network file system. On a Debian where we are root they are installed; elsewhere
 * their tests are skipped and the summary names them, and where CI=true a missing one is a failure, so that a green run
 * there never means "was not tried".
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { aptInstall, canUseApt } from './bootstrap.mjs';

interface TestProgram {
  readonly command: string;
  readonly debianPackages: readonly string[];
  /** A Perl module without which the program cannot do what the tests ask of it. */
  readonly perlModule?: string;
}

const testPrograms: readonly TestProgram[] = [
  { command: 'curl', debianPackages: ['curl'] },
  { command: 'mutt', debianPackages: ['mutt'] },
  { command: 'mbsync', debianPackages: ['isync'] },
  { command: 'sshfs', debianPackages: ['sshfs', 'openssh-sftp-server'] },
  { command: 'swaks', debianPackages: ['swaks', 'libnet-ssleay-perl'], perlModule: 'Net::SSLeay' },
  { command: 'gcc', debianPackages: ['gcc', 'libc6-dev'] },
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

function isUsable({ command, perlModule }: TestProgram): boolean {
  if (!hasProgram(command)) return false;
  return perlModule === undefined || spawnSync('perl', [`-M${perlModule}`, '-e', '1']).status === 0;
}

/** Brings what is missing where that is possible; returns the names of the programs that are still missing. */
export function provideTestPrograms(): string[] {
  const missing = () => testPrograms.filter((program) => !isUsable(program));
  const wanted = missing().flatMap((program) => program.debianPackages);
  if (wanted.length > 0 && canUseApt() && !aptInstall(wanted)) console.error('apt-get failed.');
  return missing().map((program) => program.command);
}
