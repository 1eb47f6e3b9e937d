import { acceptorPortSuite } from './testing/acceptor.port-suite.ts';
import { directLink, MemoryVote } from './testing/memory-acceptor.ts';

acceptorPortSuite('memory', async () => {
  const vote = new MemoryVote('memory');
  return {
    open: (identity) => vote.reachedBy(identity, directLink),
    wipe: async () => vote.restore(undefined),
    damage: async () => {
      const bytes = Buffer.from(vote.stored ?? []);
      const middle = bytes.length >> 1;
      bytes[middle] = (bytes[middle] ?? 0) ^ 1;
      vote.restore(bytes);
    },
  };
});
