/**
 * `npm run demo:check`: starts a demo with 6,046 real messages and lets curl, mutt, mbsync and imapflow read them back.
 * Prints a line for each; the exit code is 0 only if every byte was as it was sent. A program that is missing is named,
 * and where CI=true it is a failure.
 */
import { columns } from '../../scripts/columns.ts';
import { hasProgram, provideTestPrograms } from '../../scripts/test-programs.ts';
import { Demo } from '../support/demo.ts';
import { type ReadBack, readBack } from './read-back.ts';
import { readingClients } from './reading-clients.ts';
import { sentMail } from './sent-mail.ts';

const MAX_FAULTS_SHOWN = 10;

async function main(): Promise<boolean> {
  provideTestPrograms();
  console.log('Starting a demo and sending it 6,046 messages');
  const demo = await Demo.start({ users: 10, mail: true });
  try {
    const sent = sentMail(demo.description.users.map((user) => user.address));
    const rows = [['client', 'sent', 'read back equal', 'faults', 'seconds']];
    const faults: string[] = [];
    let isComplete = true;
    for (const client of readingClients) {
      if (!client.programs.every(hasProgram)) {
        rows.push([client.name, 'not installed', '', '', '']);
        isComplete = false;
        continue;
      }
      const result = await readBack(client, demo, sent);
      rows.push(rowOf(client.name, result));
      faults.push(...result.faults.map((fault) => `${client.name}: ${fault}`));
    }
    console.log(columns(rows));
    for (const fault of faults.slice(0, MAX_FAULTS_SHOWN)) console.log(fault);
    return faults.length === 0 && (isComplete || process.env['CI'] !== 'true');
  } finally {
    await demo.stop();
  }
}

function rowOf(name: string, { sent, equal, faults, seconds }: ReadBack): string[] {
  return [name, `${sent}`, `${equal}`, `${faults.length}`, seconds.toFixed(1)];
}

process.exitCode = (await main()) ? 0 : 1;
