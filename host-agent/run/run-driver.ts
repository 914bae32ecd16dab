/**
 * Drives a run to its end: asks the machine for the next effect, does it, makes the outcome durable, again.
 *
 * 1. An effect is done before its outcome is durable; so after a crash it may be done again, and it is idempotent. What
 *    need not be waited for becomes durable together, in one transaction; before something is moved, all of it is.
 * 2. An outcome is durable before anything is reported about it.
 * 3. The status in the machine is computed by the same judge that everybody else will use (P6).
 * 4. What a stop cuts short is no evidence: it is done again at the next start. Nothing holds a stop up for long.
 * 5. What is merely in the way is tried again. Only what has changed nothing outside staging yet is ever given up; a step
 *    that moves the installation waits for its disk, because giving up would leave half of it unsaid.
 */
import { assertNever, messageOf, RejectedError } from '../../shared/errors.ts';
import type { AnyCheckKind } from '../../shared/ledger/check-kind.ts';
import { statusOfEvidence } from '../../shared/ledger/derive.ts';
import type { LedgerEntryBody } from '../../shared/ledger/entry.ts';
import type { Evidence } from '../../shared/ledger/evidence.ts';
import type { PlannedCheck } from '../../shared/ledger/planned-checks.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { bearsCompany } from '../checks/bears-company.ts';
import { cutEnd } from '../checks/cut-text.ts';
import { type HeldOutcome, isHeld } from '../checks/observe.ts';
import type { Observed } from '../checks/run-check.ts';
import { builtEvidence } from './built-evidence.ts';
import { atBytePace } from './byte-pace.ts';
import { checksOf, findCheck, type RunChecks, restOfGate } from './checks-of-run.ts';
import { checkBehind, type Effect, isResting, nextEffect, type RunEvent, type RunState, step } from './machine.ts';
import { Observations } from './observations.ts';
import type { OpenedRun } from './open-run.ts';
import { Patience } from './patience.ts';
import type { RunStore } from './run-store.ts';

/** The steps that change the disk; each may be repeated after a crash. */
export interface InstallSteps {
  receive(run: OpenedRun, watch: ReceiveWatch): Promise<void>;
  stage(run: OpenedRun, watch: ReceiveWatch): Promise<void>;
  promote(run: OpenedRun): Promise<void>;
  remove(run: OpenedRun): Promise<void>;
  tidy(run: OpenedRun): Promise<void>;
}

export interface ReceiveWatch {
  /** Aborted when the agent stops or has waited long enough. */
  readonly signal: AbortSignal;
  onBytes(doneBytes: number, totalBytes: number): void;
}

/** How far a run is; told, never kept. */
export interface RunDoing {
  readonly phase: string;
  /** Such as `observe g3.tools` or `receive`. */
  readonly doing: string;
  readonly doneBytes?: number;
  readonly totalBytes?: number;
}

export interface RunDriverOptions {
  readonly store: RunStore;
  readonly kinds: ReadonlyMap<string, AnyCheckKind>;
  readonly open: (run: string) => OpenedRun;
  readonly install: InstallSteps;
  /** Observes one check of this host; the signal ends it. */
  readonly observe: (run: OpenedRun, check: PlannedCheck, signal: AbortSignal) => Promise<Observed>;
  /** How many checks this host observes at a time, unless the plan says fewer. */
  readonly atOnce: number;
  /** Waits until a transient failure may be tried again; rejects when the agent stops. */
  readonly waitToRetry: (attempt: number) => Promise<void>;
  /** Hears why an effect has to be tried again. */
  readonly onTrouble?: (run: string, trouble: { readonly doing: string; readonly error: Error }) => void;
  readonly now: () => Date;
  /** Measures waits. */
  readonly clock: Clock;
  /** Aborted when the agent stops. */
  readonly signal: AbortSignal;
  readonly onProgress: (run: string, progress: RunDoing) => void;
  /** Called at every effect boundary, so that a test can end the process there. */
  readonly testOnlyAtBoundary?: (boundary: string) => void;
}

/** A host that is cut off for longer is deployed to again; its run then ends with the reason instead of for ever fetching. */
export const GIVE_UP_AFTER_MS = 60 * 60 * 1000;

