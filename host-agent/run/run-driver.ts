/**
 * Drives a run to its end: asks the machine for the next effect, does it, makes the outcome durable, again.
 *
 * 1. An effect is done before its outcome is durable; so after a crash it may be done again, and it is idempotent.
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
import { type PlannedCheck, plannedChecks, removalCheck } from '../../shared/ledger/planned-checks.ts';
import { type Clock, waitFor } from '../../shared/time/clock.ts';
import { cutEnd } from '../checks/cut-text.ts';
import { checkBehind, type Effect, nextEffect, type RunEvent, type RunState, step } from './machine.ts';
import type { OpenedRun } from './open-run.ts';
import { Patience } from './patience.ts';
import type { RunStore } from './run-store.ts';

/** The steps that change the disk; each may be repeated after a crash. */
export interface InstallSteps {
  receive(run: OpenedRun, watch: ReceiveWatch): Promise<void>;
  stage(run: OpenedRun): Promise<void>;
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
  /** Observes one check of this host. */
  readonly observe: (run: OpenedRun, check: PlannedCheck) => Promise<Evidence>;
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
/** What a check gets to end by itself when the agent stops: to kill its process, to put a rehearsed tree back. */
export const STOP_GRACE_MS = 3_000;

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
    for (;;) {
      const state = this.#options.store.state(run);
      const effect = nextEffect(state);
      if (effect.do === 'rest') return;
      this.#options.onProgress(run, { phase: state.phase, doing: nameOf(effect) });
      this.#at(`before ${nameOf(effect)}`);
      const outcome = await this.#perform(effect, { opened, state });
      this.#options.signal.throwIfAborted(); // 4
      this.#at(`after ${nameOf(effect)}`);
      this.#options.store.commit(run, { state: step(state, outcome.event), bodies: outcome.bodies });
      this.#at(`recorded ${nameOf(effect)}`);
    }
  }

  async #perform(
    effect: Exclude<Effect, { do: 'rest' }>,
    { opened, state }: { opened: OpenedRun; state: RunState },
  ): Promise<Outcome> {
    switch (effect.do) {
      case 'observe':
        return this.#observe(opened, effect.check);
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
        return this.#change(effect.do, opened);
      default:
        return assertNever(effect);
    }
  }

  async #observe(opened: OpenedRun, id: string): Promise<Outcome> {
    const check = findCheck(opened, id);
    const evidence =
      check.seenBy === 'build'
        ? builtEvidence(check, { opened, now: this.#options.now() })
        : await this.#untilStopped(this.#options.observe(opened, check));
    const status = statusOfEvidence(check, { evidence, buildRecord: opened.buildRecord, kinds: this.#options.kinds });
    return { event: { type: 'check-observed', status }, bodies: [{ type: 'check-recorded', evidence }] };
  }

  /** Rejects when the agent stops, a grace later than the stop at the most. What is left behind then is as after a crash. */
  async #untilStopped<T>(observation: Promise<T>): Promise<T> {
    const { clock, signal } = this.#options;
    const observed = new AbortController();
    const given = waitForAbort(signal, observed.signal).then(async () => {
      await waitFor(clock, STOP_GRACE_MS, observed.signal);
      throw signal.reason;
    });
    try {
      return await Promise.race([observation, given]);
    } finally {
      observed.abort();
      given.catch(() => undefined); // whoever lost the race is not heard
    }
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
    const { install, onProgress } = this.#options;
    if (name !== 'receive') return install[name](opened);
    patience.watch();
    await install.receive(opened, {
      signal: patience.signal,
      onBytes: (doneBytes, totalBytes) => {
        patience.arrived(doneBytes);
        onProgress(opened.run, { phase: 'fetching', doing: 'receive', doneBytes, totalBytes });
      },
    });
  }

  #refused(name: keyof InstallSteps, { opened, error }: { opened: OpenedRun; error: RejectedError }): Outcome {
    const reason = cutEnd(`${error.code}: ${messageOf(error)}`, REASON_CHARACTERS);
    const check = checkBehind({ do: name });
    const event: RunEvent = { type: 'effect-refused', reason };
    if (check === undefined) return { event, bodies: [] };
    const { gate, kind } = findCheck(opened, check);
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

interface Outcome {
  readonly event: RunEvent;
  readonly bodies: readonly LedgerEntryBody[];
}

function nameOf(effect: Exclude<Effect, { do: 'rest' }>): string {
  if (effect.do === 'observe') return `observe ${effect.check}`;
  return effect.do === 'enter' ? `enter ${effect.phase}` : effect.do;
}

function findCheck(opened: OpenedRun, id: string): PlannedCheck {
  const check = [...plannedChecks(opened.release), removalCheck(opened.release)].find((planned) => planned.id === id);
  if (!check) throw new Error(`run "${opened.run}" has no check "${id}"`);
  return check;
}

/** What the build machine saw, as the release engineers signed it, becomes the host's evidence of G0 to G2. */
function builtEvidence(check: PlannedCheck, { opened, now }: { opened: OpenedRun; now: Date }): Evidence {
  const seen = opened.buildRecord.checks.find((built) => built.check === check.id);
  const head = { check: check.id, gate: check.gate, kind: check.kind, startedAt: now.toISOString(), durationMs: 0 };
  if (!seen) return { ...head, result: unbuiltResult(check, opened) };
  const observe = { ...head, result: { did: 'observe', observation: seen.observation } } satisfies Evidence;
  return seen.capsule ? { ...observe, capsule: seen.capsule } : observe;
}

function unbuiltResult({ kind }: PlannedCheck, { release }: OpenedRun): Evidence['result'] {
  if (kind !== 'source-tests' || release.plan.tests) {
    return { did: 'not-run', reason: 'the signed build record holds nothing of it' };
  }
  return {
    did: 'leave-a-gap',
    statement: 'the release declares no tests of its own, so none were run on the build machine',
    owner: 'release engineers',
    route: 'declare tests in keyturn.yaml',
  };
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

/** Resolves when `signal` is aborted; never, when `unless` is first. */
function waitForAbort(signal: AbortSignal, unless: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true, signal: unless }));
}
