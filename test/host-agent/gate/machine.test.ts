/**
 * P3, P4: the gate against its definition. The definition looks at everything that ever happened to a gate and knows no
 * state; the machine has a state and forgets what happened. Whatever happens in whatever order, they agree.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  type AdmittedOrder,
  CLOCK_SLACK_MS,
  FIRST_STATE,
  type GateEvent,
  type GateState,
  isOpenAt,
  step,
} from '../../../host-agent/gate/machine.ts';

const MINUTE_MS = 60_000;
const START_MS = Date.parse('2026-11-22T12:00:00.000Z');

const ORDER: AdmittedOrder = {
  nonce: 'n1',
  envelope: 'e1',
  entrypoints: ['live'],
  notBeforeMs: START_MS,
  expiresMs: START_MS + 60 * MINUTE_MS,
  leaseMs: 10 * MINUTE_MS,
  maxOpenMs: 30 * MINUTE_MS,
  graceMs: 5 * MINUTE_MS,
  mayReopen: false,
};

function stateAfter(...events: GateEvent[]): GateState {
  return events.reduce((state, event) => step(state, event).state, FIRST_STATE as GateState);
}

const admitted = (change: Partial<Extract<GateEvent, { type: 'order-admitted' }>> = {}): GateEvent => ({
  type: 'order-admitted',
  order: ORDER,
  epoch: 0,
  freshUntilMs: START_MS + 60 * MINUTE_MS,
  nowMs: START_MS,
  ...change,
});
const passed = (minutes: number): GateEvent => ({ type: 'time-passed', nowMs: START_MS + minutes * MINUTE_MS });
const refreshed = (minutes: number): GateEvent => ({
  type: 'refreshed',
  freshUntilMs: START_MS + (minutes + 60) * MINUTE_MS,
  nowMs: START_MS + minutes * MINUTE_MS,
});
const at = (minutes: number) => START_MS + minutes * MINUTE_MS;

/** What happened, and what is said of it. Nothing here is open that the definition below calls closed. */
const STORIES: Readonly<Record<string, { readonly events: readonly GateEvent[]; readonly is: string }>> = {
  'nothing ever happened': { events: [], is: 'no enable order was ever admitted' },
  'an order was admitted': { events: [admitted()], is: 'open' },
  'an order of another epoch was admitted': {
    events: [admitted({ epoch: 1 })],
    is: 'no enable order was ever admitted',
  },
  'an order was admitted before its window': {
    events: [admitted({ order: { ...ORDER, notBeforeMs: at(1) } })],
    is: 'the window of the order has not begun',
  },
  'an order was admitted after its window': {
    events: [admitted({ nowMs: at(60) })],
    is: 'the window of the order has ended',
  },
  'the lease lapsed': { events: [admitted(), passed(10)], is: 'the lease has lapsed' },
  'the lease was renewed in time': { events: [admitted(), refreshed(9), passed(18)], is: 'open' },
  'the lease was renewed too late': { events: [admitted(), refreshed(10)], is: 'open' },
  'the lease was renewed with older metadata': {
    events: [admitted(), { type: 'refreshed', freshUntilMs: at(1), nowMs: at(9) }, passed(12)],
    is: 'the lease has lapsed',
  },
  'it was open for as long as the policy allows': {
    events: [admitted(), refreshed(9), refreshed(18), refreshed(27), passed(30)],
    is: 'it was open for as long as the policy allows',
  },
  'the host was out of touch for longer than the grace': {
    events: [admitted({ freshUntilMs: at(1) }), passed(5), passed(6)],
    is: 'the host is out of touch',
  },
  'the host was out of touch for less than the grace': {
    events: [admitted({ freshUntilMs: at(1) }), passed(5)],
    is: 'open',
  },
  'the clock was set back': { events: [admitted(), passed(5), passed(3)], is: 'the clock went back' },
  'the clock was set right by NTP': {
    events: [admitted(), passed(5), { type: 'time-passed', nowMs: at(5) - CLOCK_SLACK_MS }],
    is: 'open',
  },
  'somebody killed it': { events: [admitted(), { type: 'killed', reason: 'a kill', nowMs: at(1) }], is: 'a kill' },
  'somebody killed it with the clock set back': {
    events: [admitted(), { type: 'killed', reason: 'a kill', nowMs: 0 }],
    is: 'a kill',
  },
  'the order came again after the kill': {
    events: [admitted(), { type: 'killed', reason: 'a kill', nowMs: at(1) }, admitted({ nowMs: at(2) })],
    is: 'a kill',
  },
  'an order of the new epoch came after the kill': {
    events: [admitted(), { type: 'killed', reason: 'a kill', nowMs: at(1) }, admitted({ nowMs: at(2), epoch: 1 })],
    is: 'open',
  },
  'the tree changed': {
    events: [admitted(), { type: 'ground-lost', reason: 'the tree changed', nowMs: at(1) }],
    is: 'the tree changed',
  },
  'the agent was started anew': {
    events: [admitted(), { type: 'restarted', nowMs: at(1) }],
    is: 'the agent was started anew',
  },
  'the agent was started anew, and all was verified, and the policy says no': {
    events: [admitted(), { type: 'restarted', nowMs: at(1) }, anew(2)],
    is: 'the agent was started anew',
  },
  'the agent was started anew, and all was verified, and the policy says yes': {
    events: [admitted({ order: { ...ORDER, mayReopen: true } }), { type: 'restarted', nowMs: at(1) }, anew(2)],
    is: 'open',
  },
  'the agent was started anew twice before all was verified': {
    events: [
      admitted({ order: { ...ORDER, mayReopen: true } }),
      { type: 'restarted', nowMs: at(1) },
      { type: 'restarted', nowMs: at(1) },
      anew(2),
    ],
    is: 'open',
  },
  'a kill came between the restart and the verification': {
    events: [
      admitted({ order: { ...ORDER, mayReopen: true } }),
      { type: 'restarted', nowMs: at(1) },
      { type: 'killed', reason: 'a kill', nowMs: at(1) },
      anew(2),
      anew(2, 1),
    ],
    is: 'a kill',
  },
  'another order was verified anew than was interrupted': {
    events: [
      admitted({ order: { ...ORDER, mayReopen: true } }),
      { type: 'restarted', nowMs: at(1) },
      { ...anew(2), nonce: 'n2' } as GateEvent,
    ],
    is: 'the agent was started anew',
  },
  'a time that is no number': {
    events: [admitted(), { type: 'time-passed', nowMs: Number.NaN }],
    is: 'the clock went back',
  },
};

