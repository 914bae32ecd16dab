/**
 * P8: an agent that ends at any boundary of a run comes back from its own disk to the same end, and repeats nothing that
 * was recorded. P5 and P6 are asked after each crash again: the neighbours, the one path, every status.
 */
import { accessSync, appendFileSync, constants } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { detectSandbox } from '../../host-agent/sandbox/sandbox.ts';
import { isReportReceipt, World } from '../support/world.ts';
import { blobsOf, copyStore, DrivenRun } from '../support/world-driven.ts';
import { Crash, type WorldHost } from '../support/world-host.ts';
import { namesInRoot, outcomeOf } from '../support/world-outcome.ts';
import { APP, type BuiltSample, buildSample, NEIGHBOUR_NAME } from '../support/world-release.ts';
import {
  differencesOf,
  type Ending,
  type WalkedHost,
  type WalkOptions,
  type WalkResult,
  walkCrashes,
} from '../support/world-walk.ts';

const VERSION = '1.0.0';
const INSTALLATION = `${APP}-${VERSION}`;

describe('a crash at any boundary of a run', function () {
  this.timeout(120_000);
  let sample: BuiltSample;
  let world: World;
  let options: WalkOptions;
  const lanes: Record<'deploy' | 'crashing' | 'rollback' | 'failing', WalkedHost[]> = {
    deploy: [],
    crashing: [],
    rollback: [],
    failing: [],
  };

  before(async () => {
    sample = await buildSample({ version: VERSION, files: { 'data/lamps.csv': 'lamp,lit\n'.repeat(4_000) } });
    world = await World.start({ parent: memoryFolder() });
    await world.push(sample);
    options = { blobs: await blobsOf(sample.ktrPath), sandbox: await detectSandbox(), installation: INSTALLATION };
    for (const [walk, count] of [
      ['deploy', 3],
      ['crashing', 1],
      ['rollback', 2],
      ['failing', 2],
    ] as const) {
      for (let index = 0; index < count; index += 1) {
        lanes[walk].push(await admitted(await world.host(`${walk}-${index}`)));
      }
    }
    for (const lane of lanes.rollback) await orderRollback(lane.host);
    await world.stopControlPlane();
    for (const { host } of Object.values(lanes).flat()) copyStore(host, world.controlPlaneFolder);
  });

  after(async () => {
    await world?.[Symbol.asyncDispose]();
    sample?.[Symbol.dispose]();
  });

  it('a deployment ends proven, as without the crash', async () => {
    const walk = await walkCrashes(lanes.deploy, options);
    expect(walk.boundaries.length).to.be.at.least(60);
    // G8 is the control plane's to make, and none runs here: no report, no better verdict.
    expect(walk.reference.outcome).to.include({ phase: 'proven', verdict: 'D' });
    expectGoodEnd(walk.reference, [NEIGHBOUR_NAME, INSTALLATION]);
    expectSameEnds(walk);
    tell('deployment', walk);
  });

  it('a deployment that crashes again and again, once at each boundary, still ends proven', async () => {
    const [{ host, run } = missing()] = lanes.crashing;
    const crashedAt = new Set<string>();
    for (let isDone = false; !isDone; ) isDone = await liveUntilNewBoundary(host, { run, crashedAt });
    expect(outcomeOf(host, run)).to.include({ phase: 'proven', verdict: 'D' });
    expect(namesInRoot(host)).to.deep.equal([NEIGHBOUR_NAME, INSTALLATION]);
    const recorded = outcomeOf(host, run).story;
    expect(new Set(recorded).size, 'each entry of the ledger is there once').to.equal(recorded.length);
    // What became durable together leaves one boundary behind it, not one for each.
    expect(crashedAt.size).to.be.at.least(110);
    console.log(`      one deployment: ${crashedAt.size} crashes, ${recorded.length} ledger entries`);
  });

  it('a rollback ends rolled back, as without the crash', async () => {
    const walk = await walkCrashes(lanes.rollback, options);
    expect(walk.boundaries.length).to.be.at.least(12);
    expect(walk.reference.outcome.phase).to.equal('rolledBack');
    expectGoodEnd(walk.reference, [NEIGHBOUR_NAME]);
    expectSameEnds(walk);
    tell('rollback', walk);
  });

  it('an installation that is tampered with before it is proven is undone, as without the crash', async () => {
    const tamper = ({ installRoot }: WorldHost) =>
      appendFileSync(join(installRoot, INSTALLATION, 'beacon/cli.py'), '#\n');
    const intervene = (host: WorldHost, boundary: string) => {
      if (boundary === 'did tree-promoted') tamper(host);
    };
    const walk = await walkCrashes(lanes.failing, { ...options, intervene, from: 'did tree-promoted' });
    expect(walk.boundaries.length).to.be.at.least(25);
    expect(walk.reference.outcome).to.include({ phase: 'failed', verdict: 'C' });
    expectGoodEnd(walk.reference, [NEIGHBOUR_NAME]);
    expectSameEnds(walk);
    tell('undone installation', walk);
  });

  /** One life, up to the first boundary at which no life has ended yet. Tells whether the run came to its end. */
  async function liveUntilNewBoundary(
    host: WorldHost,
    { run, crashedAt }: { run: string; crashedAt: Set<string> },
  ): Promise<boolean> {
    let isDead = false;
    const atBoundary = (boundary: string) => {
      isDead ||= !crashedAt.has(boundary);
      crashedAt.add(boundary);
      // A dead process does not go on, whoever catches this.
      if (isDead) throw new Crash(boundary);
    };
    using driven = DrivenRun.open(host, { ...options, atBoundary });
    try {
      await driven.driver.drive(run);
      return true;
    } catch (error) {
      if (error instanceof Crash) return false;
      throw error;
    }
  }

  /** Ordered, and admitted by a real agent that ends before its first effect. */
  async function admitted(host: WorldHost): Promise<WalkedHost> {
    const run = await world.deploy(host, VERSION);
    await host.runAgentUntil(() => true);
    return { host, run };
  }

  /** Proven and reported by a real agent, then ordered back; the agent ends before the first effect of that. */
  async function orderRollback(host: WorldHost): Promise<void> {
    const [run = ''] = host.read((journal) => journal.runs());
    await host.startAgent();
    await world.whenRun(run, isReportReceipt);
    await host.whenJournal((journal) => journal.outboxCount() === 0);
    await host.stopAgent();
    await world.rollback(host, VERSION);
    await host.runAgentUntil(() => true);
  }
});

