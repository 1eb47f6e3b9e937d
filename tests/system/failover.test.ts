/**
 * The promise itself, on real processes: concurrent senders and mail programs, random faults, and at the end every
 * acknowledged message once with its bytes, every acknowledged change. HOLDFAST_ROUNDS, HOLDFAST_SEED and
 * HOLDFAST_FAULTS choose another run; what is random is printed. HOLDFAST_KEEP=1 leaves the folder of the demo.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../../src/base/random.ts';
import { Demo, otherNode } from '../support/demo.ts';
import { fullCheck } from '../support/full-check.ts';
import { faultsOf, type Verdict } from '../support/history-check.ts';
import { Load } from '../support/load.ts';
import { summarise } from '../support/probe.ts';
import { noTimes, rounds, type Times, type World } from '../support/rounds.ts';

const ROUNDS = Number(process.env['HOLDFAST_ROUNDS'] ?? 30);
const SEED = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1_000_000);
/** Names of faults, separated by commas; all when it is not set. */
const FAULTS = process.env['HOLDFAST_FAULTS']?.split(',') ?? Object.keys(rounds);
const LIMIT_MS = 14 * 60_000;
const CHECK_EVERY = 10;
const USERS = 6;

test('system: random faults under load: nothing acknowledged is lost, doubled or changed', {
  timeout: LIMIT_MS,
}, async (t) => {
  console.log(`# seed ${SEED}, ${ROUNDS} rounds`);
  const demo = await Demo.start({ users: USERS });
  t.after(() => demo.stop());
  await demo.waitUntilHealthy();
  const load = new Load(demo, SEED);
  t.after(() => load.end());
  const world: World = { demo, load, random: new SeededRandom(SEED), times: noTimes() };
  load.start();
  const verdicts: Verdict[] = [];
  for (const [index, name] of plan(world, ROUNDS).entries()) {
    await runRound(world, index, name);
    if (index % CHECK_EVERY === CHECK_EVERY - 1) verdicts.push(await checkNow(world));
  }
  verdicts.push(await checkNow(world));
  await moveOver(demo);
  verdicts.push(await checkNow(world));
  await load.end();
  report(world, verdicts);
  assert.deepEqual(verdicts.flatMap(faultsOf).slice(0, 20), []);
  assert.deepEqual(load.violations.slice(0, 20), []);
});

/** Every kind once, in random order, and then what the dice say, which prefer the fault that the cluster is built for. */
function plan(world: World, count: number): readonly string[] {
  const { random } = world;
  const left = [...FAULTS];
  const favourites = ['kill the active node', 'kill the active node', 'kill the active node', 'kill all three at once'];
  const later = [...FAULTS, ...favourites.filter((name) => FAULTS.includes(name))];
  const chosen: string[] = [];
  while (chosen.length < count) {
    const pool = left.length > 0 ? left : later;
    const at = random.below(pool.length);
    chosen.push(pool[at] ?? '');
    if (pool === left) left.splice(at, 1);
  }
  return chosen;
}

async function runRound(world: World, index: number, name: string): Promise<void> {
  const startMs = performance.now();
  try {
    await rounds[name]?.(world);
  } catch (error) {
    const { load } = world;
    const seen = [load.session.last(4), load.delivery.last(4), ...load.violations].join('\n  ');
    throw new Error(`seed ${SEED}, round ${index + 1} (${name}): ${String(error)}\n  ${seen}`, { cause: error });
  }
  console.log(
    `# ${String(index + 1).padStart(3)} ${name.padEnd(50)} ${((performance.now() - startMs) / 1000).toFixed(1)} s`,
  );
}

async function checkNow({ load }: World): Promise<Verdict> {
  await load.hold();
  const verdict = await fullCheck(load.imap, load.users, load.history);
  load.resume();
  return verdict;
}

/** The other copy is read too: it has to hold the same. */
async function moveOver(demo: Demo): Promise<void> {
  const target = otherNode(await demo.waitUntilHealthy());
  await demo.cmdlet('Move-ClusteredMailboxServer', { Identity: 'mbx01', TargetMachine: target, MoveComment: 'check' });
  await demo.waitUntilHealthy();
}

function report({ times, load }: World, verdicts: readonly Verdict[]): void {
  const last = verdicts.at(-1);
  const most = (kind: 'lost' | 'duplicated' | 'altered' | 'flagsLost' | 'resurrected' | 'foreign'): number =>
    Math.max(...verdicts.map((verdict) => verdict[kind].length));
  const rows: [string, string | number][] = [
    ['rounds', ROUNDS],
    ['acknowledged messages', last?.acknowledged ?? 0],
    ['acknowledged flag changes', last?.acknowledgedFlags ?? 0],
    ['acknowledged expunges', load.history.expunges.filter((each) => each.outcome === 'acknowledged').length],
    [
      'refused, unknown',
      ['refused', 'unknown']
        .map((each) => load.history.messages.filter((entry) => entry.outcome === each).length)
        .join(', '),
    ],
    ['lost', most('lost')],
    ['duplicated', most('duplicated')],
    ['altered', most('altered')],
    ['flag changes lost', most('flagsLost')],
    ['refused or expunged, and there', most('resurrected') + most('foreign')],
    ...(Object.keys(times) as (keyof Times)[]).map((name): [string, string] => {
      const { count, p50, max } = summarise(times[name]);
      return [`${name} (ms)`, `p50 ${p50}, max ${max} (${count} times)`];
    }),
  ];
  for (const [name, value] of rows) console.log(`# ${name.padEnd(32)} ${value}`);
}
