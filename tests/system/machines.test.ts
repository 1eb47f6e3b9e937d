/**
 * Real machines, without the demo: a cluster is formed from a plan, its folders are carried to places of their own, each host is started
 * there by hand, a node is added and a lost one made anew by `init-host`. Every step is one of docs/machines.md.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { AdminClient, findCluster } from '../../src/main/admin-client.ts';
import { endDemo, hostGroups } from '../support/end-demo.ts';
import { freePortBase } from '../support/free-ports.ts';
import { HOLDFAST, runHoldfast } from '../support/program.ts';
import { readMailbox } from '../support/read-mail.ts';
import { SmtpClient } from '../support/smtp-client.ts';
import { waitFor } from '../support/wait.ts';

const LIMIT_MS = 120_000;
const HEAL_MS = 40_000;
const [FIRST, SECOND, THIRD, HUB] = ['mbx01-node1', 'mbx01-node2', 'mbx01-node3', 'hub1'] as const;
const REAPER = fileURLToPath(new URL('../support/reaper.ts', import.meta.url));
const ANNA = { address: 'anna@example.org', password: 'secret1' };
const GROUP = 'mbx01\\First Storage Group';
/** The machine has all of 127/8. */
const PUBLIC = { [FIRST]: '127.0.6.1', [SECOND]: '127.0.6.2', [THIRD]: '127.0.6.3', [HUB]: '127.0.6.9' } as const;
const PRIVATE = { [FIRST]: '127.0.7.1', [SECOND]: '127.0.7.2', [THIRD]: '127.0.7.3' } as const;

type Name = keyof typeof PUBLIC;
type Row = Readonly<Record<string, unknown>>;

/** Folders that stand for machines; what runs on them ends with the test. */
class Machines {
  readonly root = mkdtempSync(join(tmpdir(), 'holdfast-machines-'));
  readonly formed = join(this.root, 'formed');

