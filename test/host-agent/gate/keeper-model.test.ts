/**
 * P3, P4, P8: the keeper against a definition that has no journal. Orders, renewals, restarts, verifications anew, kills, drift and
 * both clocks in any order, on a real journal: the gate is open exactly when the definition says so.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import type { GateKeeper } from '../../../host-agent/gate/gate-keeper.ts';
import { CLOCK_SLACK_MS } from '../../../host-agent/gate/machine.ts';
import { RejectedError } from '../../../shared/errors.ts';
import type { Admission, GateFacts } from '../../../shared/orders/admit.ts';
import { MINUTE_MS, NOW_MS, orderOf, policyOf, TestLog } from '../../support/enable-world.ts';
import { APP, GateWorld } from './gate-world.ts';

const LEASE_MS = 10 * MINUTE_MS;
const WINDOW_MS = 40 * MINUTE_MS;
const GRACE_MS = 3 * MINUTE_MS;
const FRESH_MS = 12 * MINUTE_MS;
const RUN_COUNT = 150;

type Act =
  | { readonly do: 'enable'; readonly mayReopen: boolean; readonly isReplay: boolean }
  | { readonly do: 'renew' | 'reopen'; readonly isGood: boolean }
  | { readonly do: 'kill' | 'restart' | 'drift' }
  /** Both clocks go on, or the host's alone, or the steady one alone; then a tick. */
  | { readonly do: 'pass'; readonly clockMs: number; readonly steadyMs: number };

/** What there is to know: no state of the machine, no journal. */
class Definition {
  epoch = 0;
  nowMs = NOW_MS;
  /** The latest time that was seen, or that must have passed. */
  seenMs = 0;
  readonly spent = new Set<string>();
  open:
    | { nonce: string; openedAtMs: number; renewedAtMs: number; freshUntilMs: number; mayReopen: boolean }
    | undefined;
  interrupted: { nonce: string; openedAtMs: number } | undefined;
  /** The time seen at the last tick that left the gate open. */
  tickedMs: number | undefined;

  get isBehind(): boolean {
    return this.nowMs < this.seenMs - CLOCK_SLACK_MS;
  }

  get isOpen(): boolean {
    if (!this.open || this.isBehind) return false;
    const { openedAtMs, renewedAtMs, freshUntilMs } = this.open;
    return this.nowMs < Math.min(openedAtMs + WINDOW_MS, renewedAtMs + LEASE_MS, freshUntilMs + GRACE_MS);
  }

  see(): void {
    this.seenMs = Math.max(this.seenMs, this.nowMs);
  }

  close(): void {
    this.open = undefined;
    this.interrupted = undefined;
  }
}

/** As `admit` does with what the gate knows; everything else is in order unless said. */
function judge(nonce: string, { epoch, mayReopen, isGood }: { epoch: number; mayReopen: boolean; isGood: boolean }) {
  return (facts: GateFacts): Admission => {
    if (!isGood) throw new RejectedError('tree-differs', 'it is not what it was');
    if (facts.epoch !== epoch) throw new RejectedError('order-of-another-epoch', 'of another epoch');
    if (facts.isUsed(nonce)) throw new RejectedError('order-replayed', 'it was here before');
    if (facts.isClockBehind) throw new RejectedError('clock-behind', 'the clock went back');
    const order = orderOf({ nonce, leaseMs: LEASE_MS, notBeforeMs: 0, expiresMs: NOW_MS + 10_000 * MINUTE_MS });
    const rule = policyOf({ reopen: mayReopen, maxLeaseMs: WINDOW_MS, freshnessGraceMs: GRACE_MS }).rules[0];
    if (!rule) throw new Error('the policy has a rule');
    return { order, rule, approvals: [], checkpoint: new TestLog().checkpoint() };
  };
}

class Both {
  readonly world = new GateWorld();
  readonly definition = new Definition();
  #nonces = 0;
  #last = { nonce: '', epoch: 0, mayReopen: false };

  get keeper(): GateKeeper {
    return this.world.keeper;
  }

  do(act: Act): void {
    if (act.do === 'enable') this.#enable(act);
    else if (act.do === 'renew') this.#renew(act.isGood);
    else if (act.do === 'reopen') this.#reopen(act.isGood);
    else if (act.do === 'pass') this.#pass(act);
    else if (act.do === 'restart') this.#restart();
    else this.#lose(act.do);
  }

