/**
 * The administrator's connection: finds the cluster from a folder, shows the administrator's certificate to the first
 * host that answers, and asks it. Every host can answer every command, so which one it is does not matter.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { AdminAnswer, AdminRequest } from '../admin/registry.ts';
import { silentLogger } from '../base/logger.ts';
import { isProblem, messageOf, Problem } from '../base/problem.ts';
import { Rpc } from '../base/rpc.ts';
import { type HostEntry, loadConfig } from '../host/config.ts';
import { CONFIG_FILE_NAME } from '../host/config-file-name.ts';
import { readIdentity } from '../host/identity.ts';
import { machineClock } from '../host/machine.ts';
import { type TlsIdentity, TlsNetwork } from '../host/tls-network.ts';
import { clusterFiles } from './cluster-files.ts';
import { readMarker } from './cluster-marker.ts';
import { refuseEvicted } from './host-list.ts';

const CONNECT_TIMEOUT_MS = 1_500;
const ANSWER_TIMEOUT_MS = 120_000;
/** They take as long as the database is large. */
const LONG_COMMANDS = /^(update|enable|backup|optimize)-/i;
const SEED_TIMEOUT_MS = 24 * 60 * 60 * 1000;

/** The notice by which a host tells how far a command is; its body is one line of UTF-8. */
export const PROGRESS_NOTICE = 'admin-progress';

export interface ClusterAccess {
  readonly hosts: readonly HostEntry[];
  readonly identity: TlsIdentity;
}

/**
 * `folder` is the folder in which the cluster was formed, or one host's data folder.
 * Problem('ClusterNotFound'), or what its files have.
 */
export function findCluster(folder: string): ClusterAccess {
  if (existsSync(join(folder, CONFIG_FILE_NAME))) {
    const beside = [folder, dirname(folder)].map(clusterFiles.administrator).find((each) => existsSync(each));
    return { hosts: loadConfig(folder).hosts, identity: readIdentity(beside ?? clusterFiles.administrator(folder)) };
  }
  const marker = readMarker(folder);
  if (marker === undefined) {
    throw new Problem(
      'ClusterNotFound',
      `Cannot find a cluster in ${folder}: neither a demo nor a host has its data there. Start one with "npm start", or give the right folder with --data.`,
    );
  }
  return { hosts: anyConfig(folder, marker.hosts), identity: readIdentity(clusterFiles.administrator(folder)) };
}

/** A host's folder may be damaged or gone: that is what the demo is for. Any other one that was not evicted knows the hosts as well. */
function anyConfig(folder: string, hosts: readonly string[]): readonly HostEntry[] {
  const faults: unknown[] = [];
  for (const host of hosts) {
    try {
      const dataFolder = clusterFiles.host(folder, host);
      refuseEvicted(dataFolder, host);
      return loadConfig(dataFolder).hosts;
    } catch (error) {
      faults.push(error);
    }
  }
  throw faults[0] ?? new Problem('ClusterNotFound', `Cannot find a cluster in ${folder}: it names no host`);
}

const answerSchema = z.object({
  rows: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]))),
  whatIf: z.string().optional(),
});

export class AdminClient {
  readonly #access: ClusterAccess;
  readonly #network: TlsNetwork;
  readonly #onProgress: (line: string) => void;

  constructor(access: ClusterAccess, onProgress: (line: string) => void = () => undefined) {
    this.#access = access;
    this.#onProgress = onProgress;
    this.#network = new TlsNetwork({
      identity: access.identity,
      locate: (endpoint) => {
        const host = access.hosts.find((each) => `${each.name}/cluster` === endpoint);
        return host === undefined ? [] : [{ address: host.address, port: host.clusterPort, network: '' }];
      },
      logger: silentLogger,
      onListenError: () => undefined,
    });
  }

  /** What the command answers, or its Problem. Problem('ClusterUnreachable') when no host answers. */
  async run(request: AdminRequest): Promise<AdminAnswer> {
    const connection = await this.#connect();
    const timeoutMs = LONG_COMMANDS.test(request.command) ? SEED_TIMEOUT_MS : ANSWER_TIMEOUT_MS;
    try {
      const answer = await connection.ask('admin', Buffer.from(JSON.stringify(request)), timeoutMs);
      return understand(answer);
    } catch (error) {
      if (isProblem(error, 'ChannelClosed') || isProblem(error, 'TimedOut'))
        throw outcomeUnknown(request.command, error);
      throw error;
    } finally {
      connection.channel.close('done');
    }
  }

  /** Whether a host accepts this administrator. */
  async answers(): Promise<boolean> {
    try {
      (await this.#connect()).channel.close('done');
      return true;
    } catch (error) {
      if (isProblem(error, 'ClusterUnreachable')) return false;
      throw error;
    }
  }

  async #connect(): Promise<Rpc> {
    const faults: string[] = [];
    for (const host of this.#access.hosts) {
      try {
        const channel = await this.#network.connect(`${host.name}/cluster`, CONNECT_TIMEOUT_MS);
        const notices = { [PROGRESS_NOTICE]: (body: Buffer) => this.#onProgress(body.toString('utf8')) };
        return new Rpc(channel, { clock: machineClock, notices });
      } catch (error) {
        if (!isProblem(error)) throw error;
        faults.push(`${host.name} (${host.address}:${host.clusterPort})`);
      }
    }
    throw new Problem(
      'ClusterUnreachable',
      `Cannot reach the cluster: no host answers; tried ${faults.join(', ')}. Start it with "npm start", or start a host with "bin/holdfast demo start-host NAME".`,
      { temporary: true },
    );
  }
}

/** Whether the cluster service of one host accepts connections; by its own folder, for others may not know it yet. */
export async function hostAnswers(folder: string, host: string): Promise<boolean> {
  const access = findCluster(clusterFiles.host(folder, host));
  return await new AdminClient({ ...access, hosts: access.hosts.filter((each) => each.name === host) }).answers();
}

function understand(answer: Buffer): AdminAnswer {
  try {
    const { rows, whatIf } = answerSchema.parse(JSON.parse(answer.toString('utf8')));
    return whatIf === undefined ? { rows } : { rows, whatIf };
  } catch (error) {
    throw new Problem(
      'AnswerInvalid',
      `Cannot understand the host's answer: ${messageOf(error).split('\n')[0]}. It may run another version.`,
      { cause: error },
    );
  }
}

function outcomeUnknown(command: string, error: Problem): Problem {
  const next = /^(Get|Test)-/i.test(command) ? 'Try again.' : 'It may have been done or not: look, then try again.';
  return new Problem('OutcomeUnknown', `Cannot tell how ${command} ended: the host stopped answering. ${next}`, {
    temporary: true,
    cause: error,
  });
}