  constructor(t: TestContext) {
    const reaper = spawn(process.execPath, [REAPER, this.root], {
      detached: true,
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    t.after(() => {
      endDemo(this.root);
      reaper.stdin.end();
    });
  }

  dataFolder(name: Name): string {
    return join(this.root, `machine-${name}`, 'holdfast');
  }

  /** What scp does, and rm on this side. */
  carry(from: string, name: Name): void {
    mkdirSync(join(this.root, `machine-${name}`), { recursive: true });
    renameSync(from, this.dataFolder(name));
  }

  /** `bin/holdfast host`, as the machine's system would start it. */
  start(name: Name): void {
    const output = openSync(join(this.root, `${name}.out`), 'a');
    const stdio = ['ignore', output, output] as const;
    spawn(HOLDFAST, ['host', '--data', this.dataFolder(name)], { detached: true, stdio: [...stdio] });
  }

  async kill(name: Name): Promise<void> {
    const machine = join(this.root, `machine-${name}`);
    for (const group of hostGroups(machine)) process.kill(-group, 'SIGKILL');
    const isDead = (): boolean => hostGroups(machine).length === 0;
    await waitFor(`${name} is dead`, HEAL_MS, () => Promise.resolve(isDead() ? true : undefined));
  }

  async cmdlet(command: string, parameters: Record<string, unknown> = {}): Promise<readonly Row[]> {
    return (await new AdminClient(findCluster(this.dataFolder(HUB))).run({ command, parameters })).rows;
  }

  async untilHealthy(copies: number): Promise<string> {
    return waitFor(`${copies} copies are healthy`, HEAL_MS, async () => {
      const rows = await this.cmdlet('Get-StorageGroupCopyStatus');
      const [group] = await this.cmdlet('Get-StorageGroup');
      const areWell = rows.every((row) => row['SummaryCopyStatus'] === 'Healthy' && row['InSync'] === true);
      const active = group?.['ActiveCopy'];
      if (areWell && rows.length === copies - 1 && typeof active === 'string') return active;
      throw new Error(JSON.stringify([rows, group]));
    });
  }
}

function planText(basePort: number): string {
  return stringify({
    cluster: 'corp',
    server: 'mbx01',
    acceptedDomains: ['example.org'],
    hosts: [
      { name: FIRST, roles: ['mailbox'], address: PUBLIC[FIRST] },
      { name: SECOND, roles: ['mailbox'], address: PUBLIC[SECOND] },
      { name: HUB, roles: ['hub', 'access', 'witness'], address: PUBLIC[HUB] },
    ],
    networks: [
      {
        name: 'Private',
        role: 'private',
        priority: 1,
        prefixLength: 24,
        addresses: { [FIRST]: PRIVATE[FIRST], [SECOND]: PRIVATE[SECOND] },
      },
      {
        name: 'Public',
        role: 'mixed',
        priority: 2,
        prefixLength: 24,
        addresses: { [FIRST]: PUBLIC[FIRST], [SECOND]: PUBLIC[SECOND], [HUB]: PUBLIC[HUB] },
      },
    ],
    witness: { host: HUB },
    basePort,
    allowPlaintextLogin: true,
  });
}

async function holdfast(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runHoldfast(words);
  assert.equal(code, 0, stderr);
  return stdout.toString('utf8');
}

async function sendMail(port: number, subject: string): Promise<void> {
  const client = new SmtpClient({ address: PUBLIC[HUB], port, protocol: 'smtp' });
  const message = Buffer.from(`From: a@example.net\r\nSubject: ${subject}\r\n\r\nhello\r\n`);
  const outcomes = await client.send({ sender: 'a@example.net', recipients: [ANNA.address] }, message);
  client.close();
  assert.deepEqual(outcomes, ['acknowledged']);
}

test('machines: a cluster formed from a plan and carried to three machines serves; a fourth is added, a lost one is made anew, the active one dies', {
  timeout: LIMIT_MS,
}, async (t) => {
  const machines = new Machines(t);
  const basePort = await freePortBase();
  const plan = join(machines.root, 'cluster.yaml');
  writeFileSync(plan, planText(basePort));
  const told = await holdfast('form-cluster', '--plan', plan, '--to', machines.formed);
  assert.match(told, /The cluster corp is formed/);
  for (const name of [FIRST, SECOND, HUB] as const) machines.carry(join(machines.formed, name), name);
  cpSync(join(machines.formed, 'admin'), join(machines.dataFolder(HUB), 'admin'), { recursive: true });
  for (const name of [FIRST, SECOND, HUB] as const) machines.start(name);
  await machines.untilHealthy(2);
  await machines.cmdlet('New-Mailbox', { Identity: ANNA.address, DisplayName: 'Anna', Password: ANNA.password });
  await sendMail(basePort + 25, 'one');
  assert.equal(existsSync(join(machines.formed, 'ca', 'key.pem')), true);

  const made = join(machines.root, 'made');
  const authority = join(machines.formed, 'ca');
  const from = ['--from', machines.dataFolder(FIRST), '--authority', authority, '--to', made];
  const networks = ['--network', `Private=${PRIVATE[THIRD]}`, '--network', `public=${PUBLIC[THIRD]}`];
  const steps = await holdfast('init-host', THIRD, ...from, '--address', PUBLIC[THIRD], ...networks);
  const command = /Add-ClusterNode (\S+) -Address (\S+) -NetworkAddresses (\S+)/.exec(steps);
  machines.carry(made, THIRD);
  machines.start(THIRD);
  const NetworkAddresses = (command?.[3] ?? '').replaceAll("'", '').split(',');
  await machines.cmdlet('Add-ClusterNode', { Identity: command?.[1], Address: command?.[2], NetworkAddresses });
  await machines.cmdlet('Enable-StorageGroupCopy', { Identity: GROUP, StandbyMachine: THIRD });
  const active = (await machines.untilHealthy(3)) as Name;

  const lost = active === SECOND ? FIRST : SECOND;
  await machines.kill(lost);
  rmSync(machines.dataFolder(lost), { recursive: true });
  await sendMail(basePort + 25, 'two');
  await holdfast('init-host', lost, '--from', machines.dataFolder(THIRD), '--authority', authority, '--to', made);
  machines.carry(made, lost);
  machines.start(lost);
  await waitFor('its vote is given back', HEAL_MS, async () => {
    await machines.cmdlet('Restore-ClusterVote', { Identity: lost });
    return true;
  });
  await machines.untilHealthy(3);
  const nodes = await machines.cmdlet('Get-ClusterNode');
  assert.deepEqual(
    nodes.map((row) => [row['Name'], row['State'], row['Vote']]),
    [FIRST, SECOND, THIRD].map((name) => [name, 'Up', 'Counts']),
  );

  await machines.kill(active);
  await waitFor('another node serves', HEAL_MS, () => sendMail(basePort + 25, 'three').then(() => true));
  const kept = await readMailbox({ address: PUBLIC[HUB], port: basePort + 143 }, ANNA);
  assert.equal(kept.length, 3);
  assert.match(readFileSync(join(machines.dataFolder(THIRD), 'holdfast.yaml'), 'utf8'), /mbx01-node3/);
});

test('machines: a plan or words that cannot be used: refused by name, and nothing is made', async (t) => {
  const machines = new Machines(t);
  const plan = join(machines.root, 'cluster.yaml');
  const refused = async (text: string, expected: RegExp): Promise<void> => {
    writeFileSync(plan, text);
    const { code, stderr } = await runHoldfast(['form-cluster', '--plan', plan, '--to', machines.formed]);
    assert.deepEqual([code, existsSync(machines.formed)], [1, false], stderr);
    assert.match(stderr, expected);
  };
  const good = planText(0);
  await refused(good.replace('mode', 'x').replace('cluster: corp', 'clustr: corp'), /Cannot use the plan .*cluster/);
  await refused(good.replace(`host: ${HUB}`, `host: ${FIRST}`), /must be the one host with the role witness/);
  await refused(good.replace(PRIVATE[SECOND], '127.0.6.77'), /not in the subnet of the others/);
  await refused(good.replace(/witness:\n.*\n/, ''), /Cannot form a quorum/);
  await refused(good.replace(/witness:\n.*\n/, 'witness:\n  share: /not/there\n'), /not a directory here/);
  const words = await runHoldfast(['init-host', THIRD, '--to', machines.formed]);
  assert.match(words.stderr, /--from is missing. Usage: holdfast init-host NAME/);
});