function missing(): never {
  throw new Error('there is no such host');
}

function tell(what: string, { boundaries, crashed }: WalkResult): void {
  console.log(`      ${what}: ${boundaries.length} boundaries, ${crashed.length} different states of the disk`);
}

function expectGoodEnd({ facts, outcome }: Ending, names: readonly string[]): void {
  expect(facts).to.deep.include({
    outboxLeft: 0,
    isStoredAsSigned: true,
    areNeighboursUnchanged: true,
    names: [...names].sort(),
  });
  expect(new Set(facts.recorded).size, 'each effect was recorded once').to.equal(facts.recorded.length);
  expect(outcome.root.length).to.be.above(0);
}

/** One finding more is due where a rehearsal was cut short: it tells that there was one. */
function expectSameEnds({ reference, crashed }: WalkResult): void {
  const differing = crashed.flatMap((ending) => {
    const isRehearsalCut = ending.boundaries.some((boundary) => boundary.endsWith(' did moved-aside'));
    const differences = differencesOf(ending, isRehearsalCut ? withInterruptedRehearsal(reference) : reference);
    return differences.length === 0 ? [] : [{ boundaries: ending.boundaries, differences }];
  });
  expect(differing, 'crashes after which the run ended otherwise').to.deep.equal([]);
}

function withInterruptedRehearsal(reference: Ending): Ending {
  const finding = {
    code: 'rehearsal-interrupted',
    gate: 'G7',
    check: 'g7.rehearsal',
    statement: 'a rehearsal was interrupted; the installation was put back and the rehearsal done anew',
  };
  return {
    ...reference,
    outcome: { ...reference.outcome, findings: [...(reference.outcome.findings as object[]), finding] },
  };
}

/** The processes crash here, not the machine: where files are kept in memory, a walk of hundreds of lives is quick. */
function memoryFolder(): string {
  try {
    accessSync('/dev/shm', constants.W_OK);
    return '/dev/shm';
  } catch {
    return tmpdir();
  }
}
