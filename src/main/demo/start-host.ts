/** `holdfast demo start-host NAME`: power for a machine that was killed. Whoever started the demo keeps watching it. */

import { sleep } from '../../base/clock.ts';
import { Problem } from '../../base/problem.ts';
import { loadConfig } from '../../host/config.ts';
import { machineClock } from '../../host/machine.ts';
import { hostAnswers } from '../admin-client.ts';
import { clusterFiles } from '../cluster-files.ts';
import { type ClusterMarker, readMarker } from '../cluster-marker.ts';
import { updateProcessGroup } from './demo-file.ts';
import { demoLimits } from './limits.ts';
import { parseHostOptions } from './options.ts';
import { isServiceRunning, lastWords, runningGroup, spawnHost } from './processes.ts';

export async function startHost(words: readonly string[]): Promise<void> {
  const { folder, host } = parseHostOptions('start', words);
  const { hosts } = formedDemo(folder);
  if (!hosts.includes(host)) {
    throw new Problem('HostUnknown', `Cannot start ${host}: there is no such host. Hosts: ${hosts.join(', ')}.`);
  }
  const dataFolder = clusterFiles.host(folder, host);
  loadConfig(dataFolder);
  const running = await remainingGroup(dataFolder);
  if (running !== undefined) {
    throw new Problem(
      'HostRuns',
      `Cannot start ${host}: it runs already (process group ${running}). Kill it first: kill -9 -- -${running}`,
    );
  }
  const group = await startAndWait(folder, host, dataFolder);
  process.stdout.write(`${host} runs again (process group ${group}).\n`);
}

/** A service that was killed alone takes its role processes with it, but not in the same instant. */
async function remainingGroup(dataFolder: string): Promise<number | undefined> {
  const deadlineMs = machineClock.monotonicMs() + demoLimits.endingTimeoutMs;
  for (;;) {
    const group = runningGroup(dataFolder);
    if (group === undefined || isServiceRunning(group, dataFolder) || machineClock.monotonicMs() > deadlineMs)
      return group;
    await sleep(machineClock, demoLimits.stopPollMs);
  }
}

/** Problem('ClusterNotFound') */
export function formedDemo(folder: string): ClusterMarker {
  const marker = readMarker(folder);
  if (marker?.formed) return marker;
  throw new Problem(
    'ClusterNotFound',
    `Cannot start a host: there is no demo in ${folder}. Start one with "npm start", or give its folder with --data.`,
  );
}

async function startAndWait(folder: string, host: string, dataFolder: string): Promise<number> {
  const child = spawnHost(host, dataFolder);
  child.unref();
  const group = child.pid ?? 0;
  updateProcessGroup(folder, host, group);
  const deadlineMs = machineClock.monotonicMs() + demoLimits.startTimeoutMs;
  while (!(await hostAnswers(folder, host))) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Problem(
        'HostStopped',
        `Cannot start ${host}: ${lastWords(dataFolder)}. Its log is ${dataFolder}/log/host.log.`,
      );
    }
    if (machineClock.monotonicMs() > deadlineMs) {
      throw new Problem(
        'HostSilent',
        `Cannot tell whether ${host} runs: it does not answer. Its log is ${dataFolder}/log/host.log.`,
      );
    }
    await sleep(machineClock, demoLimits.startPollMs);
  }
  return group;
}