function anew(minutes: number, epoch = 0): GateEvent {
  return { type: 'verified-anew', nonce: 'n1', epoch, freshUntilMs: at(60), nowMs: at(minutes) };
}

/**
 * The definition, over everything that happened: open is what an admission opened (or a verification after a restart),
 * with nothing since that closes.
 */
function shallBeOpen(events: readonly GateEvent[], nowMs: number): boolean {
  const times = events.map((event) => event.nowMs);
  const seenBefore = (index: number) => Math.max(0, ...times.slice(0, index).filter((ms) => !Number.isNaN(ms)));
  const isBehind = (index: number) => !((times[index] ?? Number.NaN) >= seenBefore(index) - CLOCK_SLACK_MS);
  if (!(nowMs >= seenBefore(events.length) - CLOCK_SLACK_MS)) return false;
  const kills = (upTo: number) => events.slice(0, upTo).filter(({ type }) => type === 'killed').length;
  return events.some((opening, index) => {
    if (opening.type !== 'order-admitted' || isBehind(index) || opening.epoch !== kills(index)) return false;
    const { order } = opening;
    let [renewedAtMs, freshUntilMs, isInterrupted] = [opening.nowMs, opening.freshUntilMs, false];
    const holdsAt = (ms: number) =>
      ms >= order.notBeforeMs &&
      ms < order.expiresMs &&
      ms < opening.nowMs + order.maxOpenMs &&
      ms < renewedAtMs + order.leaseMs &&
      ms < freshUntilMs + order.graceMs;
    if (!holdsAt(opening.nowMs)) return false;
    for (let later = index + 1; later < events.length; later += 1) {
      const event = events[later] as GateEvent;
      if (event.type === 'killed' || event.type === 'ground-lost' || isBehind(later)) return false;
      if (event.type === 'order-admitted' && event.epoch === kills(later)) return false; // it is that one's turn
      if (event.type === 'restarted') {
        if (!order.mayReopen) return false;
        isInterrupted = true;
      } else if (event.type === 'verified-anew' && isInterrupted) {
        if (event.nonce !== order.nonce || event.epoch !== kills(later)) continue;
        [renewedAtMs, freshUntilMs, isInterrupted] = [event.nowMs, event.freshUntilMs, false];
        if (!holdsAt(event.nowMs)) return false;
      } else if (event.type === 'refreshed' && !isInterrupted) {
        if (event.freshUntilMs >= freshUntilMs) [renewedAtMs, freshUntilMs] = [event.nowMs, event.freshUntilMs];
        if (!holdsAt(event.nowMs)) return false;
      } else if (event.type === 'time-passed' && !isInterrupted && !holdsAt(event.nowMs)) return false;
    }
    return !isInterrupted && holdsAt(nowMs);
  });
}

