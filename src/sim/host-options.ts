/** What a simulated machine is made of, and whom it tells what happens on it. */
import type { Random } from '../base/random.ts';
import type { AcceptorIdentity } from '../cluster/acceptor.ts';
import type { ClusterTiming } from '../cluster/timing.ts';
import type { Serving } from '../replication/copy.ts';
import type { MovingVotes } from './moving-votes.ts';
import type { BugPorts } from './planted-bugs/planted-bug.ts';
import type { SimulatedHost } from './simulated-host.ts';
import type { SimulatedNetwork } from './simulated-network.ts';
import type { SimulatedTime } from './simulated-time.ts';
import type { VoteRules } from './simulated-vote.ts';
import type { SimulatedSoftware } from './software.ts';
import type { Story } from './story.ts';

export interface HostOptions {
  readonly name: string;
  readonly time: SimulatedTime;
  readonly random: Random;
  readonly network: SimulatedNetwork;
  readonly story: Story;
  readonly timing: ClusterTiming;
  readonly identity: AcceptorIdentity;
  /** Every host with a vote, this one included. */
  readonly votes: readonly string[];
  /** Instead of them, where the set changes. */
  readonly movingVotes: MovingVotes | undefined;
  readonly copies: readonly string[];
  readonly storageGroup: string;
  readonly fileSizeBytes: number;
  readonly circularLogging: boolean;
  readonly drift: number;
  /** Where a planted bug stands. */
  readonly ports: BugPorts;
  readonly software: SimulatedSoftware;
  readonly onVoteStored: VoteRules['onStored'];
  readonly onServing: (host: SimulatedHost, serving: Serving | undefined) => void;
  /** Its copy was told that it holds the lease for so long from now on, on its own clock. */
  readonly onLease: (host: SimulatedHost, forMs: number) => void;
  readonly onAnswer: (host: SimulatedHost, epoch: number, lsn: number) => void;
}
