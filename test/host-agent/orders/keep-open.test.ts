/**
 * P3, P4: what keeps an open gate open, and what closes it, on a real journal and a real tree, with a control plane that is in
 * touch or not. Both clocks are the test's.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Enable } from '../../../shared/rpc/generated/messages.ts';
import { MINUTE_MS, ProvenWorld } from '../../support/proven-world.ts';
import { StandingHost } from '../../support/standing-host.ts';
import { APP } from '../../support/world-release.ts';

const LEASE_MS = 10 * MINUTE_MS;

describe('an open gate', function () {
  this.timeout(60_000);
  let world: ProvenWorld;
  let order: Enable;
  let host: StandingHost;

  before(async () => {
    world = await ProvenWorld.start();
    order = await world.order({ leaseMs: LEASE_MS });
  });
  beforeEach(() => {
    host = new StandingHost(world, undefined);
  });
  afterEach(() => host[Symbol.asyncDispose]());
  after(() => world?.[Symbol.asyncDispose]());

  async function open(): Promise<void> {
    expect(await host.enable(order)).to.deep.include({ state: 'open' });
    await host.look();
  }

  const untilMs = () => (host.view.state === 'open' ? host.view.untilMs : 0);
  const closedFor = () => (host.view.state === 'open' ? 'open' : host.view.reason);

  describe('in touch', () => {
    it('renews its lease, at the latest each minute', async () => {
      await open();
      const first = untilMs();
      await host.pass(MINUTE_MS - 1_000);
      expect(untilMs(), 'not yet').to.equal(first);
      await host.pass(1_000);
      expect(untilMs()).to.equal(first + MINUTE_MS);
    });

    it('renews a short lease at a third of its life, and stays open far beyond it', async () => {
      const short = await world.order({ leaseMs: 30_000 });
      expect(await host.enable(short)).to.deep.include({ state: 'open' });
      await host.look();
      const first = untilMs();
      await host.pass(9_000);
      expect(untilMs(), 'not yet').to.equal(first);
      await host.pass(1_000);
      expect(untilMs()).to.equal(first + 10_000);
      await host.pass(2 * MINUTE_MS);
      expect(closedFor()).to.equal('open');
    });

    it('renews it at once when the trust metadata has changed', async () => {
      await open();
      const first = untilMs();
      await host.pass(5_000);
      host.openGates.hint();
      await host.look();
      expect(untilMs()).to.equal(first + 5_000);
    });

    it('closes at the end of the window of its order, renewed or not', async () => {
      const brief = await world.order({ forMs: 2 * MINUTE_MS });
      expect(await host.enable(brief)).to.deep.include({ state: 'open' });
      await host.pass(3 * MINUTE_MS);
      expect(closedFor()).to.equal('the window of the order has ended');
    });

    /** What is found with the next renewal. */
    const DRIFT: Readonly<Record<string, { act: () => void; says: RegExp }>> = {
      'the installed tree is changed': {
        act: () => writeFileSync(join(host.installPath, 'beacon/cli.py'), 'pass\n'),
        says: /tree/,
      },
      'the installed tree is gone': {
        act: () => rmSync(host.installPath, { recursive: true }),
        says: /tree/,
      },
      'a preserved neighbour is changed': {
        act: () => writeFileSync(join(host.installPath, '../beacon-0.9/NOTES'), 'mine\n'),
        says: /beacon-0\.9/,
      },
      'the ledger of its run has grown': {
        act: () => {
          const { store } = host.means;
          store.commit(world.run, {
            state: store.state(world.run),
            bodies: [{ type: 'phase-entered', from: 'proven', to: 'proven', reason: 'somebody was here' }],
          });
        },
        says: /evidence|ledger|head/,
      },
      'its order is not on record any more': {
        act: () => void host.means.database.prepare('delete from gate_offers').run(),
        says: /^its order is not on record$/,
      },
      'the file KILL is there': { act: () => writeFileSync(host.killFile, ''), says: /KILL/ },
    };
    for (const [what, { act, says }] of Object.entries(DRIFT)) {
      it(`closes when ${what}, tells what runs, and opens no more when that is put right`, async () => {
        await open();
        const stopped: string[] = [];
        const { promise: gone, resolve: end } = Promise.withResolvers<void>();
        const stop = (reason: string) => {
          stopped.push(reason);
          end();
        };
        host.means.registry.add({ live: 'x', app: APP, entrypoint: 'live', stop, isEnding: () => false, gone });
        act();
        await host.pass(MINUTE_MS);
        expect(closedFor()).to.match(says);
        expect(stopped).to.have.length(1);
        rmSync(host.killFile, { force: true });
        await host.pass(2 * MINUTE_MS);
        expect(closedFor()).to.not.equal('open');
      });
    }

    it('P4: the file KILL kills once for each time that it is made, also what is closed', async () => {
      await open();
      writeFileSync(host.killFile, '');
      await host.look();
      await host.pass(5_000);
      expect(host.view).to.deep.include({ state: 'closed', epoch: 1 });
      rmSync(host.killFile);
      await host.look();
      writeFileSync(host.killFile, 'again');
      await host.look();
      expect(host.view).to.deep.include({ state: 'closed', epoch: 2 });
    });
  });

  describe('out of touch', () => {
    it('stays open until its lease ends, to the second', async () => {
      await open();
      await host.passAlone(LEASE_MS - 1_000);
      expect(closedFor()).to.equal('open');
      await host.pass(1_000);
      expect(closedFor()).to.equal('the lease has lapsed');
    });

    it('is as open as ever when the host is back in touch before that', async () => {
      await open();
      await host.passAlone(LEASE_MS - 2 * MINUTE_MS);
      host.isInTouch = true;
      await host.pass(5 * MINUTE_MS);
      expect(closedFor()).to.equal('open');
    });

    it('closes when its freshness and the grace of the policy have run out, whatever its lease is', async () => {
      await world.changeRule({ freshnessGraceMs: 3 * MINUTE_MS });
      const long = await world.order({ leaseMs: 20 * 60 * MINUTE_MS, forMs: 23 * 60 * MINUTE_MS });
      expect(await host.enable(long)).to.deep.include({ state: 'open' });
      const endMs = untilMs();
      expect(endMs - host.clock.now(), 'freshness, not the lease').to.be.below(2 * 60 * MINUTE_MS);
      host.isInTouch = false;
      const leftMs = endMs - host.clock.now();
      await host.look();
      host.clock.advance(leftMs - 1_000);
      await host.look();
      expect(closedFor()).to.equal('open');
      host.clock.advance(1_000);
      await host.look();
      expect(closedFor()).to.equal('the host is out of touch');
    });
  });

  describe('after a restart of the agent', () => {
    it('stays closed where the policy does not say otherwise, and the order opens it no more', async () => {
      await world.changeRule({ reopen: false });
      await open();
      await host.restart();
      await host.pass(MINUTE_MS);
      expect(closedFor()).to.equal('the agent was started anew');
      expect(await host.enable(order)).to.deep.include({ state: 'closed' });
      expect(host.refusals).to.deep.equal(['order-replayed']);
    });

    describe('where the policy says so', () => {
      before(() => world.changeRule({ reopen: true }));

      it('opens again, once the host is in touch', async () => {
        await open();
        await host.restart();
        await host.passAlone(20_000);
        expect(closedFor()).to.equal('the agent was started anew');
        host.isInTouch = true;
        await host.pass(6_000);
        expect(closedFor()).to.equal('open');
      });

      it('opens again by a hint that the trust metadata is here, without a wait', async () => {
        await open();
        await host.restart();
        await host.passAlone(1_000);
        host.isInTouch = true;
        host.openGates.hint();
        await host.look();
        expect(closedFor()).to.equal('open');
      });

      it('stays closed for good when the tree is not what it was', async () => {
        await open();
        await host.restart();
        writeFileSync(join(host.installPath, 'beacon/cli.py'), 'pass\n');
        await host.pass(10_000);
        expect(closedFor()).to.match(/tree/);
        expect(host.means.keeper.interrupted()).to.deep.equal([]);
      });

      it('stays closed for good when the policy has changed its mind', async () => {
        await open();
        await host.restart();
        await world.changeRule({ maxLeaseMs: MINUTE_MS });
        await host.pass(10_000);
        expect(closedFor()).to.match(/lease/);
        await world.changeRule({ maxLeaseMs: 24 * 60 * MINUTE_MS });
        await host.pass(10_000);
        expect(closedFor()).to.not.equal('open');
      });

      it('P4: stays closed when a kill comes while all is verified anew', async () => {
        await open();
        await host.restart();
        const judging = host.openGates.judgeDue();
        host.kill();
        await judging;
        await host.pass(10_000);
        expect(host.view).to.deep.include({ state: 'closed', epoch: 1, reason: 'killed: smoke in the room' });
      });

      it('stays closed when its window has ended meanwhile', async () => {
        const brief = await world.order({ forMs: MINUTE_MS });
        expect(await host.enable(brief)).to.deep.include({ state: 'open' });
        await host.restart();
        host.clock.advance(2 * MINUTE_MS);
        await host.pass(6_000);
        expect(closedFor()).to.not.equal('open');
        expect(host.means.keeper.interrupted()).to.deep.equal([]);
      });
    });
  });

  describe('and the clock', () => {
    it('closes it when it is set back', async () => {
      await open();
      await host.pass(5_000);
      host.clockAheadMs = -3_000;
      await host.look();
      expect(closedFor()).to.equal('the clock went back');
    });

    it('closes it when it is held still', async () => {
      await open();
      for (let second = 1; second <= 5; second += 1) {
        host.steadyAheadMs += 1_000;
        await host.look();
      }
      expect(closedFor()).to.equal('the clock went back');
    });

    it('closes it when it runs at half its pace, long before the lease would have ended', async () => {
      await open();
      for (let second = 1; second <= 5; second += 1) {
        host.steadyAheadMs += 500;
        host.clock.advance(500);
        await host.look();
      }
      expect(closedFor()).to.equal('the clock went back');
    });

    it('closes it when it jumps past the lease, for the reason that this is', async () => {
      await open();
      host.isInTouch = false;
      host.clockAheadMs = LEASE_MS;
      await host.look();
      expect(closedFor()).to.equal('the lease has lapsed');
    });

    it('may be asked by others at any time between two looks that are far apart', async () => {
      await open();
      for (let round = 0; round < 20; round += 1) {
        host.clock.advance(4_900);
        host.means.keeper.permitFor(APP, 'live');
        host.clock.advance(100);
        await host.look();
      }
      expect(closedFor()).to.equal('open');
    });
  });

  it('P4: a look does not wait for a judgement that hangs in the network', async () => {
    await open();
    host.hang();
    host.openGates.hint();
    const judging = host.openGates.judgeDue();
    host.clock.advance(LEASE_MS);
    host.openGates.look();
    expect(closedFor()).to.equal('the lease has lapsed');
    host.isInTouch = false;
    host.letGo();
    await judging;
    expect(closedFor()).to.equal('the lease has lapsed');
  });

  it('P4: what is found out about an order that another one has replaced closes nothing', async () => {
    await open();
    host.hang();
    host.openGates.hint();
    const judging = host.openGates.judgeDue();
    host.means.gates.saveOffer(APP, Buffer.from('another order'));
    host.letGo();
    await judging;
    expect(closedFor()).to.equal('open');
  });
});
