/** P2, P3, P8: live entrypoints that start by themselves, by a signed plan, while their gate is open; time is the test's. */
import { expect } from 'chai';
import { ScheduledRuns, scheduledLiveId } from '../../../host-agent/health/scheduled-runs.ts';
import type { Sandbox } from '../../../host-agent/sandbox/sandbox.ts';
import type { Enable } from '../../../shared/rpc/generated/messages.ts';
import { MINUTE_MS, ProvenWorld } from '../../support/proven-world.ts';
import { APP } from '../../support/world-release.ts';
import { LiveHost, STAYS, told } from '../live/live-world.ts';
import { requireSandbox } from '../sandbox/sandbox-world.ts';

const EVERY_MS = 10 * MINUTE_MS;

describe('a live entrypoint with a schedule', function () {
  this.timeout(60_000);
  let world: ProvenWorld;
  let sandbox: Sandbox;
  let order: Enable;
  let host: LiveHost;
  let scheduled: ScheduledRuns;

  before(async function () {
    sandbox = await requireSandbox(this);
    world = await ProvenWorld.start();
    order = await world.order({ leaseMs: 50 * MINUTE_MS });
  });
  beforeEach(() => {
    host = new LiveHost(world, sandbox);
    host.scenario('print("ran")');
    scheduled = new ScheduledRuns(host.means);
  });
  afterEach(() => host[Symbol.asyncDispose]());
  after(() => world?.[Symbol.asyncDispose]());

  /** Time until the next minute of the schedule, and not a millisecond more. */
  const untilNextMs = () => EVERY_MS - (host.clock.now() % EVERY_MS);

  async function open(): Promise<void> {
    expect(await host.enable(order)).to.deep.include({ state: 'open' });
    await host.look();
    await scheduled.startDue();
  }

  async function at(passMs: number): Promise<void> {
    host.clock.advance(passMs);
    await scheduled.startDue();
  }

  const started = () => host.liveReports().filter(({ ended }) => ended === undefined);

  it('starts when its minute begins, and neither before nor a second time in it', async () => {
    await open();
    await at(untilNextMs() - 1);
    expect(started()).to.deep.equal([]);
    await at(1);
    for (let second = 1; second < 60; second += 7) await at(7_000);
    expect(started().map(({ entrypoint, app }) => [entrypoint, app])).to.deep.equal([['hourly', APP]]);
    await host.means.registry.gone(APP);
    expect(told(host.liveReports().at(-1) as never)).to.deep.include({ how: 'exit 0', stdout: 'ran\n' });
    await at(untilNextMs());
    expect(started()).to.have.length(2);
  });

  it('P8: does not start twice for one minute, whatever the agent has been through in it', async () => {
    await world.changeRule({ reopen: true });
    await open();
    await at(untilNextMs());
    await host.means.registry.gone(APP);
    await host.restart();
    await host.pass(6_000);
    expect(host.view.state).to.equal('open');
    const anew = new ScheduledRuns(host.means);
    await anew.startDue();
    host.clock.advance(1_000);
    await anew.startDue();
    // Even one that has forgotten which minute it has looked at, as with a clock that was set back by a moment.
    host.clockAheadMs = -MINUTE_MS;
    const confused = new ScheduledRuns(host.means);
    await confused.startDue().catch(() => undefined);
    host.clockAheadMs = 0;
    await confused.startDue();
    expect(started()).to.have.length(1);
  });

  it('P3: does not start while the gate is closed, and does not make up for it when it opens', async () => {
    await scheduled.startDue();
    await at(untilNextMs());
    expect(await host.enable(order)).to.deep.include({ state: 'open' });
    await scheduled.startDue();
    await at(30_000);
    expect(started()).to.deep.equal([]);
    await at(untilNextMs());
    expect(started()).to.have.length(1);
  });

  it('P3: does not start after a kill, nor when the order does not name it', async () => {
    await open();
    host.kill();
    await at(untilNextMs());
    expect(started()).to.deep.equal([]);
    const others = new LiveHost(world, sandbox);
    others.scenario('print("ran")');
    expect(await others.enable(await world.order({ entrypoints: ['bare'] }))).to.deep.include({ state: 'open' });
    const theirs = new ScheduledRuns(others.means);
    await theirs.startDue();
    others.clock.advance(EVERY_MS);
    others.openGates.look();
    await others.openGates.judgeDue();
    await theirs.startDue();
    expect(others.liveReports()).to.deep.equal([]);
    await others[Symbol.asyncDispose]();
  });

  it('does not make up for a time that passed while nobody looked', async () => {
    await open();
    await at(untilNextMs() + 2 * MINUTE_MS);
    expect(started()).to.deep.equal([]);
  });

  it('is left out while the run before it still runs, and the log says which time', async () => {
    await open();
    host.scenario(STAYS);
    await at(untilNextMs());
    await at(untilNextMs());
    expect(started()).to.have.length(1);
    const [line] = host.log.filter(({ msg }) => msg === 'scheduled run left out: the one before it still runs');
    expect(line).to.deep.include({ app: APP, entrypoint: 'hourly', at: new Date(host.clock.now()).toISOString() });
  });

  it('P3: goes the way of every other start: a changed tree starts nothing, closes the gate, and is logged', async () => {
    await open();
    host.spoil();
    await at(untilNextMs());
    expect(started()).to.deep.equal([]);
    expect(host.view.state).to.equal('closed');
    expect(host.log.map(({ msg }) => msg)).to.include('scheduled run not started');
  });

  it('has an identity that its host, its entrypoint and its minute make, and nothing else', () => {
    const due = { app: APP, entrypoint: 'hourly', minuteMs: Date.parse('2026-11-23T03:10:00Z') };
    const id = scheduledLiveId('host-1', due);
    expect(id).to.match(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(scheduledLiveId('host-1', { ...due })).to.equal(id);
    const others = [
      scheduledLiveId('host-2', due),
      scheduledLiveId('host-1', { ...due, entrypoint: 'live' }),
      scheduledLiveId('host-1', { ...due, app: 'another' }),
      scheduledLiveId('host-1', { ...due, minuteMs: due.minuteMs + MINUTE_MS }),
    ];
    expect(new Set([id, ...others]).size).to.equal(5);
  });
});
