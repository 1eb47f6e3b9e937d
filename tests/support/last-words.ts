/**
 * What the hosts of a demo wrote last into their logs. A system test that waits in vain ends with it: the folder is gone by the time
 * somebody reads of the failure, and the same cut may not come again for a hundred runs.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const LINES_OF_HOST = 40;
const LONGEST_LINE = 400;

/** Of every host, oldest line first. */
export function lastWords(folder: string): string {
  const hosts = readdirSync(folder).filter((name) => existsSync(logOf(folder, name)));
  return hosts.map((host) => `--- ${host}\n${lastLines(logOf(folder, host))}`).join('\n');
}

function logOf(folder: string, host: string): string {
  return join(folder, host, 'log', 'host.log');
}

function lastLines(path: string): string {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n').slice(-LINES_OF_HOST);
  return lines.map((line) => line.slice(0, LONGEST_LINE)).join('\n');
}
