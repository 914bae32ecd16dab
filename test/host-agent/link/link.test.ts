import { expect } from 'chai';
import { IdentityStore, lifeOf } from '../../../host-agent/link/identity-store.ts';
import { HELD_MS, type LinkState } from '../../../host-agent/link/link.ts';
import { encodeOutcome } from '../../../host-agent/link/report.ts';
import { RejectedError } from '../../../shared/errors.ts';
import { ControlPlaneWorld, HOUR_MS, type TestHost } from '../../support/control-plane-world.ts';
import { publishRelease } from '../../support/publish-release.ts';
import { APP, testRelease } from '../../support/trust-ceremony.ts';

describe('host-agent/link', () => {
  let world: ControlPlaneWorld;
  beforeEach(async () => {
    world = await ControlPlaneWorld.start();
  });
  afterEach(() => world.stop());

  it('loses nothing and repeats nothing when the control plane is stopped and started', async () => {
    const host = await world.enrolledHost('web-1');
    await publishRelease(world, [testRelease('1.0')]);
    const link = host.startLink();
    await host.whenOpen();
    await deploy(world, 2);
    await host.journal.until(() => host.journal.lastSeq() === 2);
    await world.stopControlPlane();
    await host.whenState((state) => state.name === 'dialing' && state.failures > 0);
    report(host, 1);
    report(host, 2);
    await world.startControlPlane();
    await deploy(world, 1);
    await host.dialUntil(() => link.state.name === 'open');
    await host.journal.until(() => host.journal.lastSeq() === 3 && host.journal.pendingAfter(0, 9).length === 0);
    expect([...host.journal.deliveries]).to.deep.equal([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
    expect(await outcomes(world)).to.deep.equal(['accepted', 'accepted', null]);
  });

  it('gets what was asked for while it was away', async () => {
    const host = await world.enrolledHost('web-1');
    await publishRelease(world, [testRelease('1.0')]);
    await deploy(world, 40);
    host.startLink();
    await host.journal.until(() => host.journal.lastSeq() === 40);
    expect(host.journal.directives().map(({ seq }) => seq)).to.deep.equal(
      Array.from({ length: 40 }, (_, at) => at + 1),
    );
  });

  it('waits longer after each failure, at random below a bound', async () => {
    const host = await world.enrolledHost('web-1');
    host.startLink({ address: '127.0.0.1:1', random: () => 0.999 });
    for (let failures = 1; failures <= 8; failures += 1) {
      await host.whenState((state) => state.name === 'dialing' && state.failures === failures);
      host.clock.advance(waitOf(host));
    }
    const waits = host.states.filter((state) => state.name === 'dialing').map(({ waitMs }) => waitMs);
    expect(waits.slice(0, 9)).to.deep.equal([0, 999, 1_998, 3_996, 7_992, 15_984, 31_968, 59_940, 59_940]);
  });

  it('counts from the start again once a session has held for half a minute', async () => {
    const host = await world.enrolledHost('web-1');
    const link = host.startLink();
    await host.whenOpen();
    await world.stopControlPlane();
    await host.whenState((state) => state.name === 'dialing' && state.failures === 1);
    host.clock.advance(waitOf(host));
    await host.whenState((state) => state.name === 'dialing' && state.failures === 2);
    await world.startControlPlane();
    await host.dialUntil(() => link.state.name === 'open');
    host.clock.advance(HELD_MS);
    const seen = host.states.length;
    await world.stopControlPlane();
    await host.whenState((state) => host.states.length > seen && state.name === 'dialing');
    expect(host.states.at(-1)).to.include({ name: 'dialing', failures: 1 });
  });

  it('spreads a fleet that lost its control plane: no two hosts of twenty dial at the same moment', async () => {
    const random = Array.from({ length: 20 }, (_, at) => at / 20);
    const hosts = await Promise.all(random.map((_, at) => world.enrolledHost(`web-${at}`)));
    for (const [at, host] of hosts.entries()) host.startLink({ random: () => random[at] ?? 0 });
    await Promise.all(hosts.map((host) => host.whenOpen()));
    await world.stopControlPlane();
    await Promise.all(hosts.map((host) => host.whenState(({ name }) => name === 'dialing' && host.states.length > 3)));
    const waits = hosts.map(waitOf);
    expect(new Set(waits).size).to.be.greaterThan(17);
    expect(Math.max(...waits)).to.be.lessThan(1_000);
    await world.startControlPlane();
    await Promise.all(hosts.map((host) => host.dialUntil(() => host.states.at(-1)?.name === 'open')));
    expect(hosts.map((host) => host.states.at(-1)?.name)).to.deep.equal(Array(20).fill('open'));
  });

  it('stops dialing for good when its host is revoked, and says why', async () => {
    const host = await world.enrolledHost('web-1');
    host.startLink();
    await host.whenOpen();
    await (await world.operator('operator')).revokeHost({ host: 'web-1' });
    await host.whenState(({ name }) => name === 'closed');
    expect(refusalOf(host.states.at(-1))).to.equal('host-revoked');
    expect(host.clock.pendingMs()).to.deep.equal([]);
  });

  it('joins again after a revocation with a new token, and goes on where its journal was', async () => {
    const host = await world.enrolledHost('web-1');
    await publishRelease(world, [testRelease('1.0')]);
    host.startLink();
    await deploy(world, 1);
    await host.journal.until(() => host.journal.lastSeq() === 1);
    await (await world.operator('operator')).revokeHost({ host: 'web-1' });
    await host.whenState(({ name }) => name === 'closed');
    await host.enrol();
    host.startLink();
    await deploy(world, 1);
    await host.journal.until(() => host.journal.lastSeq() === 2);
    expect([...host.journal.deliveries]).to.deep.equal([
      [1, 1],
      [2, 1],
    ]);
  });

  it('begins with empty logs when a host joins with a new ledger key: nothing old is carried out again', async () => {
    const old = await world.enrolledHost('web-1');
    await publishRelease(world, [testRelease('1.0')]);
    old.startLink();
    await deploy(world, 2);
    await old.journal.until(() => old.journal.lastSeq() === 2);
    const fresh = await world.enrolledHost('web-1');
    fresh.startLink();
    await fresh.whenOpen();
    await deploy(world, 1);
    await fresh.journal.until(() => fresh.journal.lastSeq() === 1);
    expect([...fresh.journal.deliveries]).to.deep.equal([[1, 1]]);
  });

  it('renews its certificate at two thirds of its life, with a new key, and the session goes on', async () => {
    const host = await world.enrolledHost('web-1');
    await publishRelease(world, [testRelease('1.0')]);
    const before = host.identity.loadTls();
    const renewed = Promise.withResolvers<void>();
    host.startLink({ onRenewed: () => renewed.resolve() });
    await host.whenOpen();
    const states = host.states.length;
    world.clock.advance(60_000);
    host.clock.advance(15 * HOUR_MS);
    expect(host.identity.loadTls()).to.deep.equal(before);
    host.clock.advance(HOUR_MS + 60_000);
    await renewed.promise;
    const after = host.identity.loadTls();
    expect(after.privateKey).to.not.equal(before.privateKey);
    expect(lifeOf(after.certificate).expiresAt).to.be.greaterThan(lifeOf(before.certificate).expiresAt);
    await deploy(world, 1);
    await host.journal.until(() => host.journal.lastSeq() === 1);
    expect(host.states.slice(states).map(({ name }) => name)).to.deep.equal([]);
  });

  it('uses the renewed certificate at the next dial', async () => {
    const host = await world.enrolledHost('web-1');
    const before = host.identity.loadTls();
    const renewed = Promise.withResolvers<void>();
    const link = host.startLink({ onRenewed: () => renewed.resolve() });
    await host.whenOpen();
    host.clock.advance(16 * HOUR_MS);
    await renewed.promise;
    await world.stopControlPlane();
    await host.whenState((state) => state.name === 'dialing' && state.failures > 0);
    await world.startControlPlane();
    // The old key goes: only the new one can open a session now.
    expect(host.identity.loadTls().privateKey).to.not.equal(before.privateKey);
    await host.dialUntil(() => link.state.name === 'open');
    expect(new IdentityStore(`${host.folder}/identity`).loadTls()).to.deep.equal(host.identity.loadTls());
  });

  it('tells its owner to enrol again when its certificate has expired, and goes on trying, rarely', async () => {
    const host = await world.enrolledHost('web-1');
    host.clock.advance(25 * HOUR_MS);
    host.startLink({ address: '127.0.0.1:1' });
    await host.whenState((state) => state.name === 'dialing' && state.failures > 0);
    const state = host.states.at(-1) as Extract<LinkState, { name: 'dialing' }>;
    expect(state.lastError).to.include({ code: 'certificate-expired' });
    expect((state.lastError as RejectedError).hint).to.contain('enrol BUNDLE');
    expect(state.waitMs).to.be.within(30_000, 60_000);
  });

  it('lets a newer session of the same host replace the older one', async () => {
    const host = await world.enrolledHost('web-1');
    host.startLink();
    await host.whenOpen();
    const twin = await world.enrolledHost('web-2');
    Object.assign(twin, { identity: host.identity, name: 'web-1' });
    twin.startLink();
    await twin.whenOpen();
    await host.whenState((state) => state.name === 'dialing' && state.failures > 0);
    const state = host.states.at(-1) as Extract<LinkState, { name: 'dialing' }>;
    expect(state.lastError).to.include({ code: 'session-replaced' });
  });

  it('hears at once that something was published', async () => {
    const host = await world.enrolledHost('web-1');
    const hinted = Promise.withResolvers<void>();
    host.startLink({ onTrustHint: () => hinted.resolve() });
    await host.whenOpen();
    await publishRelease(world, []);
    await hinted.promise;
  });

  it('leaves no timer and no connection behind when it is stopped, whatever it was doing', async () => {
    const open = await world.enrolledHost('web-1');
    const waiting = await world.enrolledHost('web-2');
    const links = [open.startLink(), waiting.startLink({ address: '127.0.0.1:1' })];
    await open.whenOpen();
    await waiting.whenState((state) => state.name === 'dialing' && state.failures > 0);
    await Promise.all(links.map((link) => link.stop()));
    for (const host of [open, waiting]) {
      expect(host.clock.pendingMs(), host.name).to.deep.equal([]);
      expect(host.states.at(-1)).to.deep.equal({ name: 'closed', error: undefined });
    }
    expect(open.states.map(({ name }) => name)).to.deep.equal(['dialing', 'handshaking', 'open', 'draining', 'closed']);
  });
});

async function deploy(world: ControlPlaneWorld, count: number): Promise<void> {
  const operator = await world.operator('operator', 'deployer');
  for (let at = 0; at < count; at += 1) await operator.deploy({ host: 'web-1', app: APP, version: '1.0' });
}

function report(host: TestHost, directiveSeq: number): void {
  host.journal.append(encodeOutcome({ directiveSeq, refusalCode: '' }));
}

async function outcomes(world: ControlPlaneWorld): Promise<(string | null)[]> {
  const rows = await world.controlPlane.store.selectFrom('directives').select('outcome').orderBy('seq').execute();
  return rows.map(({ outcome }) => outcome);
}

function waitOf(host: TestHost): number {
  const state = host.states.at(-1);
  return state?.name === 'dialing' ? state.waitMs : 0;
}

function refusalOf(state: LinkState | undefined): string | undefined {
  return state?.name === 'closed' && state.error instanceof RejectedError ? state.error.code : undefined;
}
