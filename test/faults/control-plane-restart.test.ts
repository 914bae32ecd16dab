/**
 * P8 between the two sides: the control plane stops in the middle of a deployment and comes back on the same ports, the
 * agent stops and comes back, orders come while the other side is away, or come twice. Nothing is lost, nothing is done
 * twice, and what is refused is refused with a code.
 */
import { expect } from 'chai';
import type { ReceivedObservation } from '../../shared/ledger/kinds/received.ts';
import { codeOf } from '../support/errors-of.ts';
import { isInPhase, isRefused } from '../support/world.ts';
import { CheckedWorld, INSTALLATION, VERSION } from '../support/world-checked.ts';
import type { WorldHost } from '../support/world-host.ts';
import type { JournalReader } from '../support/world-journal.ts';
import { ledgerOf, namesInRoot, observationOf, outcomeOf, statusOf } from '../support/world-outcome.ts';
import { APP, buildSample, NEIGHBOUR_NAME, PASSING_GATES, SECRET_NAME } from '../support/world-release.ts';

const NEXT_VERSION = '1.1.0';
const DOCUMENT_COUNT = 8;

describe('one side comes back in the middle of a deployment', function () {
  this.timeout(120_000);
  let checked: CheckedWorld;

  before(async () => {
    checked = await CheckedWorld.start({ 'data/lamps.csv': 'lamp,lit\n'.repeat(600_000) });
    using next = await buildSample({ version: NEXT_VERSION, gates: PASSING_GATES });
    await checked.world.push(next);
    expect(checked.reference.outcome).to.include({ phase: 'proven', verdict: 'B' });
  });

  after(() => checked?.[Symbol.asyncDispose]());

  afterEach(async () => {
    checked.turnstile.release();
    await checked.world.backToRest();
  });

  it('the control plane, while the agent receives: the transfer goes on where it was', async () => {
    const { world } = checked;
    const host = await world.host('receiving');
    let stopped: Promise<void> | undefined;
    const atBoundary = (boundary: string) => {
      if (boundary === 'did piece-written') stopped ??= world.stopControlPlane();
    };
    const run = await world.deploy(host, VERSION);
    const isInVain = host.whenLogged(({ link }) => link === 'dialing' && stopped !== undefined);
    await host.startAgent({ atBoundary });
    await isInVain;
    await stopped;
    expect(host.read((journal) => journal.state(run))).to.deep.include({ phase: 'fetching', isPromoted: false });
    await world.startControlPlane();
    await expectReferenceEnd(host, run);
    const received = observationOf(host, { run, check: 'g4.received' }) as ReceivedObservation;
    expect(received.fetchedBytes, 'what had come before the stop was not sent again').to.be.below(
      received.bytes as number,
    );
  });

  it('the control plane, while a check runs: the run goes on without it and is told afterwards', async () => {
    const { world, turnstile } = checked;
    const host = await world.host('checking');
    turnstile.hold();
    const run = await world.deploy(host, VERSION);
    await host.startAgent();
    const { letPass } = await turnstile.nextHeld();
    await world.stopControlPlane();
    turnstile.release();
    letPass();
    await host.whenJournal((journal) => journal.state(run).phase === 'proven');
    expect(host.read((journal) => journal.outboxCount())).to.be.above(0);
    await world.startControlPlane();
    await expectReferenceEnd(host, run);
  });

  it('the control plane, before the report: it is made when the control plane is back', async () => {
    const { world } = checked;
    const host = await world.host('before-report');
    let stopped: Promise<void> | undefined;
    const atBoundary = (boundary: string) => {
      if (boundary === 'before enter proven') stopped ??= world.stopControlPlane();
    };
    const run = await world.deploy(host, VERSION);
    await host.startAgent({ atBoundary });
    await host.whenJournal((journal) => isProven(journal, run));
    await stopped;
    expect(world.reportFiles(run)).to.deep.equal([]);
    await world.startControlPlane();
    await expectReferenceEnd(host, run);
  });

  it('the control plane, while it makes the report: there is one report, once', async () => {
    const { world } = checked;
    const host = await world.host('in-report');
    const run = await world.deploy(host, VERSION);
    await host.startAgent();
    await world.whenRun(run, isInPhase('proven'));
    await world.stopControlPlane();
    await world.startControlPlane();
    await expectReferenceEnd(host, run);
  });

  it('the control plane, again and again while the agent works', async () => {
    const { world } = checked;
    const host = await world.host('again-and-again');
    const run = await world.deploy(host, VERSION);
    let restart: Promise<void> = Promise.resolve();
    let restartCount = 0;
    const atBoundary = (boundary: string) => {
      if (!/^recorded (observe g[0347]|enter)/.test(boundary)) return;
      restartCount += 1;
      restart = restart.then(() => world.stopControlPlane()).then(() => world.startControlPlane());
    };
    await host.startAgent({ atBoundary });
    await host.whenJournal((journal) => isProven(journal, run));
    await restart;
    expect(restartCount).to.be.at.least(15);
    await expectReferenceEnd(host, run);
    console.log(`      ${restartCount} restarts of the control plane in one deployment`);
  });

  it('the agent, stopped in the middle of a check: the check is done anew, of the first try nothing is recorded', async () => {
    const { world, turnstile } = checked;
    const host = await world.host('stopped-agent');
    turnstile.hold();
    const run = await world.deploy(host, VERSION);
    await host.startAgent();
    const { gone } = await turnstile.nextHeld();
    await host.stopAgent();
    await gone;
    const recorded = () =>
      ledgerOf(host, run).entries.filter(
        ({ entry: { body } }) => body.type === 'check-recorded' && body.evidence.check === 'turnstile',
      );
    expect(recorded()).to.have.length(0);
    turnstile.release();
    await host.startAgent();
    await expectReferenceEnd(host, run);
    expect(recorded()).to.have.length(1);
  });

  it('the agent, away when the order comes: it follows the order when it is back', async () => {
    const { world } = checked;
    const host = await world.host('away');
    const run = await world.deploy(host, VERSION);
    expect(host.read((journal) => journal.directiveCount())).to.equal(0);
    await host.startAgent();
    await expectReferenceEnd(host, run);
  });

  it('the agent, away when two orders come: it follows both in their order', async () => {
    const { world } = checked;
    const host = await world.host('two-orders');
    const first = await world.deploy(host, VERSION);
    const second = await world.deploy(host, NEXT_VERSION);
    await host.startAgent();
    await world.whenSettled(host, first);
    await world.whenSettled(host, second);
    expect(outcomeOf(host, first)).to.include({ phase: 'proven', verdict: 'B' });
    expect(outcomeOf(host, second)).to.include({ phase: 'proven', verdict: 'A' });
    expect(namesInRoot(host)).to.deep.equal([NEIGHBOUR_NAME, INSTALLATION, `${APP}-${NEXT_VERSION}`]);
    const [end] = ledgerOf(host, first).entries.slice(-1);
    expect(end?.entry.body.type).to.equal('check-recorded');
    expect(rootMoment(host, first)).to.be.below(rootMoment(host, second));
  });

  it('the same release ordered twice: the second run fails before anything moves, the first installation stays', async () => {
    const { world } = checked;
    const host = await world.host('twice');
    await host.startAgent();
    const first = await world.deploy(host, VERSION);
    await world.whenSettled(host, first);
    const before = outcomeOf(host, first);
    const second = await world.deploy(host, VERSION);
    await world.whenSettled(host, second);
    expect(outcomeOf(host, second)).to.include({ phase: 'failed', verdict: 'C' });
    expect(statusOf(host, { run: second, check: 'g3.target-free' })).to.equal('FAIL');
    expect(statusOf(host, { run: second, check: 'g4.installed-tree' })).to.equal('NOT_RUN');
    expect(outcomeOf(host, first)).to.deep.equal(before);
  });

  it('a release that is not published: refused, and no run is made of it', async () => {
    const { world } = checked;
    const host = await world.host('unknown-release');
    expect(await codeOf(() => world.deploy(host, '9.9.9'))).to.equal('release-not-found');
    expect(await world.runIdsOf(host)).to.deep.equal([]);
  });

  it('an install root that the owner of the host does not allow: refused by the host, nothing is touched', async () => {
    const { world } = checked;
    const host = await world.host('strict-owner', { installRoots: ['/srv/other'] });
    const run = await world.deploy(host, VERSION);
    await host.startAgent();
    await world.whenRun(run, isRefused);
    expect((await world.run(run)).refusalCode).to.equal('install-root-not-allowed');
    expect(host.read((journal) => journal.runs())).to.deep.equal([]);
    expect(namesInRoot(host)).to.deep.equal([NEIGHBOUR_NAME]);
  });

  it('a rollback of a run that failed before it installed anything: there is nothing to remove, and that is proven', async () => {
    const { world } = checked;
    const host = await world.host('nothing-installed');
    host.removeSecret(SECRET_NAME);
    await host.startAgent();
    const run = await world.deploy(host, VERSION);
    await world.whenSettled(host, run);
    expect(outcomeOf(host, run)).to.include({ phase: 'failed', verdict: 'D' });
    expect(await world.rollback(host, VERSION)).to.equal(run);
    await world.whenRun(run, isInPhase('rolledBack'));
    expect(statusOf(host, { run, check: 'rollback.removal' })).to.equal('PASS');
    expect(namesInRoot(host)).to.deep.equal([NEIGHBOUR_NAME]);
  });

  it('a rollback ordered again: refused, and nothing is asked of the host', async () => {
    const { world } = checked;
    const { host, run } = await rolledBackHost('rolled-back');
    expect(await codeOf(() => world.rollback(host, VERSION))).to.equal('run-rolled-back');
    expect((await world.directiveKinds(run)).filter((kind) => kind === 'rollback')).to.have.length(1);
  });

  it('a rollback ordered twice while the agent is away: the first is proven, the second is refused by the host', async () => {
    const { world } = checked;
    const host = await world.host('two-rollbacks');
    await host.startAgent();
    const run = await world.deploy(host, VERSION);
    await world.whenSettled(host, run);
    await host.stopAgent();
    await world.rollback(host, VERSION);
    await world.rollback(host, VERSION);
    const isRefusedThere = host.whenLogged(({ msg }) => msg === 'directive refused');
    await host.startAgent();
    await isRefusedThere;
    await host.whenJournal((journal) => journal.outboxCount() === 0);
    expect(await world.run(run)).to.include({ phase: 'rolledBack', refusalCode: 'run-rolled-back' });
    expectRolledBack(host, run);
  });

  it('a rollback of a release that was ordered twice: what the first run installed is removed', async () => {
    const { world } = checked;
    const host = await world.host('rollback-after-two');
    await host.startAgent();
    const first = await world.deploy(host, VERSION);
    await world.whenSettled(host, first);
    const second = await world.deploy(host, VERSION);
    await world.whenSettled(host, second);
    const rolledBack = await world.rollback(host, VERSION);
    await world.whenRun(rolledBack, (update) => isInPhase('rolledBack')(update) || isInPhase('failed')(update));
    expect(rolledBack).to.equal(first);
    expectRolledBack(host, first);
  });

  it('a host that is revoked while it checks: its run ends on the host, the control plane hears no more of it', async () => {
    const { world, turnstile } = checked;
    const host = await world.host('revoked');
    turnstile.hold();
    const run = await world.deploy(host, VERSION);
    const agent = await host.startAgent();
    const { letPass } = await turnstile.nextHeld();
    const isClosed = host.whenLogged(({ link }) => link === 'closed');
    await (await world.operator('operator')).revokeHost({ host: host.name });
    await isClosed;
    turnstile.release();
    letPass();
    await host.whenJournal((journal) => isProven(journal, run));
    expect(agent.link.state).to.have.nested.property('error.code', 'host-revoked');
    expect(await world.run(run)).to.include({ phase: 'checking', refusalCode: '' });
    expect(await codeOf(() => world.deploy(host, NEXT_VERSION))).to.equal('host-revoked');
    expect(host.read((journal) => journal.outboxCount())).to.be.above(0);
  });

  async function rolledBackHost(name: string): Promise<{ host: WorldHost; run: string }> {
    const { world } = checked;
    const host = await world.host(name);
    await host.startAgent();
    const run = await world.deploy(host, VERSION);
    await world.whenSettled(host, run);
    await world.rollback(host, VERSION);
    await world.whenRun(run, isInPhase('rolledBack'));
    expectRolledBack(host, run);
    return { host, run };
  }

  /** As undisturbed; and the control plane has asked for one receipt of one whole report. */
  async function expectReferenceEnd(host: WorldHost, run: string): Promise<void> {
    const { world } = checked;
    expect(await checked.differencesFromReference(host, run)).to.deep.equal([]);
    expect(await world.directiveKinds(run)).to.deep.equal(['deploy', 'recordReport']);
    expect(host.read((journal) => journal.unhandledCount())).to.equal(0);
    expect(world.reportFiles(run).filter((name) => name.endsWith('.md'))).to.have.length(DOCUMENT_COUNT);
  }
});

function expectRolledBack(host: WorldHost, run: string): void {
  expect(outcomeOf(host, run)).to.include({ phase: 'rolledBack', verdict: 'B' });
  expect(statusOf(host, { run, check: 'rollback.removal' })).to.equal('PASS');
  expect(namesInRoot(host)).to.deep.equal([NEIGHBOUR_NAME]);
}

function isProven(journal: JournalReader, run: string): boolean {
  return journal.runs().includes(run) && journal.state(run).phase === 'proven';
}

/** When the run became proven, in milliseconds since 1970. */
function rootMoment(host: WorldHost, run: string): number {
  const entered = ledgerOf(host, run).entries.find(
    ({ entry: { body } }) => body.type === 'phase-entered' && body.to === 'proven',
  );
  return Date.parse(entered?.entry.at ?? '');
}
