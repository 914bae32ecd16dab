/**
 * The machine of a run: pure, `step(state, event) -> state`, and `nextEffect(state)` says what is to be done now.
 *
 * 1. The next effect follows from the state alone, so after a crash it is found again; every effect is idempotent.
 * 2. Nothing is promoted unless every gate before G4 is PASS or an explicit gap (PARTIAL).
 * 3. Whatever fails after promotion and before G5 is undone: the one path is removed again.
 * 4. A run ends in `proven` or `failed`; from either, and from `held`, a rollback leads to `rolledBack`, and from there nothing.
 * 5. A check that waits for people holds the run: it rests, with that check still before it, until they have ruled.
 * 6. Execution is not this machine's business: no state of a run opens the execution gate (P3).
 */
import type { RunPhase } from '../../shared/ledger/entry.ts';
import type { PlannedCheck } from '../../shared/ledger/planned-checks.ts';
import { type Status, worst } from '../../shared/ledger/status.ts';

export type Effect =
  | { readonly do: 'observe'; readonly check: string; readonly gate: string }
  | { readonly do: 'receive' | 'stage' | 'promote' | 'remove' | 'tidy' }
  | { readonly do: 'enter'; readonly phase: RunPhase; readonly reason: string }
  | { readonly do: 'rest' };

/** One line of a run's program. */
export type Step = Exclude<Effect, { do: 'rest' }>;

export interface RunState {
  readonly phase: RunPhase;
  /** What is still to be done, first one first. */
  readonly remaining: readonly Step[];
  /** Status of each check observed so far, in the order of observation. */
  readonly statuses: readonly { readonly check: string; readonly gate: string; readonly status: Status }[];
  readonly isPromoted: boolean;
  readonly isReported: boolean;
}

export type RunEvent =
  | { readonly type: 'effect-done' }
  | { readonly type: 'check-observed'; readonly status: Status }
  | { readonly type: 'check-held' }
  | { readonly type: 'ruled' }
  | { readonly type: 'effect-refused'; readonly reason: string }
  | { readonly type: 'rollback-ordered' }
  | { readonly type: 'report-recorded' };

/** The state of a run that has just been admitted. */
export function admittedRun(checks: readonly PlannedCheck[]): RunState {
  return { phase: 'admitted', remaining: programOf(checks), statuses: [], isPromoted: false, isReported: false };
}

export function nextEffect(state: RunState): Effect {
  return state.remaining[0] ?? { do: 'rest' };
}

/** Throws on an event that the state cannot have: that is a bug of the caller, not of a peer. */
export function step(state: RunState, event: RunEvent): RunState {
  switch (event.type) {
    case 'effect-done':
      return afterEffect(state);
    case 'check-observed':
      return afterCheck(state, event.status);
    case 'check-held':
      return becomeHeld(state);
    case 'ruled':
      return becomeChecking(state);
    case 'effect-refused':
      return becomeFailing(state, { reason: event.reason, before: tidyingAfterRefusal(state) });
    case 'rollback-ordered':
      return becomeRollingBack(state);
    case 'report-recorded':
      return { ...state, isReported: true };
  }
}

/** A run that rests has nothing more to do by itself. */
export function isResting(state: RunState): boolean {
  return state.remaining.length === 0 || state.phase === 'held';
}

/** The check that a held run waits with. */
export function heldCheck(state: RunState): string | undefined {
  const [next] = state.remaining;
  return state.phase === 'held' && next?.do === 'observe' ? next.check : undefined;
}

/** Which of a gate's checks are recorded as blocked when the effect they look at was refused. */
export function checkBehind(effect: Effect): string | undefined {
  if (effect.do === 'receive' || effect.do === 'stage') return 'g4.received';
  if (effect.do === 'promote') return 'g4.installed-tree';
  return effect.do === 'remove' ? REMOVAL_CHECK : undefined;
}

export const REMOVAL_CHECK = 'rollback.removal';
export const ROLLBACK_GATE = 'ROLLBACK';