/** These have changed nothing outside staging, which is tidied away. */
const MAY_BE_GIVEN_UP: ReadonlySet<keyof InstallSteps> = new Set(['receive', 'stage']);

export class RunDriver {
  readonly #options: RunDriverOptions;

  constructor(options: RunDriverOptions) {
    this.#options = options;
  }

  /** Resolves when the run rests. Rejects only when the agent stops or its journal fails. */
  async drive(run: string): Promise<void> {
    const opened = this.#options.open(run);
    await using observations = this.#observationsOf(opened);
    const driven = { opened, observations, checks: checksOf(opened) };
    let state = this.#options.store.state(run);
    while (!isResting(state)) state = await this.#advance(driven, state);
  }

  /** Does what is next, and whatever behind it need not be waited for. Gives the state that is durable then. */
  async #advance(driven: Driven, from: RunState): Promise<RunState> {
    const { run } = driven.opened;
    const done: string[] = [];
    const bodies: LedgerEntryBody[] = [];
    let state = from;
    do {
      const effect = nextEffect(state);
      if (effect.do === 'rest') break;
      this.#options.onProgress(run, { phase: state.phase, doing: nameOf(effect) });
      this.#at(`before ${nameOf(effect)}`);
      const outcome = await this.#perform(effect, { driven, state });
      this.#options.signal.throwIfAborted(); // 4
      this.#at(`after ${nameOf(effect)}`);
      state = step(state, outcome.event);
      bodies.push(...outcome.bodies);
      done.push(nameOf(effect));
    } while (!isResting(state) && isAtHand(nextEffect(state), driven));
    this.#options.store.commit(run, { state, bodies });
    for (const name of done) this.#at(`recorded ${name}`);
    return state;
  }

  async #perform(
    effect: Exclude<Effect, { do: 'rest' }>,
    { driven, state }: { driven: Driven; state: RunState },
  ): Promise<Outcome> {
    switch (effect.do) {
      case 'observe':
        return this.#observe(driven, state);
      case 'enter':
        return {
          event: { type: 'effect-done' },
          bodies: [{ type: 'phase-entered', from: state.phase, to: effect.phase, reason: effect.reason }],
        };
      case 'receive':
      case 'stage':
      case 'promote':
      case 'remove':
      case 'tidy':
        return this.#change(effect.do, driven.opened);
      default:
        return assertNever(effect);
    }
  }

  async #observe({ opened, checks, observations }: Driven, state: RunState): Promise<Outcome> {
    const left = restOfGate(state).map((id) => findCheck(checks, id));
    const [check] = left;
    if (!check) throw new Error(`run "${opened.run}" has no check to observe`);
    const evidence =
      check.seenBy === 'build'
        ? builtEvidence(check, { opened, now: this.#options.now() })
        : await observations.take(left);
    if (isHeld(evidence)) return heldAt(evidence, state);
    const status = statusOfEvidence(check, { evidence, buildRecord: opened.buildRecord, kinds: this.#options.kinds });
    return { event: { type: 'check-observed', status }, bodies: [{ type: 'check-recorded', evidence }] };
  }

  #observationsOf(opened: OpenedRun): Observations {
    const { observe, atOnce, kinds, clock, signal } = this.#options;
    return new Observations({
      observe: (check, ending) => observe(opened, check, ending),
      bearsCompany: (check) => bearsCompany(check, kinds),
      atOnce: Math.min(atOnce, opened.release.plan.parallel ?? atOnce),
      clock,
      signal,
    });
  }

  /** A refusal ends the run, with its reason in the ledger; what is merely in the way is tried again. // 5 */
  async #change(name: keyof InstallSteps, opened: OpenedRun): Promise<Outcome> {
    const { clock, signal: stopping, waitToRetry, onTrouble } = this.#options;
    using patience = new Patience({ clock, stopping, limitMs: GIVE_UP_AFTER_MS });
    for (;;) {
      try {
        await this.#install(name, { opened, patience });
        return { event: { type: 'effect-done' }, bodies: [] };
      } catch (error) {
        if (error instanceof RejectedError) return this.#refused(name, { opened, error });
        if (!mayRetry(error)) throw error;
        onTrouble?.(opened.run, { doing: name, error });
        const attempt = patience.failed();
        if (attempt === 'lost' && MAY_BE_GIVEN_UP.has(name)) {
          return this.#refused(name, { opened, error: givenUp(name, error) });
        }
        await waitToRetry(attempt === 'lost' ? Number.MAX_SAFE_INTEGER : attempt);
      }
    }
  }

  async #install(
    name: keyof InstallSteps,
    { opened, patience }: { opened: OpenedRun; patience: Patience },
  ): Promise<void> {
    const { install, onProgress, clock, signal } = this.#options;
    // What it fetches is what a crash has lost: nobody is told, and `receive` had its patience.
    if (name === 'stage') return install.stage(opened, { signal, onBytes: () => undefined });
    if (name !== 'receive') return install[name](opened);
    patience.watch();
    const tell = atBytePace(clock, (doneBytes, totalBytes) =>
      onProgress(opened.run, { phase: 'fetching', doing: 'receive', doneBytes, totalBytes }),
    );
    await install.receive(opened, {
      signal: patience.signal,
      onBytes: (doneBytes, totalBytes) => {
        patience.arrived(doneBytes);
        tell(doneBytes, totalBytes);
      },
    });
  }

  #refused(name: keyof InstallSteps, { opened, error }: { opened: OpenedRun; error: RejectedError }): Outcome {
    const reason = cutEnd(`${error.code}: ${messageOf(error)}`, REASON_CHARACTERS);
    const check = checkBehind({ do: name });
    const event: RunEvent = { type: 'effect-refused', reason };
    if (check === undefined) return { event, bodies: [] };
    const { gate, kind } = findCheck(checksOf(opened), check);
    const needs = error.hint === undefined ? [] : [cutEnd(error.hint, REASON_CHARACTERS)];
    const result = { did: 'block', reason, needs } satisfies Evidence['result'];
    const startedAt = this.#options.now().toISOString();
    return {
      event,
      bodies: [{ type: 'check-recorded', evidence: { check, gate, kind, startedAt, durationMs: 0, result } }],
    };
  }

  #at(boundary: string): void {
    this.#options.testOnlyAtBoundary?.(boundary);
  }
}

