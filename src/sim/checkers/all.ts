/** Every checker, one for each invariant. */
import type { Checker, SimulatedCluster } from '../simulated-cluster.ts';
import { AcknowledgedIsThere } from './acknowledged-is-there.ts';
import { CommittedInSet } from './committed-in-set.ts';
import { EpochsGrow } from './epochs-grow.ts';
import { FormatsAreRead } from './formats-are-read.ts';
import { HintFollows } from './hint-follows.ts';
import { InSyncHoldsAll } from './in-sync-holds-all.ts';
import { LeaseCounts } from './lease-counts.ts';
import { LossesAreRecorded } from './losses-are-recorded.ts';
import { OneActive } from './one-active.ts';
import { PassiveStaysBehind } from './passive-stays-behind.ts';
import { QuarantineKeeps } from './quarantine-keeps.ts';
import { QuarantineReturns } from './quarantine-returns.ts';
import { RegisterHistory } from './register-history.ts';
import { SameHistory } from './same-history.ts';
import { ShownStays } from './shown-stays.ts';
import { ToldIsDurable } from './told-is-durable.ts';
import { VotesKeepPromises } from './votes-keep-promises.ts';

export function allCheckers(cluster: SimulatedCluster): readonly Checker[] {
  return [
    new RegisterHistory(),
    new VotesKeepPromises(),
    new OneActive(),
    new LeaseCounts(cluster),
    new EpochsGrow(cluster),
    new CommittedInSet(cluster),
    new InSyncHoldsAll(cluster),
    new ToldIsDurable(cluster),
    new PassiveStaysBehind(cluster),
    new QuarantineKeeps(cluster),
    new QuarantineReturns(cluster),
    new LossesAreRecorded(cluster),
    new AcknowledgedIsThere(cluster),
    new ShownStays(cluster),
    new SameHistory(cluster),
    new HintFollows(cluster),
    new FormatsAreRead(cluster),
  ];
}
