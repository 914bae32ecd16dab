/**
 * The machine of one application's execution gate: pure, `step(state, event) -> { state, effects }`.
 *
 * 1. The gate is closed unless an order was admitted in the present epoch, and every bound of it still holds (P3).
 * 2. A kill raises the epoch; nothing lowers it, and what was admitted before it never counts again (P4).
 * 3. Time does not go back: a clock that says so closes the gate.
 * 4. An order opens once. After a restart it may open again where the policy says so and all of it was verified anew;
 *    what closed for any other reason stays closed.
 * 5. When an open gate closes, whatever runs by it is to be stopped; the runner learns that from the effects.
 */

/** What the gate keeps of an order that was admitted. */
export interface AdmittedOrder {
  readonly nonce: string;
  /** Digest of the envelope. */
  readonly envelope: string;
  readonly entrypoints: readonly string[];
  readonly notBeforeMs: number;
  readonly expiresMs: number;
  /** How long the gate stays open after the host was last in touch. */
  readonly leaseMs: number;
  /** How long it stays open in all. */
  readonly maxOpenMs: number;
  /** How long the host may be out of touch after its freshness ran out. */
  readonly graceMs: number;
  readonly mayReopen: boolean;
}

interface Common {
  /** Every kill raises it. */
  readonly epoch: number;
  /** The latest time that this gate has seen. */
  readonly seenMs: number;
}

export interface ClosedState extends Common {
  readonly state: 'closed';
  readonly reason: string;
  /** What was open when the agent stopped, and may open again. */
  readonly interrupted: { readonly order: AdmittedOrder; readonly openedAtMs: number } | undefined;
}

export interface OpenState extends Common {
  readonly state: 'open';
  readonly order: AdmittedOrder;
  readonly openedAtMs: number;
  /** When the host was last in touch. */
  readonly renewedAtMs: number;
  readonly freshUntilMs: number;
}

export type GateState = ClosedState | OpenState;

export type GateEvent =
  /** After `admit` said yes, and the installed tree was hashed again. */
  | {
      readonly type: 'order-admitted';
      readonly order: AdmittedOrder;
      readonly epoch: number;
      readonly freshUntilMs: number;
      readonly nowMs: number;
    }
  /** Newer trust metadata was adopted. */
  | { readonly type: 'refreshed'; readonly freshUntilMs: number; readonly nowMs: number }
  | { readonly type: 'time-passed'; readonly nowMs: number }
  | { readonly type: 'killed'; readonly reason: string; readonly nowMs: number }
  /** The tree, a neighbour, the policy or anything else that the order leans on is not what it was. */
  | { readonly type: 'ground-lost'; readonly reason: string; readonly nowMs: number }
  | { readonly type: 'restarted'; readonly nowMs: number }
  /** The interrupted order was admitted anew, but for its nonce. */
  | {
      readonly type: 'verified-anew';
      readonly nonce: string;
      readonly epoch: number;
      readonly freshUntilMs: number;
      readonly nowMs: number;
    };

export type GateEffect = { readonly do: 'stop-processes'; readonly reason: string };

export interface GateStep {
  readonly state: GateState;
  readonly effects: readonly GateEffect[];
}

/** A clock that is disciplined by NTP may be set back by less. */
export const CLOCK_SLACK_MS = 1_000;

/** The gate of an application that the host has never heard of. */
export const FIRST_STATE: ClosedState = {
  state: 'closed',
  reason: 'no enable order was ever admitted',
  epoch: 0,
  seenMs: 0,
  interrupted: undefined,
};

export function step(from: GateState, event: GateEvent): GateStep {
  const isTime = Number.isFinite(event.nowMs);
  const state: GateState = { ...from, seenMs: isTime ? Math.max(from.seenMs, event.nowMs) : from.seenMs };
  if (event.type === 'killed') return killed(state, event.reason); // whatever the clock says
  if (isBehind(from, event.nowMs)) return close(state, 'the clock went back'); // 3
  switch (event.type) {
    case 'order-admitted':
      return event.epoch === state.epoch ? open(state, { ...event, openedAtMs: event.nowMs }) : stay(state); // 2
    case 'refreshed':
      return lapse(renewed(state, event), event.nowMs);
    case 'time-passed':
      return lapse(state, event.nowMs);
    case 'ground-lost':
      return close(state, event.reason);
    case 'restarted':
      return restarted(state);
    case 'verified-anew':
      return reopened(state, event);
  }
}

