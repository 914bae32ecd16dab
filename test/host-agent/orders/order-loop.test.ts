/** P4, P8: the loop that follows orders: nothing that takes its time keeps a kill, the clock or another order waiting. */
import { expect } from 'chai';
import { followOrders, type OrderWork } from '../../../host-agent/orders/order-loop.ts';
import type { Enable } from '../../../shared/rpc/generated/messages.ts';
import { Wakeup } from '../../../shared/time/wakeup.ts';
import { MINUTE_MS, ProvenWorld } from '../../support/proven-world.ts';
import { StandingHost } from '../../support/standing-host.ts';
import { APP } from '../../support/world-release.ts';

describe('the loop of orders', function () {
  this.timeout(60_000);
  let world: ProvenWorld;
  let order: Enable;
  let host: StandingHost;
  let loop: { wakeup: Wakeup; stop: () => Promise<void> };

  before(async () => {
    world = await ProvenWorld.start();
    order = await world.order();
  });
  beforeEach(() => {
    host = new StandingHost(world, undefined);
    const stopping = new AbortController();
    const wakeup = new Wakeup();
    host.directives.onAccepted(() => wakeup.wake());
    const { means, openGates, directives, clock } = host;
    const scheduled = { startDue: async () => undefined };
    const hostKills = { tell: () => undefined, areDue: false };
    const work: OrderWork = { means, openGates, hostKills, directives, wakeup, clock, scheduled, retryMs: () => 2_000 };
    const following = followOrders(stopping.signal, work);
    const stop = async () => {
      host.letGo();
      stopping.abort();
      await following;
    };
    loop = { wakeup, stop };
  });
  afterEach(async () => {
    await loop.stop();
    await host[Symbol.asyncDispose]();
  });
  after(() => world?.[Symbol.asyncDispose]());

  const enabling = () => host.accept({ kind: 'enable', enable: order });
  const answers = (document: Uint8Array) => host.receipts(document).map(({ answer }) => answer);

  async function until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise(setImmediate);
  }

  it('follows an order when it is stored, and looks once a second as long as the gate is open', async () => {
    enabling();
    await until(() => host.view.state === 'open');
    await host.clock.whenPending(1);
    expect(host.clock.pendingMs()).to.deep.equal([1_000]);
    host.isInTouch = false;
    for (let second = 0; second < 599; second += 1) {
      host.clock.advance(1_000);
      await host.clock.whenPending(1);
    }
    expect(host.view.state).to.equal('open');
    host.clock.advance(1_000);
    await until(() => host.means.gates.read(APP).state === 'closed');
    expect(host.view).to.have.property('reason', 'the lease has lapsed');
    await loop.wakeup.asleep();
    expect(host.clock.pendingMs(), 'nothing to look after').to.deep.equal([]);
  });

  it('P4: answers a kill while an enable order hangs in the network, and that order opens nothing', async () => {
    host.hang();
    enabling();
    await new Promise(setImmediate);
    host.kill();
    expect(host.view).to.deep.include({ state: 'closed', epoch: 1 });
    host.letGo();
    await until(() => host.directives.unhandled().length === 0);
    expect(answers(order.envelope)).to.deep.equal(['refused']);
    expect(host.refusals).to.deep.equal(['order-of-another-epoch']);
    await until(() => answers(Buffer.from('kill for smoke in the room')).includes('stopped'));
  });

  it('P3: time closes a gate while a renewal hangs in the network', async () => {
    enabling();
    await until(() => host.view.state === 'open');
    host.hang();
    host.openGates.hint();
    loop.wakeup.wake();
    await host.clock.whenPending(1);
    host.clock.advance(10 * MINUTE_MS);
    await until(() => host.means.gates.read(APP).state === 'closed');
    expect(host.view).to.have.property('reason', 'the lease has lapsed');
  });

  it('tries an order again that could not be judged, when its time has come', async () => {
    host.isInTouch = false;
    enabling();
    await host.clock.whenPending(1);
    await until(() => host.log.some(({ msg }) => msg === 'tried in vain'));
    expect(host.directives.unhandled()).to.have.length(1);
    host.isInTouch = true;
    for (let second = 0; second < 3; second += 1) {
      await host.clock.whenPending(1);
      host.clock.advance(1_000);
    }
    await until(() => host.view.state === 'open');
    expect(answers(order.envelope)).to.deep.equal(['admitted']);
  });

  it('P8: stops in the middle of what hangs, and what it was told is still to be done', async () => {
    host.isInTouch = false;
    enabling();
    await until(() => host.log.some(({ msg }) => msg === 'tried in vain'));
    await loop.stop();
    expect(host.directives.unhandled()).to.have.length(1);
  });
});
