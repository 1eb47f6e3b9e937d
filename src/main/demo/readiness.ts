/** Whether the cluster serves: decided by what it says of itself and by whether its ports accept connections. */
import { connect } from 'node:net';
import { sleep } from '../../base/clock.ts';
import { isProblem, Problem } from '../../base/problem.ts';
import { machineClock } from '../../host/machine.ts';
import type { AdminClient } from '../admin-client.ts';
import { demoLimits } from './limits.ts';
import type { ListenedPort } from './ports.ts';

const CONNECT_TIMEOUT_MS = 1_000;

/** States in which a copy stays until somebody does something: waiting for it would be for ever. */
const settledStates: ReadonlySet<unknown> = new Set(['Healthy', 'Suspended', 'Failed', 'Disabled', 'NotSupported']);

/**
 * Resolves with remarks about what is not Healthy. `check` throws when waiting is in vain.
 * Problem('DemoNotReady') with what was missing last.
 */
export async function waitUntilReady(
  client: AdminClient,
  ports: readonly ListenedPort[],
  check: () => void,
): Promise<readonly string[]> {
  const deadlineMs = machineClock.monotonicMs() + demoLimits.startTimeoutMs;
  for (;;) {
    check();
    const state = await clusterState(client);
    const missing = state.missing ?? (await closedPort(ports));
    if (missing === undefined) return state.remarks;
    if (machineClock.monotonicMs() > deadlineMs) {
      throw new Problem(
        'DemoNotReady',
        `Cannot start the demo: after ${demoLimits.startTimeoutMs / 1000} s ${missing}. The logs are in the folder log of each host.`,
      );
    }
    await sleep(machineClock, demoLimits.startPollMs);
  }
}

interface ClusterState {
  readonly missing: string | undefined;
  readonly remarks: readonly string[];
}

async function clusterState(client: AdminClient): Promise<ClusterState> {
  try {
    const servers = await client.run({ command: 'Get-ClusteredMailboxServerStatus', parameters: {} });
    const offline = servers.rows.find((row) => row['State'] !== 'Online');
    if (offline !== undefined) return waiting(`${String(offline['Identity'])} is ${String(offline['State'])}`);
    const { rows } = await client.run({ command: 'Get-StorageGroupCopyStatus', parameters: {} });
    const unsettled = rows.find((row) => !settledStates.has(row['SummaryCopyStatus']));
    if (unsettled !== undefined) {
      return waiting(
        `the copy of ${String(unsettled['Identity'])} on ${String(unsettled['CCRTargetNode'])} is ${String(unsettled['SummaryCopyStatus'])}`,
      );
    }
    const unhealthy = rows.filter((row) => row['SummaryCopyStatus'] !== 'Healthy');
    return {
      missing: undefined,
      remarks: unhealthy.map(
        (row) =>
          `The copy of ${String(row['Identity'])} on ${String(row['CCRTargetNode'])} is ${String(row['SummaryCopyStatus'])}.`,
      ),
    };
  } catch (error) {
    if (isProblem(error)) return waiting(error.temporary ? 'the cluster does not answer' : error.message);
    throw error;
  }
}

function waiting(missing: string): ClusterState {
  return { missing, remarks: [] };
}

async function closedPort(ports: readonly ListenedPort[]): Promise<string | undefined> {
  for (const place of ports) {
    if (!(await accepts(place))) return `nothing listens on ${place.address}:${place.port} (${place.name})`;
  }
  return undefined;
}

function accepts(place: ListenedPort): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: place.address, port: place.port, timeout: CONNECT_TIMEOUT_MS });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}
