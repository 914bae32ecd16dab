/**
 * Runs the machine of each application's gate: reads the durable state, makes one step, makes that durable, and only then
 * acts (P8). It is the one place that opens a gate and the one that issues permits.
 *
 * 1. A step that cannot be made durable has not happened: the gate is closed until the journal can be written again.
 * 2. A kill is durable before anybody is told that it was received, and before what runs is stopped (P4). One that cannot be
 *    made durable stops what runs all the same, and says that it is not.
 * 3. While a gate is open, time passes at least as fast as the machine's own steady clock says: one that is held still or set
 *    back a little, again and again, keeps nothing open.
 * 4. Nothing is remembered here that is not in the journal, save what closes: the latest time seen, which is written down
 *    each minute, and a journal that failed. An agent that starts anew begins closed.
 */
import { sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import type { Admission, GateFacts } from '../../shared/orders/admit.ts';
import type { GateStore } from './gate-store.ts';
import { type AdmittedOrder, endOf, type GateEvent, type GateState, isBehind, step } from './machine.ts';
import { RunPermit } from './run-permit.ts';

export interface GateKeeperOptions {
  readonly store: GateStore;
  /** The host's clock, in milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Milliseconds that only ever grow, from wherever. */
  readonly steadyMs: () => number;
  /** Ends what runs by an application's gate; called whenever an open gate closes, after that is durable. */
  readonly onClosed: (app: string, reason: string) => void;
  /** How a gate is told may be other than before; called after it is, and after `onClosed`. */
  readonly onChanged?: (app: string) => void;
}

/** How a gate is told; `unknown` when the journal cannot say. */
export type GateView =
  | { readonly state: 'open'; readonly epoch: number; readonly untilMs: number; readonly order: AdmittedOrder }
  | { readonly state: 'closed'; readonly epoch: number; readonly reason: string }
  | { readonly state: 'unknown'; readonly reason: string };

/** An order, and who judges it. `decide` is `admit` with what the host knows beside its gate. */
export interface Enabling {
  readonly decide: (gate: GateFacts) => Admission;
  /** As it was signed. */
  readonly envelope: Uint8Array;
  readonly freshUntilMs: number;
  readonly receipt?: ((admission: Admission) => void) | undefined;
}

/** An order that is judged anew: while its gate is open, or after a restart. Its own nonce does not count as used. */
export type Reverifying = Pick<Enabling, 'decide' | 'freshUntilMs'>;

/** Times are written down no more often, as long as nothing else changes. */
const SEEN_EVERY_MS = 60_000;

type Known = GateState | { readonly state: 'unknown'; readonly reason: string };

export class GateKeeper {
  readonly #options: GateKeeperOptions;
  #seenMs = 0;
  /** The last look at open gates; undefined while none is open. */
  #lastTick: { readonly seenMs: number; readonly steadyMs: number } | undefined;
  /** Applications whose last step could not be made durable, with the reason: closed whatever the journal says. */
  readonly #stuck = new Map<string, string>();

  constructor(options: GateKeeperOptions) {
    this.#options = options;
  }

  view(app: string): GateView {
    const state = this.#read(app);
    if (state.state === 'unknown') return state;
    const { state: now } = step(state, { type: 'time-passed', nowMs: this.#now() });
    const { epoch } = now;
    if (now.state === 'closed') return { state: 'closed', epoch, reason: now.reason };
    return { state: 'open', epoch, untilMs: endOf(now).atMs, order: now.order };
  }

  /**
   * Opens the gate by an order that `decide` admits, given what is true of the gate; `receipt` writes what the host answers
   * into the same transaction. Errors: `RejectedError` with a code of `admit`, `gate-state-unknown` or
   * `gate-stayed-closed`; the journal's.
   */
  enable(app: string, { decide, envelope, freshUntilMs, receipt }: Enabling): GateView {
    const state = this.#known(app);
    const nowMs = this.#now();
    const admission = decide(this.#facts(app, { state, nowMs }));
    const order = orderOf(admission, envelope);
    const next = step(state, { type: 'order-admitted', order, epoch: state.epoch, freshUntilMs, nowMs });
    if (next.state.state !== 'open') {
      throw new RejectedError('gate-stayed-closed', `refused to open the gate: ${next.state.reason}`);
    }
    const { checkpoint } = admission;
    this.#options.store.save(app, next.state, { nonce: order.nonce, checkpoint, also: () => receipt?.(admission) });
    this.#stuck.delete(app);
    this.#act(app, next.effects);
    this.#options.onChanged?.(app);
    return this.view(app);
  }

  /**
   * Closes the gate for good and raises its epoch; what runs is stopped whether or not that can be written down. Returns
   * the epoch that holds from now on. Errors: the journal's, and then the kill is not durable and must be tried again.
   */
  kill(app: string, { reason, receipt }: { reason: string; receipt?: ((epoch: number) => void) | undefined }): number {
    try {
      // Not what failed before: this may be the same kill, tried again.
      const state = this.#options.store.read(app);
      if (state.state === 'unknown') throw unknownState(app, state.reason);
      const next = step(state, { type: 'killed', reason, nowMs: this.#now() });
      this.#options.store.save(app, next.state, { also: () => receipt?.(next.state.epoch) });
      this.#stuck.delete(app);
      return next.state.epoch;
    } catch (error) {
      this.#stuck.set(app, `a kill could not be made durable: ${reason}`); // 1
      throw error;
    } finally {
      // Also where the gate was closed: something may run that should not. // 2
      this.#options.onClosed(app, reason);
      this.#options.onChanged?.(app);
    }
  }

  /** Time has passed, the host was in touch, or something that an open gate leans on has changed. */
  note(app: string, event: Exclude<GateEvent, { type: 'order-admitted' | 'killed' }>): void {
    this.#seenMs = later(this.#seenMs, event.nowMs);
    const state = this.#read(app);
    if (state.state === 'unknown') {
      this.#options.onClosed(app, state.reason);
      return;
    }
    const next = step(state, event);
    if (!isNews(this.#options.store.read(app), next.state)) return;
    try {
      this.#options.store.save(app, next.state);
      this.#stuck.delete(app);
    } catch (error) {
      this.#stuck.set(app, 'what happened could not be made durable'); // 1
      this.#options.onClosed(app, 'what happened could not be made durable');
      throw error;
    } finally {
      this.#options.onChanged?.(app);
    }
    this.#act(app, next.effects);
  }

  /** Closes what time has closed; to be called each second or so. Returns the applications whose gates are open. Errors: the journal's. */
  tick(): string[] {
    const last = this.#lastTick;
    // Counted from what was seen then: who else has asked for the time meanwhile has counted none of it.
    if (last) this.#seenMs = later(this.#seenMs, last.seenMs + Math.max(0, this.#options.steadyMs() - last.steadyMs)); // 3
    const nowMs = this.#now();
    // Read after the clock, and before it above: a pause in between makes no time.
    const tick = { seenMs: this.#seenMs, steadyMs: this.#options.steadyMs() };
    for (const app of this.#options.store.applications()) {
      if (this.#read(app).state === 'open') this.note(app, { type: 'time-passed', nowMs });
    }
    const open = this.openGates();
    this.#lastTick = open.length > 0 ? tick : undefined;
    return open;
  }

  openGates(): string[] {
    return this.#options.store.applications().filter((app) => this.view(app).state === 'open');
  }

  /** Applications whose gates were open when the agent stopped, and may open again once all is verified anew. */
  interrupted(): string[] {
    return this.#options.store.applications().filter((app) => {
      const state = this.#read(app);
      return state.state === 'closed' && state.interrupted !== undefined;
    });
  }

  /**
   * Judges the order of an open gate anew, when the host was in touch: the lease is renewed, or the gate closes with the
   * reason. Does nothing to a gate that is closed. Errors: the journal's; what `decide` fails with and is no refusal.
   */
  renew(app: string, { decide, freshUntilMs }: Reverifying): void {
    const state = this.#read(app);
    if (state.state !== 'open') return;
    const nowMs = this.#now();
    try {
      decide(this.#factsAnew(app, { state, nowMs, nonce: state.order.nonce }));
    } catch (error) {
      if (!(error instanceof RejectedError)) throw error;
      this.note(app, { type: 'ground-lost', reason: `${error.code}: ${error.message}`, nowMs });
      return;
    }
    this.note(app, { type: 'refreshed', freshUntilMs, nowMs });
  }

  /** After a restart. Errors: as `enable`; the gate stays closed then. */
  reopen(app: string, { decide, freshUntilMs }: Reverifying): GateView {
    const state = this.#known(app);
    const interrupted = state.state === 'closed' ? state.interrupted : undefined;
    if (!interrupted) return this.view(app);
    const { nonce } = interrupted.order;
    const nowMs = this.#now();
    decide(this.#factsAnew(app, { state, nowMs, nonce }));
    this.note(app, { type: 'verified-anew', nonce, epoch: state.epoch, freshUntilMs, nowMs });
    return this.view(app);
  }

  /** To be called once when the agent starts, before anything else is asked of any gate. */
  restart(): void {
    for (const app of this.#options.store.applications()) {
      this.note(app, { type: 'restarted', nowMs: this.#now() });
    }
  }

  /** Errors: `RejectedError` with `gate-closed`, `gate-state-unknown` or `entrypoint-not-enabled`. */
  permitFor(app: string, entrypoint: string): RunPermit {
    const view = this.view(app);
    if (view.state === 'unknown') throw unknownState(app, view.reason);
    if (view.state === 'closed')
      throw new RejectedError('gate-closed', `the gate of "${app}" is closed: ${view.reason}`);
    const { order, epoch, untilMs } = view;
    if (!order.entrypoints.includes(entrypoint)) {
      throw new RejectedError('entrypoint-not-enabled', `the order for "${app}" does not name "${entrypoint}"`);
    }
    return RunPermit.issuedByGate({ app, entrypoint, epoch, untilMs, envelope: order.envelope });
  }

  #facts(app: string, { state, nowMs }: { state: GateState; nowMs: number }): GateFacts {
    const { store } = this.#options;
    return {
      epoch: state.epoch,
      isUsed: (nonce) => store.isSpent(app, nonce),
      nowMs,
      isClockBehind: isBehind(state, nowMs),
      seen: (origin) => store.checkpointOf(origin),
    };
  }

  /** The log has grown since, by other orders; that this one is in it was checked then, and is again. */
  #factsAnew(app: string, { state, nowMs, nonce }: { state: GateState; nowMs: number; nonce: string }): GateFacts {
    const facts = this.#facts(app, { state, nowMs });
    return { ...facts, isUsed: (other) => other !== nonce && facts.isUsed(other), seen: () => undefined };
  }

  #read(app: string): Known {
    const reason = this.#stuck.get(app);
    if (reason !== undefined) return { state: 'unknown', reason };
    const state = this.#options.store.read(app);
    // The steady clock knows parts of a millisecond; what is written down does not, and could not be read again.
    const seenMs = Math.floor(this.#seenMs);
    return state.state === 'unknown' ? state : { ...state, seenMs: Math.max(state.seenMs, seenMs) };
  }

  /** The host's clock, as it is; what it said before stays known. */
  #now(): number {
    const nowMs = this.#options.nowMs();
    this.#seenMs = later(this.#seenMs, nowMs);
    return nowMs;
  }

  #known(app: string): GateState {
    const state = this.#read(app);
    if (state.state === 'unknown') throw unknownState(app, state.reason);
    return state;
  }

  #act(app: string, effects: ReturnType<typeof step>['effects']): void {
    for (const { reason } of effects) this.#options.onClosed(app, reason);
  }
}

function orderOf({ order, rule }: Admission, envelope: Uint8Array): AdmittedOrder {
  const { nonce, entrypoints, notBeforeMs, expiresMs, leaseMs } = order;
  const bounds = { maxOpenMs: rule.maxLeaseMs, graceMs: rule.freshnessGraceMs, mayReopen: rule.reopen };
  return { nonce, envelope: sha256(envelope), entrypoints, notBeforeMs, expiresMs, leaseMs, ...bounds };
}

/** Whether a step has to be written down: all but the passing of a little time. */
function isNews(from: Known, to: GateState): boolean {
  if (from.state === 'unknown' || to.seenMs >= from.seenMs + SEEN_EVERY_MS) return true;
  return JSON.stringify({ ...from, seenMs: 0 }) !== JSON.stringify({ ...to, seenMs: 0 });
}

function later(seenMs: number, nowMs: number): number {
  return Number.isFinite(nowMs) ? Math.max(seenMs, nowMs) : seenMs;
}

function unknownState(app: string, reason: string): RejectedError {
  return new RejectedError('gate-state-unknown', `the gate of "${app}" is closed: ${reason}`);
}