function programOf(checks: readonly PlannedCheck[]): Step[] {
  const observe = (of: (gate: string) => boolean): Step[] =>
    checks
      .filter((check) => check.seenBy !== 'report' && of(check.gate))
      .map((check) => ({ do: 'observe', check: check.id, gate: check.gate }));
  const isDeclared = (gate: string) => !/^G[0-478]$/.test(gate);
  return [
    ...observe((gate) => /^G[012]$/.test(gate)),
    { do: 'enter', phase: 'preflight', reason: 'the release is verified' },
    ...observe((gate) => gate === 'G3'),
    { do: 'enter', phase: 'fetching', reason: 'preflight is done' },
    { do: 'receive' },
    { do: 'stage' },
    { do: 'enter', phase: 'staged', reason: 'every byte equals its signed digest' },
    { do: 'promote' },
    { do: 'enter', phase: 'promoted', reason: 'the one new path stands' },
    ...observe((gate) => gate === 'G4'),
    { do: 'enter', phase: 'checking', reason: 'the installation is proven' },
    ...observe(isDeclared),
    { do: 'enter', phase: 'rehearsing', reason: 'the checks of the plan are done' },
    ...observe((gate) => gate === 'G7'),
    { do: 'tidy' },
    { do: 'enter', phase: 'proven', reason: 'every gate is settled' },
  ];
}

function afterEffect(state: RunState): RunState {
  const [done, ...remaining] = state.remaining;
  if (!done || done.do === 'observe') throw new Error(`invalid event effect-done in ${state.phase} at ${done?.do}`);
  switch (done.do) {
    case 'enter':
      return { ...state, remaining, phase: done.phase };
    case 'promote':
      return { ...state, remaining, isPromoted: true };
    case 'remove':
      return { ...state, remaining, isPromoted: false };
    default:
      return { ...state, remaining };
  }
}

function afterCheck(state: RunState, status: Status): RunState {
  const [done, ...remaining] = state.remaining;
  if (done?.do !== 'observe') throw new Error(`invalid event check-observed in ${state.phase} at ${done?.do}`);
  const observed = {
    ...state,
    remaining,
    statuses: [...state.statuses, { check: done.check, gate: done.gate, status }],
  };
  const isGateDone = !remaining.some((next) => next.do === 'observe' && next.gate === done.gate);
  return isGateDone ? afterGate(observed, done.gate) : observed;
}

/** The check stays the next thing to do. */
function becomeHeld(state: RunState): RunState {
  if (state.remaining[0]?.do !== 'observe' || state.phase !== 'checking') {
    throw new Error(`invalid event check-held in ${state.phase}`);
  }
  return { ...state, phase: 'held' };
}

function becomeChecking(state: RunState): RunState {
  if (state.phase !== 'held') throw new Error(`invalid event ruled in ${state.phase}`);
  return { ...state, phase: 'checking' };
}

/** All checks of a gate are observed even when one fails; the gates behind a failed one are not begun. */
function afterGate(state: RunState, gate: string): RunState {
  if (gate === ROLLBACK_GATE) return state;
  const status = worst(state.statuses.filter((row) => row.gate === gate).map((row) => row.status));
  if (status === 'PASS' || status === 'PARTIAL') return state;
  return becomeFailing(state, { reason: `gate ${gate} is ${status}`, before: [tidying] });
}

/** `before` is what has still to be done before the run counts as failed. */
function becomeFailing(state: RunState, { reason, before }: { reason: string; before: readonly Step[] }): RunState {
  const ending: Step[] = [...before, { do: 'enter', phase: 'failed', reason }];
  if (isRollingBack(state)) return { ...state, remaining: ending };
  const mustUndo = state.isPromoted && state.phase === 'promoted';
  return { ...state, remaining: mustUndo ? [...removal, ...ending] : ending };
}

function becomeRollingBack(state: RunState): RunState {
  if (!isResting(state) || !MAY_BE_ROLLED_BACK.has(state.phase)) {
    throw new Error(`invalid event rollback-ordered in ${state.phase}`);
  }
  const reason = 'a rollback was ordered';
  return { ...state, remaining: [...removal, tidying, { do: 'enter', phase: 'rolledBack', reason }] };
}

const MAY_BE_ROLLED_BACK: ReadonlySet<RunPhase> = new Set(['proven', 'failed', 'held']);

function isRollingBack(state: RunState): boolean {
  return state.remaining.some((next) => next.do === 'enter' && next.phase === 'rolledBack');
}

const tidying: Step = { do: 'tidy' };

/** Tidying is not begun again when it was refused itself: the run must come to an end. */
function tidyingAfterRefusal({ remaining: [refused] }: RunState): readonly Step[] {
  return refused?.do === 'tidy' ? [] : [tidying];
}

/** The removal is observed before it is done for good: the tree stands aside until the proof is recorded. */
const removal: readonly Step[] = [{ do: 'observe', check: REMOVAL_CHECK, gate: ROLLBACK_GATE }, { do: 'remove' }];
