/** P2, P3, P4, P9 over the real wire: nothing that a control plane sends, or a host suffers, opens a gate or keeps one open. */
import { expect } from 'chai';
import { OrderWorld } from '../support/order-world.ts';
import type { ProvenHost } from '../support/proven-host.ts';
import { WIRE_ATTACKS } from './wire-attacks.ts';

describe('attacks on the order path over the real wire', function () {
  this.timeout(120_000);
  let orders: OrderWorld;
  let quiet: ProvenHost;
  before(async () => {
    orders = await OrderWorld.start();
    quiet = await orders.provenHost();
  });
  after(() => orders?.[Symbol.asyncDispose]());

  it('has at least forty-eight of them', () => {
    expect(Object.keys(WIRE_ATTACKS).length).to.be.at.least(48);
  });

  for (const [what, [expected, attempt]] of Object.entries(WIRE_ATTACKS)) {
    it(`holds against ${what}`, async () => {
      const { answer, isOpened } = await attempt({ orders, quiet });
      expect(answer).to.match(expected);
      expect(isOpened).to.equal(false);
    });
  }

  it('opens for the honest order, on the very host that refused all others', async () => {
    await quiet.open();
    expect(quiet.isOpen).to.equal(true);
  });
});
