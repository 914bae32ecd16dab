/**
 * P8 between the two sides: the control plane stops in the middle of a deployment and comes back on the same ports, the
 * agent stops and comes back, orders come while the other side is away. Nothing is lost, and nothing is done twice.
 */
import { expect } from 'chai';
import type { ReceivedObservation } from '../../shared/ledger/kinds/received.ts';
import { noise } from '../support/noise.ts';
import { isInPhase } from '../support/world.ts';
import { CheckedWorld, VERSION } from '../support/world-checked.ts';
import type { WorldHost } from '../support/world-host.ts';
import type { JournalReader } from '../support/world-journal.ts';
import { ledgerOf, observationOf } from '../support/world-outcome.ts';

const DOCUMENT_COUNT = 8;

describe('one side comes back in the middle of a deployment', function () {
  this.timeout(120_000);
  let checked: CheckedWorld;

  before(async () => {
    checked = await CheckedWorld.start({ 'data/lamps.csv': noise('lamps', 16 * 1024 * 1024).toString('base64') });
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

  /** As undisturbed; and the control plane has asked for one receipt of one whole report. */
  async function expectReferenceEnd(host: WorldHost, run: string): Promise<void> {
    const { world } = checked;
    expect(await checked.differencesFromReference(host, run)).to.deep.equal([]);
    expect(await world.directiveKinds(run)).to.deep.equal(['deploy', 'recordReport']);
    expect(host.read((journal) => journal.unhandledCount())).to.equal(0);
    expect(world.reportFiles(run).filter((name) => name.endsWith('.md'))).to.have.length(DOCUMENT_COUNT);
  }
});

function isProven(journal: JournalReader, run: string): boolean {
  return journal.runs().includes(run) && journal.state(run).phase === 'proven';
}