  #lose(how: 'kill' | 'drift'): void {
    const { definition, keeper, world } = this;
    definition.see();
    definition.close();
    if (how === 'drift') keeper.note(APP, { type: 'ground-lost', reason: 'drift', nowMs: world.nowMs });
    else {
      definition.epoch += 1;
      keeper.kill(APP, { reason: 'a kill' });
    }
  }

  #enable({ mayReopen, isReplay }: Extract<Act, { do: 'enable' }>): void {
    const { definition } = this;
    if (!isReplay || this.#last.nonce === '') {
      this.#nonces += 1;
      this.#last = { nonce: this.#nonces.toString(16).padStart(32, '0'), epoch: definition.epoch, mayReopen };
    }
    const { nonce, epoch } = this.#last;
    const freshUntilMs = definition.nowMs + FRESH_MS;
    const isFit = epoch === definition.epoch && !definition.spent.has(nonce) && !definition.isBehind;
    const decide = judge(nonce, { ...this.#last, isGood: true });
    const wasAdmitted = tried(() => this.keeper.enable(APP, { decide, envelope: Buffer.from(nonce), freshUntilMs }));
    expect(wasAdmitted).to.equal(isFit);
    definition.see();
    if (!isFit) return;
    definition.spent.add(nonce);
    const nowMs = definition.nowMs;
    definition.close();
    definition.open = { nonce, openedAtMs: nowMs, renewedAtMs: nowMs, freshUntilMs, mayReopen: this.#last.mayReopen };
  }

  #renew(isGood: boolean): void {
    const { definition } = this;
    const freshUntilMs = definition.nowMs + FRESH_MS;
    this.keeper.renew(APP, { decide: judge(definition.open?.nonce ?? '', { ...this.#last, isGood }), freshUntilMs });
    if (!definition.open) return;
    const isBehind = definition.isBehind;
    definition.see();
    definition.open = { ...definition.open, renewedAtMs: definition.nowMs, freshUntilMs };
    if (!isGood || isBehind || !definition.isOpen) definition.close();
  }

  #reopen(isGood: boolean): void {
    const { definition } = this;
    const { interrupted } = definition;
    const freshUntilMs = definition.nowMs + FRESH_MS;
    const decide = judge(interrupted?.nonce ?? '', { ...this.#last, isGood });
    const isFit = isGood && interrupted !== undefined && !definition.isBehind;
    tried(() => this.keeper.reopen(APP, { decide, freshUntilMs }));
    if (!interrupted) return;
    definition.see();
    if (!isFit) return; // what closes it for good is for whoever asked
    definition.close();
    definition.open = { ...interrupted, renewedAtMs: definition.nowMs, freshUntilMs, mayReopen: true };
    if (!definition.isOpen) definition.close();
  }

  #restart(): void {
    const { definition, world } = this;
    // With a clock that is right by then: of what was seen last, the journal knows the minute.
    definition.nowMs = Math.max(definition.nowMs, definition.seenMs);
    world.nowMs = definition.nowMs;
    world.restart();
    definition.tickedMs = undefined;
    definition.see();
    const { open } = definition;
    if (!open) return;
    definition.close();
    if (open.mayReopen) definition.interrupted = { nonce: open.nonce, openedAtMs: open.openedAtMs };
  }

  #pass({ clockMs, steadyMs }: Extract<Act, { do: 'pass' }>): void {
    const { definition, world } = this;
    definition.nowMs += clockMs;
    world.nowMs += clockMs;
    world.steadyMs += steadyMs;
    if (definition.tickedMs !== undefined)
      definition.seenMs = Math.max(definition.seenMs, definition.tickedMs + steadyMs);
    const open = this.keeper.tick();
    const isOpen = definition.isOpen;
    definition.see();
    if (definition.open && !isOpen) definition.close();
    definition.tickedMs = isOpen ? definition.seenMs : undefined;
    expect(open).to.deep.equal(isOpen ? [APP] : []);
  }
}

function tried(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    return false;
  }
}

const passes = fc.oneof(
  { weight: 10, arbitrary: fc.integer({ min: 0, max: 400 }).map((seconds) => both(seconds * 1_000)) },
  { weight: 1, arbitrary: fc.constant({ do: 'pass' as const, clockMs: 0, steadyMs: 5_000 }) },
  { weight: 1, arbitrary: fc.constant({ do: 'pass' as const, clockMs: 500, steadyMs: 1_000 }) },
  { weight: 1, arbitrary: fc.constant({ do: 'pass' as const, clockMs: -700, steadyMs: 100 }) },
  { weight: 1, arbitrary: fc.constant({ do: 'pass' as const, clockMs: -60_000, steadyMs: 100 }) },
  { weight: 1, arbitrary: fc.constant({ do: 'pass' as const, clockMs: 30 * MINUTE_MS, steadyMs: 100 }) },
);
const acts: fc.Arbitrary<Act> = fc.oneof(
  { weight: 8, arbitrary: passes },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('enable' as const),
      mayReopen: fc.constantFrom(true, true, true, false),
      isReplay: fc.constantFrom(false, false, false, true),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('renew' as const, 'reopen' as const, 'reopen' as const),
      isGood: fc.constantFrom(true, true, true, false),
    }),
  },
  { weight: 5, arbitrary: fc.constant({ do: 'restart' as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('kill' as const, 'drift' as const) }) },
);

function both(ms: number): Act {
  return { do: 'pass', clockMs: ms, steadyMs: ms };
}

describe('the keeper of the gate, by its definition', function () {
  this.timeout(120_000);
  const met = { open: 0, reopened: 0, renewed: 0, behind: 0 };

  it('is open exactly when nothing that happened says otherwise, and knows every kill', () => {
    fc.assert(
      fc.property(fc.array(acts, { minLength: 1, maxLength: 20 }), (story) => {
        const pair = new Both();
        try {
          for (const act of story) {
            const wasOpen = pair.definition.isOpen;
            pair.do(act);
            const { isOpen, epoch, isBehind } = pair.definition;
            const view = pair.keeper.view(APP);
            pair.definition.see();
            expect(view.state === 'open').to.equal(isOpen);
            expect(view).to.have.property('epoch', epoch);
            if (isOpen) met.open += 1;
            if (isBehind) met.behind += 1;
            if (isOpen && wasOpen && act.do === 'renew') met.renewed += 1;
            if (isOpen && !wasOpen && act.do === 'reopen') met.reopened += 1;
          }
        } finally {
          pair.world.remove();
        }
      }),
      { numRuns: RUN_COUNT },
    );
  });

  it('has met gates that were open, renewed, opened again, and clocks that went back', () => {
    for (const [what, count] of Object.entries(met)) expect(count, what).to.be.at.least(2);
  });
});
