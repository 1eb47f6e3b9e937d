/** An administrator beside the simulated cluster: changes the register through its votes, as commands do. */
import assert from 'node:assert/strict';
import { CasPaxosRegister } from '../cluster/caspaxos-register.ts';
import type { RegisterDocument } from '../cluster/register-document.ts';
import { MachineClock } from './simulated-clock.ts';
import { CLIENTS, IDENTITY, type SimulatedCluster } from './simulated-cluster.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { remoteVote } from './simulated-vote.ts';

const TIMEOUT_MS = 3_000;

export class Administrator {
  readonly #cluster: SimulatedCluster;
  readonly #register: CasPaxosRegister;

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
    const process = new SimulatedProcess('administrator');
    const clock = new MachineClock(cluster.time, { drift: 0, startMs: 0 }).of(process);
    const port = cluster.network.of(CLIENTS, process);
    const acceptors = cluster.votes.map((name) => remoteVote(name, IDENTITY, port, clock));
    const { random } = cluster;
    this.#register = new CasPaxosRegister({ acceptors, proposer: 'administrator', clock, random });
  }

  /** One change; a majority of the votes answers. */
  async order(change: (document: RegisterDocument) => RegisterDocument | undefined): Promise<void> {
    const outcome = await this.#register.change((document) => document && change(document), { timeoutMs: TIMEOUT_MS });
    assert.equal(outcome.kind, 'changed', this.#cluster.health());
  }
}
