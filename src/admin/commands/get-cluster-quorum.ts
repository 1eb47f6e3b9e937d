/** Get-ClusterQuorum: who votes on the register, and whether each vote counts now. */
import { z } from 'zod';
import { declareCommand } from '../command.ts';

const kinds = { host: 'Node', process: 'Witness', share: 'FileShareWitness', disk: 'QuorumDisk' } as const;

export const getClusterQuorum = declareCommand({
  name: 'Get-ClusterQuorum',
  synopsis: 'Shows who votes on the register.',
  description:
    'One row for each vote, as the host that was asked sees it. A majority of them must answer for anything to be decided. A witness beside an odd number of nodes does not vote and is not shown.',
  parameters: z.strictObject({}),
  positional: [],
  permission: 'View-Only Administrator',
  columns: [
    { name: 'Name', type: 'text', description: 'Of the host, or witness for a share and quorum for a quorum disk.' },
    { name: 'Kind', type: 'text', description: 'Node, Witness (a process), FileShareWitness or QuorumDisk.' },
    { name: 'Path', type: 'text', description: 'The directory of a share or a quorum disk.' },
    { name: 'Votes', type: 'boolean', description: 'Whether it answers and its vote counts.' },
    { name: 'Error', type: 'text', description: 'Why it does not.' },
  ],
  table: ['Name', 'Kind', 'Path', 'Votes', 'Error'],
  examples: [{ line: 'Get-ClusterQuorum', what: 'Shows nodes and witness.' }],
  handler: async (context) =>
    (await context.acceptorReports()).map(({ name, kind, path, failure }) => ({
      Name: name,
      Kind: kinds[kind],
      Path: path,
      Votes: failure === null,
      Error: failure,
    })),
});