/** As the schemas of evidence and phases have it. */
const REASON_CHARACTERS = 4096;

/** One run while it is driven. */
interface Driven {
  readonly opened: OpenedRun;
  readonly checks: RunChecks;
  readonly observations: Observations;
}

interface Outcome {
  readonly event: RunEvent;
  readonly bodies: readonly LedgerEntryBody[];
}

/** The ledger says where the run waits and what it has to show there. */
function heldAt({ held: { stopGate, summary } }: HeldOutcome, { phase }: RunState): Outcome {
  const reason = cutEnd(`${stopGate}: ${summary}`, REASON_CHARACTERS);
  return { event: { type: 'check-held' }, bodies: [{ type: 'phase-entered', from: phase, to: 'held', reason }] };
}

function nameOf(effect: Exclude<Effect, { do: 'rest' }>): string {
  if (effect.do === 'observe') return `observe ${effect.check}`;
  return effect.do === 'enter' ? `enter ${effect.phase}` : effect.do;
}

/** What is there already: nothing that moves something, and no check that would have to be waited for. // 1 */
function isAtHand(effect: Effect, { checks, observations }: Driven): boolean {
  if (effect.do === 'enter') return true;
  if (effect.do !== 'observe') return false;
  const check = findCheck(checks, effect.check);
  return check.seenBy === 'build' || observations.isOver(check);
}

function mayRetry(error: unknown): error is Error {
  return (
    error instanceof Error &&
    'shouldRetry' in error &&
    typeof error.shouldRetry === 'function' &&
    error.shouldRetry() === true
  );
}

function givenUp(name: string, cause: Error): RejectedError {
  return new RejectedError(
    'effect-given-up',
    `failed to ${name}: it did not succeed for ${GIVE_UP_AFTER_MS / 60_000} minutes, last because ${messageOf(cause)}`,
    { cause, hint: 'deploy the release again once what was in the way is gone' },
  );
}
