/** A gate whose steady clock tells parts of a millisecond, as that of every real host does. */
import { expect } from 'chai';
import { GateKeeper } from '../../../host-agent/gate/gate-keeper.ts';
import { admit, type GateFacts } from '../../../shared/orders/admit.ts';
import { encodeEnableOrder } from '../../../shared/orders/enable-order.ts';
import { EPOCH, MINUTE_MS, offerOf, orderOf, sign, TestLog } from '../../support/enable-world.ts';
import { APP, GateWorld, groundOf } from './gate-world.ts';

describe('the execution gate by a steady clock with parts of a millisecond', () => {
  let world: GateWorld;
  beforeEach(() => {
    world = new GateWorld();
  });
  afterEach(() => world.remove());

  it('P4: writes down only what it can read again, so that an open gate can be renewed, opened anew and killed', () => {
    let steadyMs = 0.25;
    const { store } = world;
    const keeper = new GateKeeper({ store, nowMs: () => world.nowMs, steadyMs: () => steadyMs, onClosed: () => {} });
    const ground = groundOf();
    const log = new TestLog();
    const enable = (nonce: string) => {
      const offer = offerOf(sign(encodeEnableOrder(orderOf({ nonce: nonce.repeat(32) }))), log);
      const decide = (gate: GateFacts) => admit(offer, { ...ground, ...gate, seen: () => undefined });
      return keeper.enable(APP, { decide, envelope: offer.envelope, freshUntilMs: ground.freshUntilMs }).state;
    };
    const tick = () => {
      world.nowMs += 1_000;
      steadyMs += 1_000.7;
      return keeper.tick();
    };
    while (keeper.kill(APP, { reason: 'before' }) < EPOCH);
    expect(enable('a')).to.equal('open');
    for (let count = 0; count < 3; count += 1) expect(tick()).to.deep.equal([APP]);
    keeper.note(APP, { type: 'refreshed', freshUntilMs: ground.freshUntilMs + MINUTE_MS, nowMs: world.nowMs });
    expect(keeper.view(APP).state).to.equal('open');
    expect(tick()).to.deep.equal([APP]);
    expect(enable('b')).to.equal('open');
    expect(tick()).to.deep.equal([APP]);
    expect(keeper.kill(APP, { reason: 'smoke' })).to.equal(EPOCH + 1);
    expect(store.read(APP)).to.include({ state: 'closed', epoch: EPOCH + 1 });
  });
});