/** Whether a live process may run now. Whatever is not understood is no. */
export function isOpenAt(state: GateState, nowMs: number): boolean {
  return (
    state.state === 'open' && !isBehind(state, nowMs) && nowMs >= state.order.notBeforeMs && nowMs < endOf(state).atMs
  );
}

/** Why the order's bounds keep the gate shut at that time; undefined when they do not. */
function whyShutAt(state: OpenState, nowMs: number): string | undefined {
  if (nowMs < state.order.notBeforeMs) return 'the window of the order has not begun';
  const { atMs, reason } = endOf(state);
  return nowMs < atMs ? undefined : reason;
}

/** When an open gate closes by itself if nothing else happens, and why. */
export function endOf({ order, openedAtMs, renewedAtMs, freshUntilMs }: OpenState): { atMs: number; reason: string } {
  const ends = [
    { atMs: order.expiresMs, reason: 'the window of the order has ended' },
    { atMs: openedAtMs + order.maxOpenMs, reason: 'it was open for as long as the policy allows' },
    { atMs: renewedAtMs + order.leaseMs, reason: 'the lease has lapsed' },
    { atMs: freshUntilMs + order.graceMs, reason: 'the host is out of touch' },
  ];
  return ends.reduce((first, end) => (end.atMs < first.atMs ? end : first));
}

function open(
  state: GateState,
  {
    order,
    freshUntilMs,
    nowMs,
    openedAtMs,
  }: { order: AdmittedOrder; freshUntilMs: number; nowMs: number; openedAtMs: number },
): GateStep {
  const { epoch, seenMs } = state;
  const next: OpenState = { state: 'open', epoch, seenMs, order, openedAtMs, renewedAtMs: nowMs, freshUntilMs };
  const shut = whyShutAt(next, nowMs);
  if (shut !== undefined) return close(state, shut);
  // What ran by another order has no permit by this one.
  return { state: next, effects: state.state === 'open' ? [stopping('another order was admitted')] : [] };
}

function renewed(state: GateState, { freshUntilMs, nowMs }: { freshUntilMs: number; nowMs: number }): GateState {
  if (state.state === 'closed' || freshUntilMs < state.freshUntilMs) return state;
  return { ...state, freshUntilMs, renewedAtMs: nowMs };
}

function lapse(state: GateState, nowMs: number): GateStep {
  const shut = state.state === 'open' ? whyShutAt(state, nowMs) : undefined;
  return shut === undefined ? stay(state) : close(state, shut);
}

function killed(state: GateState, reason: string): GateStep {
  const { state: closed, effects } = close(state, reason);
  return { state: { ...closed, epoch: state.epoch + 1 }, effects };
}

function restarted(state: GateState): GateStep {
  if (state.state === 'closed') return stay(state);
  const { order, openedAtMs } = state;
  const { state: closed, effects } = close(state, 'the agent was started anew');
  return { state: order.mayReopen ? { ...closed, interrupted: { order, openedAtMs } } : closed, effects };
}

function reopened(state: GateState, event: Extract<GateEvent, { type: 'verified-anew' }>): GateStep {
  const interrupted = state.state === 'closed' ? state.interrupted : undefined;
  if (!interrupted || interrupted.order.nonce !== event.nonce || event.epoch !== state.epoch) return stay(state);
  return open(state, { ...interrupted, freshUntilMs: event.freshUntilMs, nowMs: event.nowMs });
}

function close(state: GateState, reason: string): { state: ClosedState; effects: readonly GateEffect[] } {
  const { epoch, seenMs } = state;
  const closed: ClosedState = { state: 'closed', reason, epoch, seenMs, interrupted: undefined };
  return { state: closed, effects: state.state === 'open' ? [stopping(reason)] : [] };
}

function stay(state: GateState): GateStep {
  return { state, effects: [] };
}

function stopping(reason: string): GateEffect {
  return { do: 'stop-processes', reason };
}

/** Whether a clock that says this was set back since the gate last looked. */
export function isBehind({ seenMs }: Pick<Common, 'seenMs'>, nowMs: number): boolean {
  return !(nowMs >= seenMs - CLOCK_SLACK_MS); // true for what is no number, too
}
