/**
 * P8: orders come twice, in the wrong moment or to the wrong host. Nothing is done twice, what is refused is refused with a
 * code, and what one order led to stays as it is.
 */
import { expect } from 'chai';
import { codeOf } from '../support/errors-of.ts';
import { isInPhase, isRefused } from '../support/world.ts';
import { CheckedWorld, INSTALLATION, VERSION } from '../support/world-checked.ts';
import type { WorldHost } from '../support/world-host.ts';
import type { JournalReader } from '../support/world-journal.ts';
import { ledgerOf, namesInRoot, outcomeOf, statusOf } from '../support/world-outcome.ts';
import { APP, buildSample, NEIGHBOUR_NAME, PASSING_GATES, SECRET_NAME } from '../support/world-release.ts';

const NEXT_VERSION = '1.1.0';

describe('orders that come twice, too late or to the wrong host', function () {
  this.timeout(120_000);
  let checked: CheckedWorld;

  before(async () => {
    checked = await CheckedWorld.start({});
    using next = await buildSample({ version: NEXT_VERSION, gates: PASSING_GATES });
    await checked.world.push(next);
    expect(checked.reference.outcome).to.include({ phase: 'proven', verdict: 'B' });
  });

  after(() => checked?.[Symbol.asyncDispose]());

  afterEach(async () => {
    checked.turnstile.release();
    await checked.world.backToRest();
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

  it('a rollback of a run that failed before it installed anything: refused, there is nothing to remove', async () => {
    const { world } = checked;
    const host = await world.host('nothing-installed');
    host.removeSecret(SECRET_NAME);
    await host.startAgent();
    const run = await world.deploy(host, VERSION);
    await world.whenSettled(host, run);
    expect(outcomeOf(host, run)).to.include({ phase: 'failed', verdict: 'D' });
    expect(await codeOf(() => world.rollback(host, VERSION))).to.equal('nothing-to-remove');
    expect((await world.directiveKinds(run)).filter((kind) => kind === 'rollback')).to.deep.equal([]);
    expect(outcomeOf(host, run)).to.include({ phase: 'failed', verdict: 'D' });
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
