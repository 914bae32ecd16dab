/** P3, P4, P8: the gate on a real journal. Every way in of the attack table, with what is on the disk afterwards. */
import { expect } from 'chai';
import { isRunPermit, RunPermit } from '../../../host-agent/gate/run-permit.ts';
import { encodeEnableOrder } from '../../../shared/orders/enable-order.ts';
import {
  EPOCH,
  honestOffer,
  MINUTE_MS,
  NOW_MS,
  offerOf,
  orderOf,
  policyOf,
  sign,
  TestLog,
} from '../../support/enable-world.ts';
import { codeThrownBy } from '../../support/rejection-of.ts';
import { attackGate, GATE_ATTACKS, raiseTo } from './attack.ts';
import { APP, GateWorld, groundOf } from './gate-world.ts';

/** The same order once more, as somebody would who has the whole log. */
const again = () => ({ ...honestOffer(), consistency: [] });

describe('the keeper of the gate', () => {
  let world: GateWorld;
  beforeEach(() => {
    world = new GateWorld();
  });
  afterEach(() => world.remove());

  const open = (offer = honestOffer()) => world.enable(offer);

  it('P3: is closed on first start, and issues no permit', () => {
    expect(world.keeper.view(APP)).to.deep.include({ state: 'closed', epoch: 0 });
    expect(codeThrownBy(() => world.keeper.permitFor(APP, 'live'))).to.equal('gate-closed');
  });

  it('opens by an honest order, and issues permits for what it names, until the lease ends', () => {
    raiseTo(world, EPOCH);
    expect(open()).to.deep.include({ state: 'open', epoch: EPOCH, untilMs: NOW_MS + 10 * MINUTE_MS });
    const permit = world.keeper.permitFor(APP, 'live');
    expect(permit.facts).to.deep.include({ app: APP, entrypoint: 'live', epoch: EPOCH });
    expect(codeThrownBy(() => world.keeper.permitFor(APP, 'sweep'))).to.equal('entrypoint-not-enabled');
    expect(codeThrownBy(() => world.keeper.permitFor('another', 'live'))).to.equal('gate-closed');
    world.nowMs += 10 * MINUTE_MS;
    expect(codeThrownBy(() => world.keeper.permitFor(APP, 'live'))).to.equal('gate-closed');
  });

  it('P4: a kill closes it, raises the epoch, stops what runs, and the order never opens it again', () => {
    raiseTo(world, EPOCH);
    open();
    world.closed.splice(0);
    expect(world.keeper.kill(APP, { reason: 'smoke in the room' })).to.equal(EPOCH + 1);
    expect(world.closed).to.deep.equal([{ app: APP, reason: 'smoke in the room' }]);
    expect(world.keeper.view(APP)).to.deep.equal({ state: 'closed', epoch: EPOCH + 1, reason: 'smoke in the room' });
    expect(codeThrownBy(() => open(again()))).to.equal('order-of-another-epoch');
    world.restart();
    expect(codeThrownBy(() => open(again()))).to.equal('order-of-another-epoch');
    expect(world.keeper.view(APP).state).to.equal('closed');
  });

  it('P4: a kill of what is closed raises the epoch too, and stops what may run all the same', () => {
    expect(world.keeper.kill(APP, { reason: 'to be sure' })).to.equal(1);
    expect(world.closed).to.deep.equal([{ app: APP, reason: 'to be sure' }]);
  });

  it('P4: a kill that cannot be written down stops what runs, closes the gate, says so, and can be tried again', () => {
    raiseTo(world, EPOCH);
    open();
    world.closed.splice(0);
    const full = () => {
      throw new Error('the disk is full');
    };
    expect(() => world.keeper.kill(APP, { reason: 'smoke', receipt: full })).to.throw('the disk is full');
    expect(world.closed).to.deep.equal([{ app: APP, reason: 'smoke' }]);
    expect(world.keeper.view(APP).state).to.equal('unknown');
    expect(codeThrownBy(() => world.keeper.permitFor(APP, 'live'))).to.equal('gate-state-unknown');
    expect(codeThrownBy(() => open())).to.equal('gate-state-unknown');
    expect(world.keeper.kill(APP, { reason: 'smoke' })).to.equal(EPOCH + 1);
    expect(world.keeper.view(APP)).to.deep.include({ state: 'closed', epoch: EPOCH + 1 });
  });

  it('P8: what answers an order is written in the same transaction, or the gate has not opened', () => {
    raiseTo(world, EPOCH);
    const before = world.onDisk();
    const receipt = () => {
      world.database.prepare('insert into outbox (bytes) values (?)').run(Buffer.from('admitted'));
      throw new Error('the disk is full');
    };
    const act = () => world.enable(honestOffer(), { receipt });
    expect(act).to.throw('the disk is full');
    expect(world.onDisk()).to.deep.equal(before);
    expect(world.keeper.view(APP).state).to.equal('closed');
    open(); // its nonce is not spent
    expect(world.onDisk().spent_nonces).to.deep.equal([{ app: APP, nonce: orderOf().nonce }]);
  });

  it('P3: is closed after a restart, and the same order does not open it again unless the policy says so', () => {
    for (const reopen of [false, true]) {
      const policy = policyOf({ reopen });
      const fresh = new GateWorld();
      raiseTo(fresh, EPOCH);
      fresh.enable(honestOffer(), { ground: groundOf({ policy }) });
      fresh.restart();
      expect(fresh.keeper.view(APP)).to.deep.include({ state: 'closed', reason: 'the agent was started anew' });
      const anew = {
        type: 'verified-anew',
        nonce: orderOf().nonce,
        epoch: EPOCH,
        freshUntilMs: NOW_MS + MINUTE_MS,
        nowMs: NOW_MS,
      } as const;
      fresh.keeper.note(APP, anew);
      expect(fresh.keeper.view(APP).state).to.equal(reopen ? 'open' : 'closed');
      const replay = () => fresh.enable(again(), { ground: groundOf({ policy }) });
      expect(codeThrownBy(replay)).to.equal('order-replayed');
      fresh.remove();
    }
  });

  it('P3: is closed when the clock goes back, by how little ever over its slack, and stays so', () => {
    raiseTo(world, EPOCH);
    open();
    world.nowMs += 5_000;
    world.keeper.note(APP, { type: 'time-passed', nowMs: world.nowMs });
    world.nowMs -= 2_000;
    expect(world.keeper.view(APP)).to.deep.include({ state: 'closed', reason: 'the clock went back' });
    world.keeper.note(APP, { type: 'time-passed', nowMs: world.nowMs });
    world.nowMs += 60_000;
    expect(world.keeper.view(APP)).to.deep.include({ state: 'closed', reason: 'the clock went back' });
  });

  it('P3: is closed when what an order leans on changes, and tells what runs', () => {
    raiseTo(world, EPOCH);
    open();
    world.closed.splice(0);
    world.keeper.note(APP, { type: 'ground-lost', reason: 'a neighbour changed', nowMs: world.nowMs });
    expect(world.closed).to.deep.equal([{ app: APP, reason: 'a neighbour changed' }]);
    world.restart();
    expect(world.keeper.view(APP)).to.deep.include({ state: 'closed', reason: 'a neighbour changed' });
  });

  it('writes nothing down while only a little time passes, and the time each minute', () => {
    raiseTo(world, EPOCH);
    open();
    const before = world.onDisk();
    for (let seconds = 0; seconds < 50; seconds += 5) {
      world.nowMs += 5_000;
      world.keeper.note(APP, { type: 'time-passed', nowMs: world.nowMs });
    }
    expect(world.onDisk()).to.deep.equal(before);
    world.nowMs += 20_000;
    world.keeper.note(APP, { type: 'time-passed', nowMs: world.nowMs });
    expect(world.onDisk()).to.not.deep.equal(before);
  });

  it('keeps what it remembers of the log when an older proof comes late', () => {
    raiseTo(world, EPOCH);
    open();
    const [kept] = world.onDisk().log_checkpoints as { size: number }[];
    expect(kept?.size).to.equal(7);
    const state = world.store.read(APP);
    if (state.state !== 'unknown') world.store.save(APP, state, { checkpoint: new TestLog().checkpoint(3) });
    expect((world.onDisk().log_checkpoints as { size: number }[])[0]?.size).to.equal(7);
  });

  it('P3: a permit is made by the gate and by nothing else', () => {
    raiseTo(world, EPOCH);
    open();
    const permit = world.keeper.permitFor(APP, 'live');
    expect(isRunPermit(permit)).to.equal(true);
    const copies = [
      { ...permit },
      structuredClone(permit.facts),
      Object.create(RunPermit.prototype),
      JSON.parse(JSON.stringify(permit)),
      undefined,
      'permit',
    ];
    for (const copy of copies) expect(isRunPermit(copy)).to.equal(false);
    expect(() => Object.assign(permit.facts, { entrypoint: 'shell' })).to.throw(TypeError);
  });

  const TEXTS = [
    '',
    '{}',
    'null',
    '{"state":"open"}',
    '{"state":"open","epoch":3}',
    '[]',
    '{"state":"closed","reason":"x","epoch":-1,"seenMs":0}',
    'open',
  ];
  for (const text of TEXTS) {
    it(`P3: opens nothing on a state that reads ${JSON.stringify(text)}, and forgets no kill by it`, () => {
      raiseTo(world, EPOCH);
      world.database.prepare('update gate_states set state = ?').run(text);
      expect(world.keeper.view(APP).state).to.equal('unknown');
      expect(codeThrownBy(() => open())).to.equal('gate-state-unknown');
      expect(codeThrownBy(() => world.keeper.kill(APP, { reason: 'smoke' }))).to.equal('gate-state-unknown');
      expect(world.closed.at(-1)).to.deep.equal({ app: APP, reason: 'smoke' });
      expect(world.database.prepare('select state from gate_states').pluck().get()).to.equal(text);
    });
  }

  it('P3: opens nothing on a journal that cannot be read', () => {
    world.database.exec('drop table gate_states');
    expect(world.keeper.view(APP)).to.deep.include({ state: 'unknown' });
    expect(codeThrownBy(() => world.keeper.permitFor(APP, 'live'))).to.equal('gate-state-unknown');
  });

  describe('attacked', () => {
    for (const [what, code] of GATE_ATTACKS) {
      it(`refuses ${what}, and nothing of it is on the disk`, () => {
        expect(attackGate(what)).to.deep.equal({ refusal: code, isOpened: false, isUnchanged: true });
      });
    }

    it('has at least sixty ways in', () => {
      expect(GATE_ATTACKS.size).to.be.at.least(60);
    });
  });

  it('takes another honest order when the first one is over', () => {
    raiseTo(world, EPOCH);
    open();
    world.nowMs += 10 * MINUTE_MS;
    world.keeper.note(APP, { type: 'time-passed', nowMs: world.nowMs });
    expect(codeThrownBy(() => open(again()))).to.equal('order-replayed');
    expect(world.enable(honestOfferAfter(world)).state).to.equal('open');
  });
});

/** Another order, in the log that the world has seen, behind the first one. */
function honestOfferAfter(world: GateWorld) {
  const log = new TestLog();
  offerOf(sign(encodeEnableOrder(orderOf())), log);
  const payload = encodeEnableOrder(orderOf({ nonce: 'f'.repeat(32), issuedAtMs: world.nowMs }));
  return offerOf(sign(payload), log);
}