// Few values, so that they meet often.
const minutes = fc.integer({ min: -2, max: 70 }).map((count) => at(count));
const orders = fc.record({
  nonce: fc.constantFrom('n1', 'n2'),
  envelope: fc.constant('e'),
  entrypoints: fc.constant(['live']),
  notBeforeMs: fc.constantFrom(at(-5), at(5)),
  expiresMs: fc.constantFrom(at(20), at(60)),
  leaseMs: fc.constantFrom(5 * MINUTE_MS, 30 * MINUTE_MS),
  maxOpenMs: fc.constantFrom(10 * MINUTE_MS, 40 * MINUTE_MS),
  graceMs: fc.constantFrom(0, 10 * MINUTE_MS),
  mayReopen: fc.boolean(),
});
/** Mostly the present one. */
const epochsAhead = fc.constantFrom(0, 0, 0, 0, 1, -1);
const kinds = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('order-admitted' as const),
      order: orders,
      epoch: epochsAhead,
      freshUntilMs: minutes,
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('refreshed' as const), freshUntilMs: minutes }) },
  { weight: 4, arbitrary: fc.constant({ type: 'time-passed' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'killed' as const, reason: 'a kill' }) },
  { weight: 1, arbitrary: fc.constant({ type: 'ground-lost' as const, reason: 'drift' }) },
  { weight: 3, arbitrary: fc.constant({ type: 'restarted' as const }) },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('verified-anew' as const),
      nonce: fc.constantFrom('n1', 'n2'),
      epoch: epochsAhead,
      freshUntilMs: minutes,
    }),
  },
);
/** Minutes since the event before: mostly a few, sometimes many, backwards or nonsense. */
const gaps = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 0, max: 6 }) },
  { weight: 1, arbitrary: fc.integer({ min: -10, max: 40 }) },
  { weight: 1, arbitrary: fc.constant(Number.NaN) },
);
const histories = fc.array(fc.tuple(kinds, gaps), { minLength: 1, maxLength: 12 }).map((list) => {
  let [nowMs, kills] = [START_MS, 0];
  return list.map(([kind, gap]): GateEvent => {
    if (!Number.isNaN(gap)) nowMs += gap * MINUTE_MS;
    const event = { ...kind, nowMs: Number.isNaN(gap) ? gap : nowMs };
    const dated = 'epoch' in event ? { ...event, epoch: event.epoch + kills } : event;
    if (kind.type === 'killed') kills += 1;
    return dated;
  });
});

describe('host-agent/gate/machine', () => {
  for (const [what, { events: happened, is }] of Object.entries(STORIES)) {
    it(`${is === 'open' ? 'is open' : 'is closed'} when ${what}`, () => {
      const state = stateAfter(...happened);
      const nowMs = happened.at(-1)?.nowMs ?? START_MS;
      expect(state.state === 'open' ? 'open' : state.reason).to.equal(is);
      expect(isOpenAt(state, nowMs)).to.equal(is === 'open');
      expect(shallBeOpen(happened, nowMs)).to.equal(is === 'open');
    });
  }

  it('closes by itself when nobody tells it the time', () => {
    const state = stateAfter(admitted());
    expect([at(9), at(10)].map((ms) => isOpenAt(state, ms))).to.deep.equal([true, false]);
  });

  it('stops what runs whenever it closes, and when another order takes over', () => {
    const open = stateAfter(admitted());
    const closing: GateEvent[] = [
      passed(10),
      { type: 'killed', reason: 'a kill', nowMs: at(1) },
      { type: 'ground-lost', reason: 'drift', nowMs: at(1) },
      { type: 'restarted', nowMs: at(1) },
      { type: 'time-passed', nowMs: at(-2) },
      admitted({ nowMs: at(1) }),
    ];
    for (const event of closing) {
      expect(
        step(open, event).effects.map((effect) => effect.do),
        event.type,
      ).to.deep.equal(['stop-processes']);
    }
    expect(step(open, passed(1)).effects).to.deep.equal([]);
    expect(step(FIRST_STATE, passed(1)).effects).to.deep.equal([]);
  });

  it('is open exactly when its definition says so, whatever happened, in 20,000 histories (model)', function () {
    this.timeout(120_000);
    let openCount = 0;
    fc.assert(
      fc.property(histories, fc.nat({ max: 12 }), (history, later) => {
        const state = stateAfter(...history);
        const nowMs = (history.at(-1)?.nowMs ?? START_MS) + later * MINUTE_MS;
        const isOpen = isOpenAt(state, nowMs);
        expect(isOpen).to.equal(shallBeOpen(history, nowMs));
        if (isOpen) openCount += 1;
      }),
      { numRuns: 20_000 },
    );
    // Or it would agree on closed gates alone.
    expect(openCount).to.be.at.least(1_000);
  });

  it('never lowers the epoch, and raises it with each kill and nothing else (property)', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const kills = history.filter(({ type }) => type === 'killed').length;
        expect(stateAfter(...history).epoch).to.equal(kills);
      }),
      { numRuns: 2_000 },
    );
  });
});
